"""Areas by hand and after the paper's example; fields by hand; the bootstrap against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hsikit.areas import area_estimates, group_bootstrap, per_field_accuracy

pytestmark = pytest.mark.filterwarnings("ignore:.*y_pred contains classes:UserWarning")

# --- areas -------------------------------------------------------------------------------------------


def pick(frame, quantity, which, column="estimate"):
    return frame[(frame["quantity"] == quantity) & (frame["class"] == which)][column].item()


def test_area_estimates_by_hand():
    # Map: 900 px of class 1, 100 of class 2. Of 11 test pixels mapped 1, 10 are 1; of 6 mapped 2, 3 are 2.
    frame = area_estimates(np.array([[10, 3], [1, 3]]), np.array([900, 100]), pixel_area_m2=4.0)
    u1, u2, w1, w2 = 10 / 11, 0.5, 0.9, 0.1
    v1, v2 = u1 * (1 - u1) / 10, u2 * (1 - u2) / 5
    area1 = w1 * u1 + w2 * 0.5
    area2 = 1 - area1
    se = np.sqrt(w1**2 * v1 + w2**2 * v2)  # with two classes both areas and OA have the same spread
    assert pick(frame, "overall_accuracy", 0) == pytest.approx(w1 * u1 + w2 * u2)
    assert pick(frame, "overall_accuracy", 0, "high") == pytest.approx(w1 * u1 + w2 * u2 + 1.96 * se)
    assert pick(frame, "users_accuracy", 1) == pytest.approx(u1)
    assert pick(frame, "users_accuracy", 2, "low") == pytest.approx(u2 - 1.96 * np.sqrt(v2))
    p2 = w2 * 0.5 / area2
    assert pick(frame, "producers_accuracy", 2) == pytest.approx(p2)
    var = ((w2 * (1 - p2)) ** 2 * v2 + p2**2 * w1**2 * v1) / area2**2
    assert pick(frame, "producers_accuracy", 2, "high") == pytest.approx(p2 + 1.96 * np.sqrt(var))
    assert pick(frame, "area_share", 1) == pytest.approx(area1)
    assert pick(frame, "area_share", 2, "low") == pytest.approx(area2 - 1.96 * se)
    assert pick(frame, "area_m2", 2) == pytest.approx(4000 * area2)


def test_area_estimates_give_the_example_of_the_paper():
    # Olofsson et al. 2014, section 5: rows are mapped classes there, hence the transpose; pixels of 30 m.
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    frame = area_estimates(counts.T, np.array([200_000, 150_000, 3_200_000, 6_450_000]), 900.0)
    hectares = frame[frame["quantity"] == "area_m2"]
    np.testing.assert_allclose(hectares["estimate"] / 1e4, [21158, 11686, 285770, 581386], atol=1)
    assert ((hectares["high"] - hectares["estimate"]) / 1e4).iloc[0] == pytest.approx(6158, abs=1)
    assert pick(frame, "overall_accuracy", 0) == pytest.approx(0.95, abs=0.005)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10_000))
def test_area_shares_sum_to_one_and_proportional_weights_give_plain_scores(classes, seed):
    rng = np.random.default_rng(seed)
    confusion = rng.integers(0, 30, (classes, classes)) + np.eye(classes, dtype=int) * 5
    frame = area_estimates(confusion, 7 * confusion.sum(0))  # map as the sample: weighting changes nothing
    shares = frame[frame["quantity"] == "area_share"]
    assert shares["estimate"].sum() == pytest.approx(1)
    np.testing.assert_allclose(shares["estimate"], confusion.sum(1) / confusion.sum())
    assert pick(frame, "overall_accuracy", 0) == pytest.approx(np.trace(confusion) / confusion.sum())
    recall = np.diag(confusion) / confusion.sum(1)
    np.testing.assert_allclose(frame[frame["quantity"] == "producers_accuracy"]["estimate"], recall)
    assert (frame["high"] >= frame["low"]).all()


def test_area_intervals_cover_the_truth():
    # 95 % intervals of the share of class 1, over samples drawn from a map whose errors are known
    rng = np.random.default_rng(0)
    share = np.array([[0.9, 0.1], [0.2, 0.8]])  # mapped -> true
    truth = np.array([0.3, 0.7]) @ share
    inside = 0
    for _ in range(200):
        counts = np.stack([rng.multinomial(100, row) for row in share])
        frame = area_estimates(counts.T, np.array([30_000, 70_000]))
        inside += pick(frame, "area_share", 1, "low") <= truth[0] <= pick(frame, "area_share", 1, "high")
    assert 0.90 <= inside / 200 <= 0.99


def test_class_absent_from_map_and_sample_adds_nothing():
    frame = area_estimates(np.array([[10, 3, 0], [1, 3, 0], [0, 0, 0]]), np.array([900, 100, 0]))
    small = area_estimates(np.array([[10, 3], [1, 3]]), np.array([900, 100]))
    assert pick(frame, "overall_accuracy", 0, "low") == pytest.approx(pick(small, "overall_accuracy", 0, "low"))
    assert pick(frame, "area_share", 2, "high") == pytest.approx(pick(small, "area_share", 2, "high"))
    assert pick(frame, "area_share", 3) == 0
    assert np.isnan(pick(frame, "users_accuracy", 3))


@pytest.mark.parametrize(
    ("confusion", "mapped", "message"),
    [
        (np.ones((2, 3)), np.ones(2), r"\(2, 3\)"),
        (np.ones((2, 2)), np.ones(3), r"\(3,\)"),
        (np.array([[5, 0], [2, 0]]), np.array([90, 10]), r"classes \[2\] are mapped"),
        (np.array([[5, 1], [2, 9]]), np.array([90, 4]), "class 2 has 10 test pixels"),
        (np.array([[5, -1], [2, 9]]), np.array([90, 40]), "negative"),
    ],
)
def test_bad_area_input_is_named(confusion, mapped, message):
    with pytest.raises(ValueError, match=message):
        area_estimates(confusion, mapped)


# --- fields ------------------------------------------------------------------------------------------


def test_per_field_accuracy_by_hand():
    true = np.array([1, 1, 1, 2, 2, 2, 2, 1])
    predicted = np.array([1, 1, 2, 1, 1, 2, 0, 2])
    groups = np.array([7, 7, 7, 9, 9, 9, 9, 0])  # the last pixel is in no field
    frame = per_field_accuracy(true, predicted, groups)
    assert frame.index.tolist() == [7, 9]
    assert frame["class"].tolist() == [1, 2]
    assert frame["pixels"].tolist() == [3, 4]
    assert frame["share"].tolist() == pytest.approx([2 / 3, 1 / 4])
    assert frame["vote"].tolist() == [1, 1]
    assert frame["right"].tolist() == [True, False]


def fields(rng, count=12, pixels=40, classes=3):
    groups = np.repeat(np.arange(1, count + 1), pixels)
    true = np.repeat(rng.integers(1, classes + 1, count), pixels)
    rate = np.repeat(rng.uniform(0.4, 1.0, count), pixels)
    wrong = true % classes + 1
    return true, np.where(rng.random(true.size) < rate, true, wrong), groups


@pytest.mark.parametrize("name", ["oa", "aa", "kappa"])
def test_bootstrap_agrees_with_brute_force(name):
    true, predicted, groups = fields(np.random.default_rng(1))
    reference = {"oa": sk.accuracy_score, "aa": sk.balanced_accuracy_score, "kappa": sk.cohen_kappa_score}[name]
    got = group_bootstrap(true, predicted, groups, name, n=60, seed=5)
    rng, drawn = np.random.default_rng(5), []
    for _ in range(60):
        pixels = [i for g in rng.integers(12, size=12) for i in range(true.size) if groups[i] == g + 1]
        drawn.append(reference(true[pixels], predicted[pixels]))
    assert got == pytest.approx((reference(true, predicted), *np.quantile(drawn, (0.025, 0.975))))
    assert group_bootstrap(true, predicted, groups, reference, n=60, seed=5) == pytest.approx(got)
    assert group_bootstrap(true, predicted, groups, name, n=60, seed=6) != got


def test_bootstrap_over_fields_is_wider_than_over_pixels_and_blind_to_pixel_order():
    rng = np.random.default_rng(2)
    true, predicted, groups = fields(rng, count=20)
    _, low, high = group_bootstrap(true, predicted, groups, "oa", n=400)
    p = (true == predicted).mean()
    assert high - low > 2 * 1.96 * np.sqrt(p * (1 - p) / true.size)
    order = rng.permutation(true.size)
    shuffled = group_bootstrap(true[order], predicted[order], groups[order], "oa", n=400)
    assert shuffled[1:] == pytest.approx((low, high))


def test_bootstrap_coverage():
    # fields differ: accuracy uniform in 0.4..1.0, so the truth is 0.7
    inside, trials = 0, 120
    for seed in range(trials):
        true, predicted, groups = fields(np.random.default_rng(seed), count=25, pixels=32)
        _, low, high = group_bootstrap(true, predicted, groups, "oa", n=150, seed=seed)
        inside += low <= 0.7 <= high
    assert 0.85 <= inside / trials <= 0.99


def test_bootstrap_compares_two_maps_on_the_same_draws():
    true, predicted, groups = fields(np.random.default_rng(4))
    both = np.stack([true, predicted], 1)
    gap = lambda t, p: (p[:, 0] == t).mean() - (p[:, 1] == t).mean()  # noqa: E731
    estimate, low, high = group_bootstrap(true, both, groups, gap, n=100)
    assert estimate == pytest.approx(1 - (true == predicted).mean())
    assert 0 < low < estimate < high
    same = np.stack([predicted, predicted], 1)
    assert group_bootstrap(true, same, groups, gap, n=50) == (0, 0, 0)
    with pytest.raises(ValueError, match="give a function"):
        group_bootstrap(true, both, groups, "oa")


def test_small_groups_and_pixels_outside_groups_are_left_out(caplog):
    true, predicted, groups = fields(np.random.default_rng(5))
    extra = np.array([31, 50])  # 31 pixels in a group too small, 50 in none, all wrong
    more_true = np.concatenate([true, np.ones(81, int)])
    more_predicted = np.concatenate([predicted, np.zeros(81, int)])
    more_groups = np.concatenate([groups, np.repeat([99, 0], extra)])
    with caplog.at_level("INFO", "hsikit.areas"):
        got = group_bootstrap(more_true, more_predicted, more_groups, "oa", n=50)
    assert got == group_bootstrap(true, predicted, groups, "oa", n=50)
    assert "1 groups under 32 pixels (31 pixels) left out" in caplog.text


def test_few_groups_are_warned_about(caplog):
    true, predicted, groups = fields(np.random.default_rng(6), count=4)
    group_bootstrap(true, predicted, groups, "oa", n=20)
    assert "4 groups are few" in caplog.text


@pytest.mark.parametrize(
    ("groups", "statistic", "message"),
    [
        (np.ones(80, int), "oa", "1 of 1 groups"),
        (np.arange(80) // 8 + 1, "oa", "0 of 10 groups"),
        (np.zeros(80, int), "oa", "none of the 80 pixels"),
        (np.ones(79, int), "oa", "one entry a pixel"),
        (np.arange(80) // 40 + 1, "f2", "'f2' is unknown"),
    ],
)
def test_bad_bootstrap_input_is_named(groups, statistic, message):
    with pytest.raises(ValueError, match=message):
        group_bootstrap(np.ones(80, int), np.ones(80, int), groups, statistic)
