"""Notebook 30 in JupyterLab: a sentence typed into the box changes the map; bad ones become a message."""

import numpy as np
import pytest
from lab import Notebook

NOTEBOOK = "30_mmlgnet"
X = "asker"


def ask_and_check(picture, text, sentences, seconds=30):
    """Type, press Ask: the sentences are answered, and the map on the screen is another one."""
    before = picture.settle()
    picture.panel.get_by_label("sentences", exact=True).fill(text)
    picture.panel.get_by_role("button", name="Ask", exact=True).click()
    picture.book.until(f"[{X}.sentences, {X}.negatives]", sentences, seconds)
    assert picture.book.ask(f"len({X}.failures)") == 0
    after = picture.settle()
    left, top, right, bottom = picture.axes_box("map")
    changed = (after != before).any(-1)[top:bottom, left:right].mean()
    assert changed > 0.2, f"only {changed:.1%} of the map changed"


def test_the_notebook_runs_and_asked_its_question(book):
    assert book.cell_errors() == []
    assert book.ask(f"{X}.sentences") == [book.ask("question")]


def test_a_typed_sentence_changes_the_map(picture, shot):
    ask_and_check(picture, "a grey road between fields", [["a grey road between fields"], []])
    shot(picture.book.page, "30_one_sentence")


def test_several_sentences_and_a_negative(picture, shot):
    text = "dense green forest\nred roofs of houses\n- water"
    ask_and_check(picture, text, [["dense green forest", "red roofs of houses"], ["water"]])
    soft = picture.panel.get_by_label("second map")
    soft.select_option(label="soft classes")
    picture.book.until(f"{X}.layer", "soft classes")
    picture.settle()
    shot(picture.book.page, "30_soft_classes")
    numbers = picture.book.ask(f"[{X}.answer.r2.tolist(), {X}.answer.z.tolist()]")
    assert np.isfinite(numbers).all()


def test_an_edited_class_prompt_changes_the_class_map_without_training(picture):
    book, before = picture.book, picture.settle()
    old = book.ask(f"{X}.labels.tolist()")
    name = book.ask(f"{X}.text.class_names[0]")
    picture.panel.get_by_label("class", exact=True).select_option(label=name)
    picture.panel.get_by_label("its prompt").fill("grey asphalt road with cars")
    picture.panel.get_by_role("button", name="Change", exact=True).click()
    book.until(f"{X}.class_words[0]", ["grey asphalt road with cars"])
    assert book.ask(f"{X}.labels.tolist()") != old
    assert (picture.settle() != before).any()
    picture.panel.get_by_role("button", name="Reset", exact=True).click()
    book.until(f"{X}.labels.tolist() == {old}", True)


@pytest.mark.parametrize(("text", "said"), [("  \n ", "empty"), ("- only this", "only negatives"),
                                            ("very " * 3000 + "long", "shorten"), ("a\n" * 20, "up to 8")])  # fmt: skip
def test_bad_sentences_are_a_message_in_the_panel(picture, text, said):
    before = picture.book.ask(f"{X}.sentences")
    picture.panel.get_by_label("sentences", exact=True).fill(text)
    picture.panel.get_by_role("button", name="Ask", exact=True).click()
    picture.panel.locator(".hsikit-message", has_text=said).wait_for()
    assert picture.book.ask(f"[{X}.sentences, len({X}.failures)]") == [before, 0]


def test_a_click_on_the_map_ranks_the_class_prompts_there(picture):
    picture.settle()  # the message above it may still change its height
    client = picture.at("map", 200, 60)
    col, row = (round(v) for v in picture.data("map", client))
    picture.click(client)
    picture.book.until(f"{X}.message.startswith('({row}, {col})')", True)


@pytest.mark.parametrize("fault", ["a stale frame", "an answer to another sentence"])
def test_seeded_faults_are_caught(picture, fault, monkeypatch):
    book = picture.book
    code = {"a stale frame": f"_v = type({X}._view); _kept = _v.refresh; _v.refresh = lambda self: None",
            "an answer to another sentence": "_v = type(asker); _kept = _v._ask\n"
            "_v._ask = lambda self, s, n: _kept(self, self.sentences or ['x'], n)"}[fault]  # fmt: skip
    book.do(code)
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted, seconds=4: Notebook.until(book, e, wanted, 4))
        try:
            with pytest.raises(AssertionError):
                ask_and_check(picture, f"a sentence for {fault}", [[f"a sentence for {fault}"], []])
        finally:
            book.do("_v.refresh = _kept" if fault == "a stale frame" else "_v._ask = _kept")
