import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_scene, tiny_split

from hsikit.patches import Cube, Normalizer, PatchSampler, nearest_valid


def slow_window(scene, normalizer, row, col, window):
    """One window the plain way: mirror indices, nearest valid pixel, normalise."""
    half = window // 2
    rows = np.pad(np.arange(scene.shape[0]), half, mode="reflect")[row : row + window]
    cols = np.pad(np.arange(scene.shape[1]), half, mode="reflect")[col : col + window]
    near_row, near_col = nearest_valid(scene.valid)
    out = np.empty((window, window, len(normalizer.hsi(np.asarray(scene.hsi[:1, 0]))[0])))
    for i, r in enumerate(rows):
        for j, c in enumerate(cols):
            out[i, j] = normalizer.hsi(np.asarray(scene.hsi[near_row[r, c], near_col[r, c]], np.float64))
    return out.transpose(2, 0, 1)


@pytest.mark.parametrize("window", [1, 5, 9])
@pytest.mark.parametrize("bands", [16, 13])
def test_windows_equal_the_slow_way_at_borders_and_holes(window, bands):
    scene = tiny_scene(holes=True)
    split = tiny_split(scene)
    norm = Normalizer.fit(scene, split.train, bands=bands)
    cube = Cube.of(scene, norm, window)
    places = [(0, 0), (4, 6), (23, 19), (11, 3)]
    got, lidar = cube.windows(torch.tensor([r for r, _ in places]), torch.tensor([c for _, c in places]))
    assert lidar is None
    for one, (row, col) in zip(got, places):
        np.testing.assert_allclose(one.numpy(), slow_window(scene, norm, row, col, window), atol=1e-4)


def test_statistics_come_from_training_pixels_only():
    scene = tiny_scene()
    split = tiny_split(scene)
    before = Normalizer.fit(scene, split.train, bands=13, lidar_channels=1)
    hsi = scene.hsi.copy()
    hsi.reshape(-1, hsi.shape[2])[split.test] += 5.0
    other = type(scene)(**{**{k: getattr(scene, k) for k in ("name", "labels", "class_names", "lidar")}, "hsi": hsi})
    after = Normalizer.fit(other, split.train, bands=13, lidar_channels=1)
    np.testing.assert_array_equal(before.components, after.components)
    np.testing.assert_array_equal(before.mean, after.mean)
    spectra = before.hsi(scene.hsi.reshape(-1, 16)[split.train].astype(np.float64))
    np.testing.assert_allclose(np.cov(spectra.T), np.eye(13), atol=0.02)  # whitened on what it was fitted on


def test_invalid_pixels_never_reach_a_window():
    scene = tiny_scene(holes=True)
    norm = Normalizer.fit(scene, tiny_split(scene).train, lidar_channels=1)
    cube = Cube.of(scene, norm, 7)
    assert torch.isfinite(cube.hsi).all()
    assert cube.hsi.shape == (16, 24 + 6, 20 + 6)
    assert cube.lidar.shape == (1, 24 + 6, 20 + 6)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 90), batch=st.integers(1, 70), seed=st.integers(0, 5), balanced=st.booleans())
def test_an_epoch_is_every_pixel_once_in_an_order_of_seed_and_epoch(n, batch, seed, balanced):
    scene = tiny_scene(lidar=0)
    norm = Normalizer.fit(scene, np.arange(60))
    pixels = np.random.default_rng(seed).choice(24 * 20, n, replace=False)
    sampler = PatchSampler(Cube.of(scene, norm, 1), pixels, np.arange(n) % 3, 20, batch, balanced=balanced)
    index = [torch.cat([i for *_, i in sampler.epoch(seed, epoch)]) for epoch in (1, 1, 2)]
    assert torch.equal(index[0], index[1])
    assert len(index[0]) == n
    if not balanced:
        assert sorted(index[0].tolist()) == list(range(n))
    sizes = [len(t) for _, _, t, _ in sampler.epoch(seed, 1)]
    assert max(sizes) - min(sizes) <= 1


def test_balanced_epochs_draw_classes_equally():
    scene = tiny_scene(lidar=0)
    norm = Normalizer.fit(scene, np.arange(60))
    targets = np.array([0] * 400 + [1] * 40 + [2] * 10)
    sampler = PatchSampler(Cube.of(scene, norm, 1), np.arange(450), targets, 20, 64, balanced=True)
    drawn = torch.cat([t for e in range(20) for _, _, t, _ in sampler.epoch(0, e)])
    share = torch.bincount(drawn).double() / len(drawn)
    assert torch.allclose(share, torch.full((3,), 1 / 3, dtype=torch.double), atol=0.03)


def test_augmentation_flips_hsi_and_lidar_together():
    flips = torch.tensor([[True, False, False, True], [False, True, False, True], [False, False, True, True]])
    x = torch.arange(2 * 5 * 5.0).reshape(2, 5, 5)
    got, lidar = Cube(x, x[:1], 3).windows(torch.arange(4) % 3, torch.full((4,), 2), flips)
    plain, _ = Cube(x, None, 3).windows(torch.arange(4) % 3, torch.full((4,), 2))
    want = [plain[0].flip(-1), plain[1].flip(-2), plain[2].transpose(-1, -2), plain[3].flip(-1, -2).transpose(-1, -2)]
    assert torch.equal(got, torch.stack(want))
    assert torch.equal(lidar, got[:, :1])
    assert got.stride() == torch.empty(got.shape).stride()
    assert lidar.stride() == torch.empty(lidar.shape).stride()  # layers choose their order of adding by strides
    last, _ = Cube(x, x[:1], 3).windows(torch.arange(4) % 3, torch.full((4,), 2), flips, channels_last=True)
    assert torch.equal(last, got)
    assert last.is_contiguous(memory_format=torch.channels_last)
    scene = tiny_scene()
    norm = Normalizer.fit(scene, np.arange(100), lidar_channels=1)
    cube = Cube.of(scene, norm, 5)
    twin = Cube(cube.hsi[:1], cube.hsi[:1], 5)  # the same layer twice: flipped the same way, it stays the same
    sampler = PatchSampler(twin, np.arange(100), np.zeros(100), 20, 50, augment=True)
    for hsi, lidar, _, _ in sampler.epoch(0, 1):
        assert torch.equal(hsi, lidar)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda s: Normalizer.fit(s, np.arange(50), bands=17), "takes 17 bands, tiny has 16"),
        (lambda s: Normalizer.fit(s, np.arange(50), lidar_channels=2), "takes 2 LiDAR channel"),
        (lambda s: Normalizer.fit(s, np.arange(10), bands=12), "10 training pixels cannot fit 12"),
        (lambda s: Cube.of(s, Normalizer.fit(s, np.arange(50)), 4), "window 4 is not an odd"),
    ],
)
def test_bad_input_is_one_clear_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(tiny_scene())


def test_constant_bands_stay_finite():
    scene = tiny_scene()
    hsi = scene.hsi.copy()
    hsi[..., 4] = 0.5
    flat = type(scene)("flat", hsi, scene.labels, scene.class_names)
    norm = Normalizer.fit(flat, np.arange(100), bands=13)
    assert np.isfinite(norm.hsi(hsi.astype(np.float64))).all()
