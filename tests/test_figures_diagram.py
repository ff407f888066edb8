"""Diagrams and formulas of both networks: shapes are those of a real forward pass, weights those of the loss."""

import re

import pytest
import torch

import hsikit
from hsikit import figures
from hsikit.figures import FigureError
from hsikit.figures.diagram import Part, parts_of
from hsikit.figures.formulas import TEACHER, TEXT_TO_VISION, formulas
from hsikit.losses import DIRECTIONS


def _with_words(network, classes=6):
    network.read_text(hsikit.random_vectors([f"class {c}" for c in range(classes)], network.text_dim, seed=0).vectors)
    return network


NETWORKS = {
    "one pixel branch": lambda: _with_words(hsikit.MMLGNetScales(20, 3, text_dim=16, scales=(11,))),
    "three scales": lambda: _with_words(hsikit.MMLGNetScales(20, 3, text_dim=16, scales=(1, 3, 7))),
    "plain": lambda: _with_words(hsikit.MMLGNet(12, 1, text_dim=24, window=9)),
    "no LiDAR": lambda: _with_words(hsikit.MMLGNet(12, 0, text_dim=24, window=9)),
    "gated": lambda: _with_words(hsikit.MMLGNet(12, 1, text_dim=24, window=9, fusion="gated")),
    **{variant: (lambda v=variant: hsikit.SDHSINet(bands=30, classes=5, window=25, variant=v))
       for variant in ("light", "paper", "fields", "few_labels", "ten_percent")},
    "no exits": lambda: hsikit.SDHSINet(bands=20, classes=5, window=11, exits=False),
}  # fmt: skip


def _passed(network) -> dict[str, tuple[int, ...]]:
    """Shapes of everything that goes through, from a pass of a batch of two that this test makes itself."""
    seen: dict[str, tuple[int, ...]] = {}

    def noting(name: str):
        def note(module, given, made):
            seen[name] = tuple((made[0] if isinstance(made, tuple) else made).shape[1:])

        return note

    for name, module in network.named_modules():
        if name:
            module.register_forward_hook(noting(name))
    size = network.window
    lidar = torch.randn(2, network.lidar_channels, size, size) if network.lidar_channels else None
    with torch.no_grad():
        output = network.eval()(torch.randn(2, network.bands, size, size), lidar)
    return seen | {"logits": tuple(output.logits.shape[1:]), "embedding": tuple(output.embedding.shape[1:])}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_shape_on_an_arrow_is_one_of_a_real_pass(name):
    network = NETWORKS[name]()
    parts, passed = parts_of(network), set(_passed(network).values())
    given = {(n, network.window, network.window) for n in (network.bands, network.lidar_channels)}
    words = {(len(network.text), network.text_dim)} if hasattr(network, "text") else set()
    tensors = {part.shape for part in parts.values() if part.shape and "sentences" not in part.shape}
    joined = {(network.parts[-1].head.in_channels, 1, 1)} if hasattr(network, "parts") else set()
    assert tensors <= passed | given | words | joined
    assert all(other in parts for part in parts.values() for other in part.to)
    assert all(part.shape for part in parts.values() if part.to), "an arrow without a shape"


def test_each_part_carries_the_shape_of_its_own_module():
    network = NETWORKS["one pixel branch"]()
    parts, passed = parts_of(network), _passed(network)
    assert parts["hsi pixel"].shape == passed["parts.0.hsi.pixel"] == (48, 1, 1)
    assert parts["hsi around"].shape == passed["parts.0.hsi.context"] == (24, 5, 5)
    assert parts["fusion"].shape == (passed["parts.0.hsi"][0] + passed["parts.0.lidar"][0], 1, 1)
    network = NETWORKS["fields"]()
    parts, passed = parts_of(network), _passed(network)
    assert [parts[f"stage {k}"].shape for k in (1, 2, 3)] == [passed["stages.0"], passed["stages.1"], passed["flat"]]
    assert parts["exit 2"].shape == passed["logits"] == (5, 1, 1)


