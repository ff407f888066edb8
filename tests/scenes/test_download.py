"""Downloads from a real HTTP server on this machine, with everything that goes wrong on the way."""

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hsikit.scenes import SceneError, download, load_scene, published, registry
from hsikit.scenes.download import fetch, fetch_files
from hsikit.scenes.published import SceneFacts, SceneFile

CONTENT = os.urandom(300_000)
SUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The path says how the server behaves: /good /missing /wrong /cut /cut_once /slow /crawl /drip /file /round."""

    def do_GET(self) -> None:
        how = self.path.strip("/").split("/")[0]
        self.server.asked.append((how, self.headers.get("Range")))
        if how == "missing":
            self.send_error(404)
            return
        if how in ("file", "round"):
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd" if how == "file" else self.path)
            self.end_headers()
            return
        if how == "drip":  # a byte at a time
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(400):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            return
        if how == "slow":
            time.sleep(3)
        body, status = (b"<html>moved</html>" if how == "wrong" else CONTENT), 200
        if self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            body, status = body[start:], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        first_cut = how == "cut_once" and sum(h == how for h, _ in self.server.asked) == 1
        if how == "crawl":
            time.sleep(0.3)
        self.wfile.write(body[: len(body) // 2] if how == "cut" or first_cut else body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


def urls(server: ThreadingHTTPServer, *ways: str) -> tuple[str, ...]:
    return tuple(f"http://127.0.0.1:{server.server_address[1]}/{way}/cube.mat" for way in ways)


def one_file(server: ThreadingHTTPServer, *ways: str, **changes: object) -> SceneFacts:
    file = {"name": "cube.mat", "urls": urls(server, *ways), "sha256": SUM} | changes
    return SceneFacts("site", 1, 1, 1, 0, 1, 1, "CC BY 4.0", "Someone (2020)", (SceneFile(**file),), ("site",))


def nothing() -> None:
    """A scene that loads."""


def left(cache_folder) -> list[str]:
    """Files in the scene's cache, locks aside."""
    folder = cache_folder / "site"
    return sorted(p.name for p in folder.iterdir() if p.name != ".lock") if folder.exists() else []


def test_file_arrives_whole_and_terms_come_first(server, cache_folder, caplog):
    with caplog.at_level(logging.WARNING):
        (path,) = fetch_files(one_file(server, "good"), nothing)
    assert path == cache_folder / "site" / "cube.mat"
    assert path.read_bytes() == CONTENT
    assert left(cache_folder) == ["cube.mat"]
    assert "CC BY 4.0" in caplog.text
    assert "Someone (2020)" in caplog.text
    caplog.clear()
    assert fetch_files(one_file(server, "good"), nothing) == [path]
    assert len(server.asked) == 1
    assert caplog.text == ""


@pytest.mark.parametrize("bad", ["missing", "wrong", "cut", "slow"])
def test_next_mirror_takes_over(server, monkeypatch, bad):
    monkeypatch.setattr(download, "TIMEOUT_S", (1.0, 0.5))
    (path,) = fetch_files(one_file(server, bad, "good"), nothing)
    assert path.read_bytes() == CONTENT
    assert [how for how, _ in server.asked] == [bad, "good"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("missing", "status 404"),
        ("wrong", "wrong sha256"),
        ("cut", "connection lost"),
        ("slow", "timed out"),
        ("drip", "slower than 1,024 bytes a second"),
        ("file", "an address that is not of the web, which was not followed"),
        ("round", "from address to address without end"),
    ],
)
def test_no_mirror_left_is_one_line_with_all_reasons(server, cache_folder, monkeypatch, bad, says):
    monkeypatch.setattr(download, "TIMEOUT_S", (1.0, 0.3))
    monkeypatch.setattr(download, "SLOW_S", 0.5)
    with pytest.raises(SceneError, match=rf"cube.mat could not be had: .*{says}.*by hand") as caught:
        fetch_files(one_file(server, bad), nothing)
    assert "\n" not in str(caught.value)
    assert "cube.mat" not in left(cache_folder)


