import torch

from hsikit.train import jitter


def test_noise_differs_value_by_value_and_an_offset_moves_whole_windows():
    torch.manual_seed(0)
    hsi, lidar = torch.zeros(400, 3, 5, 5), torch.zeros(400, 2, 5, 5)
    noisy, moved = jitter(hsi, lidar, noise=0.5, lidar_offset=2.0)
    assert abs(noisy.std().item() - 0.5) < 0.01
    assert (moved == moved[:, :, :1, :1]).all()  # one number for each window and channel
    assert abs(moved[:, :, 0, 0].std().item() - 2.0) < 0.15
    assert not torch.equal(moved[:, 0], moved[:, 1])


def test_nothing_is_drawn_where_nothing_is_asked():
    torch.manual_seed(0)
    want = torch.rand(1)
    torch.manual_seed(0)
    hsi = torch.ones(2, 3, 5, 5)
    same, none = jitter(hsi, None, noise=0.0, lidar_offset=1.0)
    assert same is hsi
    assert none is None
    assert torch.equal(torch.rand(1), want)