def test_another_window_or_band_count_gives_other_shapes():
    small, large = (hsikit.SDHSINet(bands=b, classes=5, window=w) for b, w in ((15, 9), (30, 11)))
    assert parts_of(small)["hsi"].shape == (15, 9, 9)
    assert parts_of(large)["hsi"].shape == (30, 11, 11)
    assert parts_of(small)["stage 1"].shape != parts_of(large)["stage 1"].shape


@pytest.mark.parametrize("name", ["one pixel branch", "plain", "fields", "paper"])
def test_the_drawing_shows_every_shape_and_every_word_within_its_box(name):
    drawn = figures.network_diagram(NETWORKS[name](), "a title")
    texts = [text.get_text() for text in drawn.axes[0].texts]
    for part in parts_of(NETWORKS[name]()).values():
        if part.to:
            assert "×".join(map(str, part.shape)) in texts
        assert all(text in texts for text, *_ in part.strips)
    renderer = drawn.canvas.get_renderer()
    boxes = [box.get_window_extent(renderer) for box in drawn.axes[0].patches if type(box).__name__ == "Rectangle"]
    inside = [t for t in drawn.axes[0].texts if any(t.get_text() == s[0] for p in parts_of(NETWORKS[name]()).values()
                                                    for s in p.strips)]  # fmt: skip
    for text in inside:
        extent = text.get_window_extent(renderer)
        assert any(b.x0 <= extent.x0 and extent.x1 <= b.x1 and b.y0 - 1 <= extent.y0 and extent.y1 <= b.y1 + 1
                   for b in boxes), text.get_text()  # fmt: skip


def test_known_and_assumed_stand_apart():
    part = Part((0, 0), "fusion", "side by side", ())
    assert [strip[0] for strip in part.strips] == ["fusion", "side by side"]
    assert len({strip[1] for strip in part.strips}) == len({strip[2] for strip in part.strips}) == 2
    assert len(Part((0, 0), "fusion", "", ()).strips) == 1


def test_a_drawing_is_saved_as_svg_the_same_each_time(tmp_path):
    for name in ("a", "b"):
        figures.save_figure(figures.network_diagram(NETWORKS["fields"](), "x"), tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "<svg" in (text := (tmp_path / "a.svg").read_text())
    assert "<script" not in text
    assert "16×28×25×25" in text  # beside its outlines as a comment
    assert len(text) < 200_000


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(FigureError, match="no diagram of Conv2d"):
        parts_of(torch.nn.Conv2d(1, 1, 1))
    with pytest.raises(FigureError, match="read_text"):
        parts_of(hsikit.MMLGNet(12, 1, text_dim=24))
    with pytest.raises(FigureError, match="no formulas of CrossEntropy"):
        formulas(hsikit.CrossEntropy())


def test_the_network_is_left_as_it_was():
    network = NETWORKS["plain"]().train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    parts_of(network)
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


# --- formulas --------------------------------------------------------------------------------------


@pytest.mark.parametrize("positives", TEXT_TO_VISION)
def test_formulas_of_the_contrastive_loss_can_be_drawn(positives):
    loss = hsikit.SymmetricContrastive(positives=positives, text_to_vision=0.5)
    assert r"0.5\,L_{t \to v}" in formulas(loss)[0][0]
    assert len(figures.loss_formulas(loss, "x").axes[0].texts) == 2 * len(formulas(loss))
    one = formulas(hsikit.SymmetricContrastive(positives=positives, text_to_vision=0))
    assert len(one) == 3
    assert "L_{t" not in one[0][0]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_formulas_of_self_distillation_have_the_weights_of_the_loss(direction):
    loss = hsikit.SelfDistillation(ce_exits=0.7, kl=0.3, hint=0, temperature=4, direction=direction, rampup=0.25)
    lines = formulas(loss)
    assert len(lines) == 4  # no hint
    assert re.search(r"0\.7.*CE", lines[2][0])
    assert re.search(r"0\.3.*t/0\.25.*KL.*T = 4", lines[3][0])
    assert TEACHER[direction] in lines[3][1]
    figures.loss_formulas(loss, "x")
