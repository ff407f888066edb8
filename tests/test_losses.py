import math
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from hsikit.losses import Consistency, CrossEntropy, SelfDistillation, SymmetricContrastive, ramped
from hsikit.models import SDHSINet
from hsikit.models.output import Output


def output_of(scores):
    return Output(scores, scores)


def slow_contrastive(scores, target, positives):
    """Both directions written with loops, as the docstring states them."""
    s, y, n = scores.tolist(), target.tolist(), len(target)
    if positives == "identity":
        pair = [[s[i][y[j]] for j in range(n)] for i in range(n)]
        v2t = -sum(pair[i][i] - math.log(sum(math.exp(v) for v in pair[i])) for i in range(n)) / n
        t2v = -sum(pair[i][i] - math.log(sum(math.exp(pair[j][i]) for j in range(n))) for i in range(n)) / n
        return v2t, t2v
    v2t = -sum(s[i][y[i]] - math.log(sum(math.exp(v) for v in s[i])) for i in range(n)) / n
    total = 0.0
    for c in sorted(set(y)):
        mine = [i for i in range(n) if y[i] == c]
        norm = math.log(sum(math.exp(s[j][c]) for j in range(n)))
        if positives == "multi":
            total += sum(s[i][c] - norm for i in mine) / len(mine)
        else:
            total += math.log(sum(math.exp(s[i][c] - norm) for i in mine))
    return v2t, -total / len(set(y))


@pytest.mark.parametrize("positives", ["multi", "sum", "identity"])
@pytest.mark.parametrize(("n", "classes"), [(1, 2), (5, 3), (16, 6)])
def test_contrastive_equals_the_slow_reference(positives, n, classes):
    torch.manual_seed(n)
    scores, target = torch.randn(n, classes, dtype=torch.double), torch.randint(classes, (n,))
    terms = SymmetricContrastive(positives=positives)(output_of(scores), target, torch.arange(n))
    v2t, t2v = slow_contrastive(scores, target, positives)
    assert terms["v2t"].item() == pytest.approx(v2t, abs=1e-9)
    assert terms["t2v"].item() == pytest.approx(t2v, abs=1e-9)


def test_text_to_vision_bound_is_reached_by_perfect_ties():
    target = torch.tensor([0, 0, 0, 1, 1, 2])
    scores = 200.0 * F.one_hot(target, 3).double()
    term = SymmetricContrastive()(output_of(scores), target, target)["t2v"]
    assert term.item() == pytest.approx((math.log(3) + math.log(2)) / 3, abs=1e-6)  # the mean of log n_c


def test_weight_zero_leaves_a_direction_out():
    scores, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    assert set(SymmetricContrastive(text_to_vision=0.0)(output_of(scores), target, target)) == {"v2t"}
    with pytest.raises(ValueError, match="nothing would be trained"):
        SymmetricContrastive(0.0, 0.0)


def fake_exits(n=6, classes=4, exits=3, dim=8):
    leaf = lambda *shape: torch.randn(*shape, dtype=torch.double, requires_grad=True)  # noqa: E731
    return Output(leaf(n, classes), leaf(n, dim), tuple(leaf(n, classes) for _ in range(exits)),
                  tuple(leaf(n, dim) for _ in range(exits)))  # fmt: skip


def slow_kl(teacher, student, temperature):
    p = (teacher / temperature).softmax(1)
    q = (student / temperature).softmax(1)
    return temperature**2 * sum(
        p[i, c] * (p[i, c].log() - q[i, c].log()) for i in range(len(p)) for c in range(p.shape[1])
    ) / len(p)  # fmt: skip


@pytest.mark.parametrize("temperature", [1.0, 5.0])
@pytest.mark.parametrize("direction", ["deep_to_shallow", "shallow_to_deep"])
def test_soft_targets_equal_the_slow_reference(temperature, direction):
    torch.manual_seed(1)
    out = fake_exits()
    target = torch.randint(4, (6,))
    terms = SelfDistillation(kl=1.0, temperature=temperature, direction=direction)(out, target, torch.arange(6))
    chain = [*out.exits, out.logits]
    pairs = [(out.logits, e) for e in out.exits] if direction == "deep_to_shallow" else list(pairwise(chain))
    want = sum(slow_kl(t, s, temperature) for t, s in pairs)
    assert terms["kl"].item() == pytest.approx(want.item(), rel=1e-9)