def test_a_file_that_takes_too_long_in_all_is_given_up(server, cache_folder, monkeypatch):
    monkeypatch.setattr(download, "LONGEST_S", 0.5)
    with pytest.raises(SceneError, match="not done after 0 hours"):
        fetch_files(one_file(server, "drip"), nothing)


def test_a_rest_of_another_file_does_not_spoil_a_good_mirror(server, cache_folder):
    (cache_folder / "site").mkdir(parents=True)
    (cache_folder / "site" / "cube.mat.part").write_bytes(b"of another file")
    (path,) = fetch_files(one_file(server, "good"), nothing)
    assert path.read_bytes() == CONTENT
    assert left(cache_folder) == ["cube.mat"]


def test_no_server_at_all(cache_folder):
    facts = SceneFacts(
        "site",
        1,
        1,
        1,
        0,
        1,
        1,
        "-",
        "-",
        (SceneFile("cube.mat", ("http://127.0.0.1:9/x",), SUM),),
        ("site",),
    )
    with pytest.raises(SceneError, match="lost or refused"):
        fetch_files(facts, nothing)
    assert left(cache_folder) == []


def test_cut_download_goes_on_where_it_stopped(server):
    (path,) = fetch_files(one_file(server, "cut_once"), nothing)
    assert path.read_bytes() == CONTENT
    (_, first), (_, second) = server.asked
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= len(CONTENT) // 2


def test_cut_download_goes_on_in_the_next_session(server, cache_folder):
    with pytest.raises(SceneError, match="connection lost"):
        fetch_files(one_file(server, "cut"), nothing)
    assert left(cache_folder) == ["cube.mat.part"]
    (path,) = fetch_files(one_file(server, "good"), nothing)
    assert path.read_bytes() == CONTENT
    assert server.asked[-1][1] is not None
    assert left(cache_folder) == ["cube.mat"]


def test_leftover_that_does_not_belong_is_started_over(server, cache_folder):
    (cache_folder / "site").mkdir(parents=True)
    (cache_folder / "site" / "cube.mat.part").write_bytes(b"x" * 1000)
    (path,) = fetch_files(one_file(server, "good", "good2"), nothing)
    assert path.read_bytes() == CONTENT


def test_changed_file_in_the_cache_is_refused(server, cache_folder):
    (path,) = fetch_files(one_file(server, "good"), nothing)
    path.write_bytes(b"changed")
    with pytest.raises(SceneError, match=r"not the file its sum stands for .*delete it"):
        fetch_files(one_file(server, "good"), nothing)


def test_unknown_sum_is_kept_at_first_download_and_a_later_change_refused(server, cache_folder):
    unknown = one_file(server, "good", sha256=None)
    (path,) = fetch_files(unknown, nothing)
    pins = json.loads((cache_folder / "pinned_sums.json").read_text())
    assert pins["sums"] == {"site/cube.mat": SUM}
    path.unlink()
    with pytest.raises(SceneError, match="wrong sha256: the publisher changed it"):
        fetch_files(one_file(server, "wrong", sha256=None), nothing)
    assert left(cache_folder) == []
    (path,) = fetch_files(unknown, nothing)
    path.write_bytes(b"changed")
    with pytest.raises(SceneError, match="not the file its sum stands for"):
        fetch_files(unknown, nothing)


def test_unknown_sum_of_a_file_that_does_not_load_is_not_kept(server, cache_folder):
    def fails() -> None:
        raise SceneError("site: cube.mat has 3 pixels of class 1, published are 4")

    with pytest.raises(SceneError, match="published are 4"):
        fetch_files(one_file(server, "good", sha256=None), fails)
    assert left(cache_folder) == []
    assert not (cache_folder / "pinned_sums.json").exists()


