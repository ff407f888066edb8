"""Notebook 30 in JupyterLab: a sentence typed into the box changes the map; bad ones become a message."""

import numpy as np
import pytest
from lab import Notebook

NOTEBOOK = "30_mmlgnet"
X = "asker"


def ask_and_check(board, text, sentences, seconds=30):
    """Type, press Ask: the sentences are answered, and the map on the screen is that of the answer."""
    before = board.cells("map")
    board.panel.get_by_label("sentences", exact=True).fill(text)
    board.press("Ask")
    board.book.until(f"[{X}.sentences, {X}.negatives]", sentences, seconds)
    assert board.book.ask(f"len({X}.failures)") == 0
    board.settled("map", but=crossed(board))
    changed = (board.cells("map") != before).any(-1).mean()
    assert changed > 0.2, f"only {changed:.1%} of the map changed"


def crossed(board) -> np.ndarray:
    """Pixels near the mark of the one that was clicked."""
    rows, cols = np.indices((board.head("map")["rows"], board.head("map")["cols"]))
    place = board.book.ask(f"list({X}.place)") or [-99, -99]
    return (np.abs(rows - place[0]) < 12) & (np.abs(cols - place[1]) < 12)


def test_the_notebook_runs_and_asked_its_question(book):
    assert book.cell_errors() == []
    assert book.ask(f"{X}.sentences") == [book.ask("question")]


def test_a_typed_sentence_changes_the_map(board, shot):
    ask_and_check(board, "a grey road between fields", [["a grey road between fields"], []])
    shot(board.book.page, "30_one_sentence")


def test_several_sentences_and_a_negative(board, shot):
    text = "dense green forest\nred roofs of houses\n- water"
    ask_and_check(board, text, [["dense green forest", "red roofs of houses"], ["water"]])
    board.page_of("Show")
    soft = board.panel.get_by_label("second map")
    soft.select_option(label="soft classes")
    board.book.until(f"{X}.layer", "soft classes")
    board.settled("classes", but=crossed(board))
    shot(board.book.page, "30_soft_classes")
    numbers = board.book.ask(f"[{X}.answer.r2.tolist(), {X}.answer.z.tolist()]")
    assert np.isfinite(numbers).all()


def test_an_edited_class_prompt_changes_the_class_map_without_training(board):
    book, before = board.book, board.drawn("classes")
    old = book.ask(f"{X}.labels.tolist()")
    name = book.ask(f"{X}.text.class_names[0]")
    board.page_of("Words of classes")
    board.panel.get_by_label("class", exact=True).select_option(label=name)
    board.panel.get_by_label("its prompt").fill("grey asphalt road with cars")
    board.panel.get_by_role("button", name="Change", exact=True).click()
    book.until(f"{X}.class_words[0]", ["grey asphalt road with cars"])
    assert book.ask(f"{X}.labels.tolist()") != old
    board.settled("classes", but=crossed(board))
    board.changed("classes", before)
    board.panel.get_by_role("button", name="Reset", exact=True).click()
    book.until(f"{X}.labels.tolist() == {old}", True)


@pytest.mark.parametrize(("text", "said"), [("  \n ", "empty"), ("- only this", "only negatives"),
                                            ("very " * 3000 + "long", "shorten"), ("a\n" * 20, "up to 8")])  # fmt: skip
def test_bad_sentences_are_a_message_in_the_panel(board, text, said):
    before = board.book.ask(f"{X}.sentences")
    board.panel.get_by_label("sentences", exact=True).fill(text)
    board.panel.get_by_role("button", name="Ask", exact=True).click()
    board.panel.locator(".hsikit-message", has_text=said).wait_for()
    assert board.book.ask(f"[{X}.sentences, len({X}.failures)]") == [before, 0]


def test_a_click_on_the_map_ranks_the_class_prompts_there_and_leaves_a_mark(board, shot):
    client = board.at(60, 200)
    row, col = (round(v) for v in board.place(client))
    board.click(client)
    board.book.until(f"{X}.message.startswith('({row}, {col})')", True)
    rings = [board.book.ask(f"[[r['y'], r['x']] for r in {X}._view['{c}'].marks['rings']]") for c in ("map", "classes")]
    assert rings == [[[row, col]], [[row, col]]]
    shot(board.book.page, "30_clicked")


def test_an_example_is_asked_by_choosing_it_and_undo_brings_the_question_back(board):
    book = board.book
    before, example = book.ask(f"{X}.sentences"), book.ask(f"{X}.examples()[-1]")
    board.panel.get_by_label("examples").select_option(index=4)
    book.until(f"{X}.sentences", [example], 30)
    board.panel.locator(".hsikit-message", has_text="z ").wait_for()
    board.press("Undo")
    book.until(f"{X}.sentences", before)
    board.settled("map", but=crossed(board))


def test_the_opacity_shows_the_scene_under_the_answer(board):
    for opacity in (0.0, 1.0, 0.8):
        board.book.do(f"{X}.opacity = {opacity}")
        board.settled("map", "classes", but=crossed(board))


@pytest.mark.parametrize("fault", ["an answer to another sentence", "a stale frame"])  # last: it leaves a stale screen
def test_seeded_faults_are_caught(board, fault, monkeypatch):
    book = board.book
    code = {"a stale frame": f"_v = type({X}._view); _kept = _v.refresh; _v.refresh = lambda self: None",
            "an answer to another sentence": "_v = type(asker); _kept = _v._ask\n"
            "_v._ask = lambda self, s, n: _kept(self, self.sentences or ['x'], n)"}[fault]  # fmt: skip
    book.do(code)
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted, seconds=4: Notebook.until(book, e, wanted, 4))
        try:
            with pytest.raises(AssertionError):
                ask_and_check(board, f"a sentence for {fault}", [[f"a sentence for {fault}"], []])
        finally:
            book.do("_v.refresh = _kept" if fault == "a stale frame" else "_v._ask = _kept")