def test_soft_targets_at_high_temperature_tend_to_half_the_squared_difference_of_logits():
    torch.manual_seed(2)
    out = fake_exits(exits=1)
    kl = SelfDistillation(kl=1.0, temperature=1e4)(out, torch.zeros(6, dtype=torch.long), torch.arange(6))["kl"]
    centred = lambda t: t - t.mean(1, keepdim=True)  # noqa: E731
    limit = (centred(out.logits) - centred(out.exits[0])).square().sum(1).mean() / (2 * 4)
    assert kl.item() == pytest.approx(limit.item(), rel=1e-3)


def test_hint_equals_the_slow_reference_and_trains_only_the_student():
    out = fake_exits()
    term = SelfDistillation(hint=1.0)(out, torch.zeros(6, dtype=torch.long), torch.arange(6))["hint"]
    deep = out.embedding / out.embedding.norm(dim=1, keepdim=True)
    want = sum(((f / f.norm(dim=1, keepdim=True) - deep) ** 2).sum() / f.numel() for f in out.features)
    assert term.item() == pytest.approx(want.item(), rel=1e-9)
    term.backward()
    assert out.embedding.grad is None
    assert all(f.grad.abs().sum() > 0 for f in out.features)


@pytest.mark.parametrize("direction", ["deep_to_shallow", "shallow_to_deep"])
def test_the_teacher_gets_no_gradient_from_soft_targets(direction):
    out = fake_exits()
    SelfDistillation(direction=direction)(out, torch.zeros(6, dtype=torch.long), torch.arange(6))["kl"].backward()
    if direction == "deep_to_shallow":
        assert out.logits.grad is None
        assert all(e.grad.abs().sum() > 0 for e in out.exits)
    else:
        assert out.exits[0].grad is None
        assert out.logits.grad.abs().sum() > 0


@pytest.mark.parametrize("term", ["ce_final", "ce_exits", "kl", "hint"])
def test_every_term_moves_the_parameters_it_should(term):
    torch.manual_seed(0)
    network = SDHSINet(13, 4, 9)
    out = network(torch.randn(8, 13, 9, 9)).centre()
    SelfDistillation()(out, torch.randint(4, (8,)), torch.arange(8))[term].backward()
    moved = {name.split(".")[0] + ("." + name.split(".")[2] if name.startswith("exits") else "")
             for name, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}  # fmt: skip
    want = {"ce_final": {"stages", "flat", "head", "classify"}, "ce_exits": {"stages", "flat", "exits.classify"},
            "kl": {"stages", "flat", "exits.classify"}, "hint": {"stages", "flat", "exits.project"}}  # fmt: skip
    assert moved == want[term]


def test_temporal_targets_are_an_average_of_the_pixels_own_past():
    loss = SelfDistillation(direction="temporal", kl=1.0, temperature=2.0, momentum=0.75)
    loss.begin(torch.zeros(10, dtype=torch.long), 4)
    loss.double()
    index = torch.tensor([7, 2, 5])
    first, second = fake_exits(3), fake_exits(3)
    target = torch.zeros(3, dtype=torch.long)
    assert "kl" not in loss(first, target, index)  # nothing known yet
    past = (first.logits / 2).softmax(1)
    assert torch.allclose(loss.past[index], past)
    want = sum(slow_kl(2 * past.log(), s, 2.0) for s in [*second.exits, second.logits])
    assert loss(second, target, index)["kl"].item() == pytest.approx(want.item(), rel=1e-5)
    assert torch.allclose(loss.past[index], (0.75 * past + 0.25 * (second.logits / 2).softmax(1)))
    assert loss.past[0].sum() == 0