@pytest.mark.parametrize("text", ['{"version": 0, "sums": {}}', "{broken", "[]", '{"version": 1, "sums": {"a": 3}}'])
def test_cache_of_another_version_is_named(server, cache_folder, text):
    cache_folder.mkdir(parents=True)
    (cache_folder / "pinned_sums.json").write_text(text)
    with pytest.raises(SceneError, match=r"pinned_sums.json is damaged or of another version of hsikit; delete it"):
        fetch_files(one_file(server, "good"), nothing)
    assert server.asked == []


def test_cache_that_cannot_be_written(server, cache_folder):
    cache_folder.parent.mkdir(parents=True, exist_ok=True)
    cache_folder.write_text("a file stands where the folder should be")
    with pytest.raises(SceneError, match=r"cannot be written .*XDG_CACHE_HOME"):
        fetch_files(one_file(server, "good"), nothing)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_read_only_cache(server, cache_folder):
    cache_folder.mkdir(parents=True)
    cache_folder.chmod(0o500)
    with pytest.raises(SceneError, match="cannot be written"):
        fetch_files(one_file(server, "good"), nothing)


def test_full_disk_gives_back_what_was_taken(server, cache_folder, monkeypatch):
    def full(self, url, output_file, pooch):
        self.part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download._Resuming, "__call__", full)
    with pytest.raises(SceneError, match="No space left on device"):
        fetch_files(one_file(server, "good"), nothing)
    assert left(cache_folder) == []


def test_two_processes_at_once_download_once(server, cache_folder, tmp_path):
    code = f"""
import pathlib
from hsikit.scenes.download import fetch_files
from hsikit.scenes.published import SceneFacts, SceneFile
import hsikit.scenes.published, hsikit.scenes.download as d
root = pathlib.Path({str(cache_folder)!r})
hsikit.scenes.published.cache_root = d.cache_root = lambda: root
file = SceneFile("cube.mat", {urls(server, "crawl")!r}, {SUM!r})
print(fetch_files(SceneFacts("site", 1, 1, 1, 0, 1, 1, "-", "-", (file,), ("site",)), lambda: None)[0])
"""
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    out = [p.communicate(timeout=60)[0].decode().strip() for p in running]
    assert [p.returncode for p in running] == [0, 0]
    assert out == [str(cache_folder / "site" / "cube.mat")] * 2
    assert (cache_folder / "site" / "cube.mat").read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_file_that_may_be_missing_is_passed_over(server, caplog):
    with caplog.at_level(logging.WARNING):
        assert fetch_files(one_file(server, "missing", required=False), nothing) == []
    assert "status 404" in caplog.text
    assert "loads without it" in caplog.text


def test_data_folder_is_read_and_never_written(server, data_folder):
    (data_folder / "site").mkdir()
    (data_folder / "site" / "cube.mat").write_bytes(b"placed by hand")
    assert fetch_files(one_file(server, "good"), nothing) == [data_folder / "site" / "cube.mat"]
    assert server.asked == []
    assert sorted(p.name for p in data_folder.rglob("*")) == ["cube.mat", "site"]


def test_scene_under_terms_is_placed_by_hand(cache_folder):
    with pytest.raises(SceneError, match=r"CASI.tif, .*must be placed by hand in .*houston2013.*terms forbid"):
        fetch("houston2013")


def test_fetch_by_name(server, monkeypatch, cache_folder):
    """The whole way for a scene of the list: unknown name, then a fetch that loads and pins."""
    with pytest.raises(SceneError, match="did you mean 'salinas'"):
        fetch("salinass")
    assert fetch("simulated") == []
    here = one_file(server, "good", sha256=None)
    monkeypatch.setattr(registry, "facts", lambda name: here)
    monkeypatch.setattr(registry, "load_scene", lambda name: None)
    assert fetch("site") == [cache_folder / "site" / "cube.mat"]


def test_published_addresses_are_whole():
    for name in registry.SCENES:
        for file in registry.facts(name).files:
            assert file.sha256 is None or len(file.sha256) == 64
            assert all(url.startswith("http") and url.endswith(file.name) for url in file.urls)
            assert file.urls or registry.facts(name).manual or not file.required
    assert published.cache_root().name == "hsikit"
    assert load_scene("indian_pines").name == "indian_pines"
