import numpy as np
import pytest
import torch

from hsikit.models import (
    CNN2D,
    CNN3D,
    HybridSN,
    MMLGNet,
    SDHSINet,
    TrunkClassifier,
    build,
    count_parameters,
    describe,
)


def text(classes=3, dim=12):
    vectors = np.random.default_rng(0).standard_normal((classes, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def networks():
    mml = MMLGNet(15, 1, 12, window=11)
    mml.read_text(text())
    return {
        "mmlgnet": mml, "trunk_ce": TrunkClassifier(15, 1, 3, window=11), "sdhsi light": SDHSINet(15, 3, 11),
        "sdhsi paper": SDHSINet(15, 3, 11, variant="paper"), "sdhsi fields": SDHSINet(15, 3, 11, variant="fields"),
        "sdhsi few labels": SDHSINet(15, 3, 11, variant="few_labels", answer="mean"),
        "sdhsi ten percent": SDHSINet(15, 3, 11, variant="ten_percent"), "cnn2d": CNN2D(15, 3, 11),
        "cnn3d": CNN3D(15, 3, 11), "hybridsn": HybridSN(15, 3, 11),
    }  # fmt: skip


@pytest.mark.parametrize("name", networks())
def test_a_dense_pass_equals_its_windows(name):
    torch.manual_seed(0)
    network = networks()[name].train()
    for _ in range(3):  # move the batch statistics away from their start
        network(torch.randn(16, 15, 11, 11) * 2 + 1, torch.randn(16, 1, 11, 11))
    network.eval()
    hsi, lidar = torch.randn(1, 15, 17, 15), torch.randn(1, 1, 17, 15)
    with torch.no_grad():
        dense = network(hsi, lidar)
        assert dense.logits.shape == (1, 3, 7, 5)
        for row, col in [(0, 0), (6, 4), (3, 2)]:
            cut = network(hsi[..., row : row + 11, col : col + 11], lidar[..., row : row + 11, col : col + 11])
            for whole, one in zip([dense.logits, dense.embedding, *dense.exits, *dense.features],
                                  [cut.logits, cut.embedding, *cut.exits, *cut.features]):  # fmt: skip
                torch.testing.assert_close(whole[0, :, row, col], one[0, :, 0, 0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", networks())
def test_described_and_built_again_it_is_the_same(name):
    network = networks()[name].eval()
    twin = build(describe(network))
    if hasattr(twin, "read_text"):
        twin.read_text(text())
    twin.load_state_dict(network.state_dict())
    x = torch.randn(2, 15, 11, 11), torch.randn(2, 1, 11, 11)
    assert torch.equal(network(*x).logits, twin.eval()(*x).logits)


def test_the_same_seed_gives_the_same_trunk_with_and_without_exits_or_words():
    with_exits, without = SDHSINet(15, 3, 11, seed=4), SDHSINet(15, 3, 11, exits=False, seed=4)
    for name, value in without.state_dict().items():
        assert torch.equal(value, with_exits.state_dict()[name]), name
    words, plain = MMLGNet(15, 1, 12, seed=4), TrunkClassifier(15, 1, 3, seed=4)
    for name, value in plain.trunk.state_dict().items():
        assert torch.equal(value, words.trunk.state_dict()[name]), name
    assert not torch.equal(SDHSINet(15, 3, 11, seed=5).classify.weight, without.classify.weight)


def test_building_a_network_leaves_the_callers_random_state():
    torch.manual_seed(1)
    want = torch.rand(1)
    torch.manual_seed(1)
    SDHSINet(15, 3, 11)
    assert torch.equal(torch.rand(1), want)


def test_hybridsn_has_the_published_number_of_parameters():
    # HybridSN's authors list 5,122,176 weights for Indian Pines: window 25, 30 components, 16 classes
    assert count_parameters(HybridSN(30, 16, 25)) == 5_122_176


def test_parameters_of_light_by_hand():
    network = SDHSINet(30, 16, 11, exits=False)
    stages = (8 * 63 + 8 + 16) + (16 * 8 * 45 + 16 + 32) + (32 * 16 * 27 + 32 + 64)
    flat = 64 * 576 * 9 + 64 + 128
    assert count_parameters(network) == stages + flat + (64 * 128 + 128) + (128 * 16 + 16)


def test_similarities_are_cosines_times_the_scale():
    network = MMLGNet(15, 1, 12).eval()
    network.read_text(text())
    out = network(torch.randn(4, 15, 11, 11), torch.randn(4, 1, 11, 11)).centre()
    assert torch.allclose(out.embedding.norm(dim=1), torch.ones(4), atol=1e-5)
    want = out.embedding @ torch.from_numpy(text()).T / 0.07
    assert torch.allclose(out.logits, want, atol=1e-4)
    network.log_scale.data.fill_(20.0)
    assert network(torch.randn(1, 15, 11, 11), torch.randn(1, 1, 11, 11)).logits.abs().max() <= 100.001


def test_prototypes_learn_and_words_stay_frozen():
    for prototypes in (False, True):
        network = MMLGNet(15, 0, 12, prototypes=prototypes)
        network.read_text(text())
        assert ("text" in dict(network.named_parameters())) is prototypes


@pytest.mark.parametrize("options", [{"fusion": "gated"}, {"fusion": "sum"}, {"sensors": "hsi"}, {"sensors": "lidar"},
                                     {"depth": 1, "dropout": 0.3, "sensor_dropout": 0.4}])  # fmt: skip
def test_every_fusion_and_sensor_maps_densely_as_by_windows(options):
    network = MMLGNet(15, 1, 12, window=7, width=8, **options).eval()
    network.read_text(text())
    hsi, lidar = torch.randn(1, 15, 12, 11), torch.randn(1, 1, 12, 11)
    dense = network(hsi, lidar).logits  # (1, class, 6, 5)
    for row, col in ((0, 0), (3, 4), (5, 2)):
        cut = (..., slice(row, row + 7), slice(col, col + 7))
        assert torch.allclose(network(hsi[cut], lidar[cut]).logits[0, :, 0, 0], dense[0, :, row, col], atol=1e-4)


def test_a_specialist_does_not_look_at_the_other_sensor():
    hsi, lidar = torch.randn(2, 15, 7, 7), torch.randn(2, 1, 7, 7)
    for sensors in ("hsi", "lidar"):
        network = MMLGNet(15, 1, 12, window=7, width=8, sensors=sensors).eval()
        network.read_text(text())
        first = network(hsi, lidar).logits
        other = (hsi, lidar + 1) if sensors == "hsi" else (hsi + 1, lidar)
        assert torch.equal(first, network(*other).logits)
        seen = (hsi + 1, lidar) if sensors == "hsi" else (hsi, lidar + 1)
        assert not torch.allclose(first, network(*seen).logits)


def test_sensor_dropout_takes_one_sensor_from_its_share_of_windows_in_training_only():
    torch.manual_seed(0)
    trunk = MMLGNet(15, 1, 12, window=7, width=8, sensor_dropout=0.5).trunk
    hsi, lidar = torch.randn(1, 15, 7, 7).expand(2000, -1, -1, -1), torch.ones(2000, 1, 7, 7)
    gone = [(part == 0).all(1)[:, 0, 0] for part in trunk(hsi, lidar).split([8, 4], 1)]
    assert not (gone[0] & gone[1]).any()
    for part in gone:
        assert abs(part.float().mean().item() - 0.25) < 0.04
    assert torch.equal(trunk.eval()(hsi[:1], lidar[:1]), trunk(hsi[:1], lidar[:1]))
    assert not (trunk(hsi[:1], lidar[:1]) == 0).all(1).any()


def test_a_lost_sensor_answers_as_if_its_features_were_zero():
    network = MMLGNet(15, 1, 12, window=7, width=8, sensor_dropout=0.5).eval()
    network.read_text(text())
    hsi, lidar = torch.randn(2, 15, 7, 7), torch.randn(2, 1, 7, 7)
    without = network(hsi, None).logits
    network.trunk.absent = "lidar"
    assert torch.equal(without, network(hsi, lidar).logits)
    network.trunk.absent = "hsi"
    assert torch.equal(network(hsi, lidar).logits, network(hsi + 1, lidar).logits)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: SDHSINet(12, 3, 11), "at least 13 bands"),
        (lambda: SDHSINet(15, 3, 8), "odd window from 9"),
        (lambda: SDHSINet(15, 3, 11, variant="heavy"), "choose 'light' or 'paper' or 'fields'"),
        (lambda: SDHSINet(15, 3, 11, answer="best"), "choose 'final' or 'mean'"),
        (lambda: SDHSINet(4, 3, 11, variant="fields"), "at least 5 bands"),
        (lambda: SDHSINet(15, 3, 7, variant="fields"), "odd window from 9"),
        (lambda: MMLGNet(15, 1, 10).read_text(text()), r"expected \(classes, 10\)"),
        (lambda: networks()["mmlgnet"](torch.randn(1, 15, 11, 11)), "takes LiDAR"),
        (lambda: MMLGNet(15, 1, 10, fusion="product"), "choose one of concat, gated, sum"),
        (lambda: MMLGNet(15, 1, 10, sensors="radar"), "choose one of both, hsi, lidar"),
        (lambda: MMLGNet(15, 0, 10, sensors="lidar"), "gives? 0 channels"),
        (lambda: MMLGNet(15, 0, 10, sensor_dropout=0.2), "needs both sensors"),
        (lambda: describe(torch.nn.Linear(2, 2)), "hsikit.models.recorded"),
    ],
)
def test_bad_input_is_one_clear_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("variant", "bands", "classes", "window", "both", "trunk"),
    [("fields", 8, 9, 11, 106_772, 90_489), ("few_labels", 15, 16, 13, 126_392, 104_056),
     ("ten_percent", 30, 16, 13, 203_104, 167_968), ("light", 30, 16, 11, 588_720, 362_608)],
)  # fmt: skip
def test_trunks_have_the_weights_that_were_counted_by_hand(variant, bands, classes, window, both, trunk):
    of = lambda exits: SDHSINet(bands, classes, window, variant, exits)  # noqa: E731
    assert (count_parameters(of(True)), count_parameters(of(False))) == (both, trunk)


def test_exits_of_the_fields_trunk_look_at_the_central_pixels_alone():
    torch.manual_seed(0)
    network = SDHSINet(8, 3, 11, variant="fields").eval()
    x = torch.randn(2, 8, 11, 11)
    frame = torch.ones(11, 11, dtype=torch.bool)
    for depth, seen in enumerate((1, 5, 9)):  # a look of 1, 3, 5 pixels through kernels of 1, 3 and 5
        outside = frame.clone()
        outside[5 - seen // 2 : 6 + seen // 2, 5 - seen // 2 : 6 + seen // 2] = False
        other = torch.where(outside, torch.randn_like(x), x)
        with torch.no_grad():
            assert torch.equal(network(x).exits[depth], network(other).exits[depth])
            assert not torch.equal(network(x).logits, network(other).logits)