def test_balanced_weights_average_one_a_pixel():
    loss = CrossEntropy(balanced=True)
    targets = torch.tensor([0] * 90 + [1] * 10)
    loss.begin(targets, 2)
    assert loss.weight[targets].mean().item() == pytest.approx(1.0)
    assert (loss.weight[1] / loss.weight[0]).item() == pytest.approx(9.0)


@pytest.mark.parametrize("wrong", [lambda: SelfDistillation(direction="sideways"),
                                   lambda: SymmetricContrastive(positives="some")])  # fmt: skip
def test_unknown_choices_name_the_known(wrong):
    with pytest.raises(ValueError, match="unknown; choose"):
        wrong()


def test_the_mean_of_all_outputs_teaches_all_of_them_also_on_windows_without_label():
    torch.manual_seed(5)
    out, beside, target = fake_exits(), fake_exits(), torch.randint(4, (6,))
    loss = SelfDistillation(kl=0.5, temperature=2.0, direction="mean_to_all")
    terms = loss(out, target, torch.arange(6), beside=beside)
    chain = [torch.cat(pair) for pair in zip([*out.exits, out.logits], [*beside.exits, beside.logits])]
    teacher = 2 * sum((logits / 2).softmax(1) for logits in chain).div(len(chain)).log()  # softmax(. / 2) gives it back
    want = 0.5 * sum(slow_kl(teacher, student, 2.0) for student in chain)
    assert terms["kl"].item() == pytest.approx(want.item(), rel=1e-9)
    assert terms["ce_final"].item() == pytest.approx(F.cross_entropy(out.logits, target).item())
    terms["kl"].backward()
    assert beside.logits.grad.abs().sum() > 0
    assert beside.exits[0].grad.abs().sum() > 0


def test_the_past_of_training_pixels_says_nothing_of_windows_without_label():
    loss = SelfDistillation(direction="temporal")
    loss.begin(torch.zeros(6, dtype=torch.long), 4)
    with pytest.raises(ValueError, match="unlabelled: 0"):
        loss(fake_exits(), torch.zeros(6, dtype=torch.long), torch.arange(6), beside=fake_exits())


def test_soft_targets_rise_as_the_square_of_the_way_gone():
    assert [ramped(share, 0.3) for share in (0.0, 0.15, 0.3, 0.9)] == pytest.approx([0, 0.25, 1, 1])
    assert ramped(0.0, 0.0) == 1.0
    out, loss = fake_exits(), SelfDistillation(kl=1.0, rampup=0.3)
    full = loss(out, torch.zeros(6, dtype=torch.long), torch.arange(6))["kl"]
    loss.advance(0.15)
    assert loss(out, torch.zeros(6, dtype=torch.long), torch.arange(6))["kl"].item() == pytest.approx(full.item() / 4)


def test_consistency_is_the_mean_of_two_views_against_each():
    torch.manual_seed(6)
    out, views, target = fake_exits(), fake_exits(n=10), torch.randint(4, (6,))
    loss = Consistency(kl=0.5, temperature=2.0, rampup=0.5)
    loss.advance(0.25)
    terms = loss(out, target, torch.arange(6), beside=views)
    first, second = views.logits[:5], views.logits[5:]
    teacher = 2 * (((first / 2).softmax(1) + (second / 2).softmax(1)) / 2).log()
    want = 0.5 * 0.25 * (slow_kl(teacher, first, 2.0) + slow_kl(teacher, second, 2.0))
    assert terms["kl"].item() == pytest.approx(want.item(), rel=1e-9)
    with pytest.raises(ValueError, match="unlabelled: 32"):
        loss(out, target, torch.arange(6))


def test_a_power_of_the_class_weights_averages_one_a_pixel_too():
    targets = torch.tensor([0] * 9 + [1] * 1)
    loss = CrossEntropy(balanced=0.5)
    loss.begin(targets, 2)
    assert (loss.weight[1] / loss.weight[0]).item() == pytest.approx(3.0)  # the root of nine
    assert loss.weight[targets].mean().item() == pytest.approx(1.0)
