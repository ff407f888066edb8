import pytest
import torch
from torch import nn

from hsikit.models import CNN2D, CNN3D, HybridSN, MMLGNet, SDHSINet, TrunkClassifier
from hsikit.predict.fast import BandConv2d, FourierConv2d, OneDnnConv3d, for_maps


@pytest.mark.parametrize(("rows", "cols"), [(17, 17), (40, 33), (90, 51)])
@pytest.mark.parametrize("kernel", [(17, 17), (9, 13), (25, 25)])
def test_a_wide_kernel_by_fourier_transform_is_the_convolution(rows, cols, kernel):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 7, kernel, bias=kernel[0] != 9)
    x = torch.randn(1, 5, max(rows, kernel[0]), max(cols, kernel[1]))
    with torch.no_grad():
        torch.testing.assert_close(FourierConv2d(conv)(x), conv(x), atol=2e-5, rtol=0)


@pytest.mark.parametrize("stride", [1, 2])
def test_three_dimensional_convolutions_are_the_same_by_another_way(stride):
    torch.manual_seed(0)
    first, second = nn.Conv3d(1, 4, (7, 3, 3), stride=(stride, 1, 1)), nn.Conv3d(4, 6, (3, 3, 3), stride=(stride, 1, 1))
    x = torch.randn(2, 1, 20, 12, 11)
    with torch.no_grad():
        y = first(x)
        torch.testing.assert_close(BandConv2d(first)(x), y, atol=1e-5, rtol=0)
        torch.testing.assert_close(OneDnnConv3d(second)(y), second(y), atol=1e-5, rtol=0)


NETWORKS = {
    "sdhsi paper": lambda: SDHSINet(15, 4, 25, variant="paper"),
    "sdhsi light": lambda: SDHSINet(15, 4, 11),
    "sdhsi fields": lambda: SDHSINet(15, 4, 11, variant="fields"),
    "sdhsi few labels": lambda: SDHSINet(15, 4, 13, variant="few_labels"),
    "sdhsi ten percent": lambda: SDHSINet(15, 4, 13, variant="ten_percent"),
    "mmlgnet": lambda: MMLGNet(15, 2, 12, window=11, prototypes=True),
    "trunk": lambda: TrunkClassifier(15, 1, 4, window=9),
    "cnn2d": lambda: CNN2D(15, 4, 9),
    "cnn3d": lambda: CNN3D(15, 4, 9),
    "hybridsn": lambda: HybridSN(15, 4, 25),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_arranged_for_maps_gives_the_same_logits(name):
    torch.manual_seed(1)
    network = NETWORKS[name]()
    if name == "mmlgnet":
        network.read_text(torch.randn(4, 12).numpy())
    for norm in network.modules():  # as after training: statistics that are not 0 and 1
        if isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
            nn.init.normal_(norm.weight)
    network.eval()
    x, lidar = torch.randn(1, 15, 40, 36), torch.randn(1, max(network.lidar_channels, 1), 40, 36)
    lidar = lidar if network.lidar_channels else None
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with torch.no_grad():
        want, got = network(x, lidar), for_maps(network)(x, lidar)
        short = for_maps(network, exits=False)(x, lidar)
    for a, b in zip([want.logits, want.embedding, *want.exits], [got.logits, got.embedding, *got.exits]):
        torch.testing.assert_close(b, a, atol=1e-4, rtol=0)
    torch.testing.assert_close(short.logits, want.logits, atol=1e-4, rtol=0)
    assert short.exits == ()
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())  # the network itself stays
