"""The referee's page and command: what they say, and what never gets onto the page."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from tiny import NAMES, tiny_scene, write_site

import hsikit
from hsikit import cli
from hsikit.scenes import Scene
from hsikit.splits import random_split
from hsikit.workbook.referee import page, referee

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)> & 'more' \"still\"",
    "{{ 7 * 7 }} ${x} $\\frac{a}$",
]


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data.strip())


def test_hostile_names_are_text_and_nothing_comes_from_outside():
    scene = tiny_scene()
    scene = Scene("<b onclick=alert(1)>", scene.hsi, scene.labels, HOSTILE)
    text = page(referee(scene, random_split(scene, train=0.3), scene.labels))
    seen = Seen(text)
    for name in (*HOSTILE, scene.name):
        assert name in seen.words
    assert not {"script", "iframe", "link", "object", "b"} & {tag for tag, _ in seen.tags}
    assert not [key for _, attrs in seen.tags for key in attrs if key.startswith("on")]
    sources = [attrs["src"] for _, attrs in seen.tags if "src" in attrs]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/png;base64,")
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")


def test_the_page_says_all_of_the_audit(tmp_path):
    scene = tiny_scene()
    audit = hsikit.referee(scene, random_split(scene, train=0.3), scene.labels, window=7, out=tmp_path / "a" / "b.html")
    words = " ".join(Seen((tmp_path / "a" / "b.html").read_text()).words)
    for sentence in (audit.verdict, *audit.sentences):
        assert sentence in words
    for part in (*NAMES, "7 × 7 px (stated)", "Overall accuracy", *audit.rivals.method, audit.cube):
        assert part in words


def test_the_command_prints_the_verdict_and_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_site(tmp_path)
    scene = hsikit.load_scene("site.yaml")
    np.savez("map.npz", labels=scene.labels)
    np.savez("split.npz", train=np.arange(0, 480, 7), test=np.arange(0, 480, 5))
    line = ["referee", "site.yaml", "--split", "split.npz", "--prediction", "map.npz"]
    assert cli.main([*line, "--out", "page.html"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("This is no test")
    assert "page.html" in out
    assert (tmp_path / "page.html").stat().st_size > 5000
    assert cli.main([*line, "--window", "3", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert row["verdict"].startswith("This is no test")
    assert row["oa"] == 1.0
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"--split": "none.npz"}, "none.npz cannot be read"),
        ({"--prediction": "none.tif"}, "none.tif is missing"),
        ({"SCENE": "none.yaml"}, "none.yaml is missing"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, changed, says):
    monkeypatch.chdir(tmp_path)
    write_site(tmp_path)
    np.savez("map.npz", labels=np.ones((24, 20), int))
    np.savez("split.npz", train=np.arange(0, 480, 7), test=np.arange(1, 480, 5))
    given = {"SCENE": "site.yaml", "--split": "split.npz", "--prediction": "map.npz"} | changed
    line = [word for key, value in given.items() for word in ((value,) if key == "SCENE" else (key, value))]
    assert cli.main(["referee", *line]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
