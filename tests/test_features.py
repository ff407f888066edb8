"""Pictures of feature spaces and separation numbers, against scikit-learn and slow references."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics
from sklearn.preprocessing import normalize

from hsikit.features import embed, project
from hsikit.separation import separation, trustworthiness


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four well separated classes of 50 vectors in eight dimensions."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(1, 5), 50)
    centres = rng.normal(size=(5, 8)) * 4
    return (centres[labels] + rng.normal(size=(200, 8))).astype(np.float32), labels


# --- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_embedding_repeats_is_cached_and_keeps_neighbours(blobs, method, tmp_path, monkeypatch):
    features, labels = blobs
    first = embed(features, method, cache=tmp_path)
    assert first.coordinates.shape == (200, 2)
    assert first.coordinates.dtype == np.float32
    np.testing.assert_array_equal(first.coordinates, embed(features, method).coordinates)
    assert trustworthiness(features, first.coordinates) > 0.9
    assert metrics.silhouette_score(first.coordinates, labels) > 0.4

    def never(*_):
        raise AssertionError("the cache was not used")

    with monkeypatch.context() as patched:
        patched.setattr("hsikit.features._fit", never)
        cached = embed(features, method, perplexity=30.0, cache=tmp_path)
    np.testing.assert_array_equal(first.coordinates, cached.coordinates)
    # New points beside old ones land beside them, the same from fresh and cached pictures.
    placed = project(first, features[::10] + 0.01)
    np.testing.assert_array_equal(placed, project(cached, features[::10] + 0.01))
    nearest = ((placed[:, None] - first.coordinates) ** 2).sum(-1).argmin(1)
    assert (labels[nearest] == labels[::10]).mean() >= 0.95


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_progress_rises_to_the_end_changes_nothing_and_can_end_it(blobs, method):
    features = blobs[0][:60]
    told: list[float] = []
    settings = {"perplexity": 5, "neighbours": 8}
    watched = embed(features, method, **settings, progress=told.append)
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] > 0.8
    assert np.array_equal(watched.coordinates, embed(features, method, **settings).coordinates)

    def enough(share: float) -> None:
        if share > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        embed(features, method, **settings, progress=enough)


def test_pca_equals_the_singular_vectors(blobs):
    features, _ = blobs
    centred = features - features.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    ours = embed(features, "pca").coordinates
    np.testing.assert_allclose(np.abs(ours), np.abs(left[:, :2] * values[:2]), atol=1e-3)
    np.testing.assert_allclose(project(embed(features, "pca"), features), ours, atol=1e-4)


def test_cap_draws_the_same_number_of_each_class_and_keeps_indices(blobs):
    features, labels = blobs
    labels = np.where(np.arange(200) < 8, 9, labels)  # a class of eight
    picture = embed(features, seed=3, cap_per_class=20, labels=labels)
    classes, counts = np.unique(labels[picture.indices], return_counts=True)
    assert dict(zip(classes, counts)) == {1: 20, 2: 20, 3: 20, 4: 20, 9: 8}
    np.testing.assert_array_equal(picture.features, features[picture.indices])
    assert (np.diff(picture.indices) > 0).all()
    other = embed(features, seed=4, cap_per_class=20, labels=labels)
    assert not np.array_equal(picture.indices, other.indices)


def test_cache_tells_contents_apart_and_survives_a_broken_file(blobs, tmp_path):
    features, _ = blobs
    embed(features, cache=tmp_path)
    changed = features.copy()
    changed[0, 0] += 1
    embed(changed, cache=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert [f.suffix for f in files] == [".npz", ".npz"]
    for file in files:
        file.write_bytes(b"broken")
    np.testing.assert_array_equal(embed(features, cache=tmp_path).coordinates, embed(features).coordinates)
    np.load(files[0], allow_pickle=False)  # at least one was made anew


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "mds"}, "unknown"),
        ({"features": np.full((10, 3), np.nan)}, "10 of 10 feature vectors hold NaN"),
        ({"features": np.zeros((10, 3))}, "equal"),
        ({"features": np.ones(10)}, r"expected \(n, dim\)"),
        ({"features": np.array([["a", "b"]] * 5)}, "real numbers"),
        ({"features": np.random.default_rng(0).random((10, 1))}, "2 dimensions"),
        ({"method": "tsne", "perplexity": 70}, "between 1 and 66.3"),
        ({"method": "umap", "neighbours": 200}, "2 to 199"),
        ({"cap_per_class": 5}, "needs labels"),
        ({"cap_per_class": 0, "labels": np.ones(200)}, "at least 1"),
        ({"labels": np.ones(7)}, "one label a vector"),
    ],
)
def test_bad_input_to_embed_is_named(blobs, change, message):
    with pytest.raises(ValueError, match=message):
        embed(**{"features": blobs[0], **change})


def test_bad_input_to_project_and_trustworthiness_is_named(blobs):
    picture = embed(blobs[0])
    with pytest.raises(ValueError, match="3 dimensions, the embedding was fitted on 8"):
        project(picture, np.ones((4, 3)))
    with pytest.raises(ValueError, match="NaN"):
        project(picture, np.full((4, 8), np.nan))
    with pytest.raises(ValueError, match="200 features for 100 coordinates"):
        trustworthiness(blobs[0], picture.coordinates[:100])
    with pytest.raises(ValueError, match="fewer than half"):
        trustworthiness(blobs[0], picture.coordinates, neighbours=100)


# --- separation ------------------------------------------------------------------------------------


def test_separation_equals_scikit_learn_without_positions(blobs):
    features, labels = blobs
    measured = separation(features, labels, None, window=11)
    vectors = normalize(features.astype(float))
    assert measured.silhouette == pytest.approx(metrics.silhouette_score(vectors, labels))
    assert measured.davies_bouldin == pytest.approx(metrics.davies_bouldin_score(vectors, labels))
    calinski = metrics.calinski_harabasz_score(vectors, labels)
    assert measured.calinski_harabasz == pytest.approx(calinski)
    assert measured.scatter_ratio == pytest.approx(calinski * 3 / 196)  # the same traces, without degrees
    samples = metrics.silhouette_samples(vectors, labels)
    np.testing.assert_allclose(measured.per_class["silhouette"], [samples[labels == c].mean() for c in (1, 2, 3, 4)])
    assert measured.window == 0
    assert measured.n == 200


def _slowly(vectors: np.ndarray, labels: np.ndarray, places: np.ndarray, window: int) -> dict[str, float]:
    """The definitions, pixel by pixel."""
    classes = np.unique(labels)
    hits, silhouettes, radii = [], [], {c: [] for c in classes}
    for i in range(len(labels)):
        far = [j for j in range(len(labels)) if np.abs(places[i] - places[j]).max() >= window]
        gaps = {j: np.linalg.norm(vectors[i] - vectors[j]) for j in far}
        nearest = sorted(far, key=gaps.__getitem__)[:10]
        if nearest:
            hits.append(np.mean([labels[j] == labels[i] for j in nearest]))
        means = {c: np.mean([gaps[j] for j in far if labels[j] == c] or [np.nan]) for c in classes}
        a = means.pop(labels[i])
        if not np.isnan(a):
            b = np.nanmin(list(means.values()))
            silhouettes.append((b - a) / max(a, b))
            own = np.mean([vectors[j] for j in far if labels[j] == labels[i]], axis=0)
            radii[labels[i]].append(np.linalg.norm(vectors[i] - own))
    centres = {c: vectors[labels == c].mean(0) for c in classes}
    ratios = [
        np.mean(radii[c]) / min(np.linalg.norm(centres[c] - centres[d]) for d in classes if d != c) for c in classes
    ]
    return {
        "neighbourhood_hit": np.mean(hits),
        "silhouette": np.mean(silhouettes),
        "radius_ratio": np.mean(ratios),
    }


@pytest.mark.parametrize("window", [1, 5, 9])
def test_near_pixels_are_left_out_as_in_the_slow_reference(window):
    rng = np.random.default_rng(window)
    labels = rng.integers(0, 3, 60)
    features = rng.normal(size=(3, 5))[labels] + rng.normal(size=(60, 5))
    places = np.stack(np.divmod(rng.permutation(16 * 16)[:60], 16), 1)
    measured = separation(features, labels, places, window, per_class=None)
    for name, value in _slowly(normalize(features.astype(np.float32)), labels, places, window).items():
        assert getattr(measured, name) == pytest.approx(value, rel=1e-5), name


def test_blocks_of_pixels_give_the_same_as_all_at_once():
    from hsikit.separation import _pairwise

    rng = np.random.default_rng(0)
    vectors, codes = rng.normal(size=(70, 4)), np.arange(70) % 3
    places = rng.permutation(400)[:140].reshape(70, 2)
    whole, parts = (_pairwise(vectors, codes, places, 5, block) for block in (512, 16))
    for name in whole:
        np.testing.assert_allclose(whole[name], parts[name], err_msg=name)


def test_a_class_that_is_only_near_itself_leaves_neighbours_inflated_without_the_window():
    """Fields with a signature of their own look separated until near pixels are left out."""
    rng = np.random.default_rng(0)
    rows, cols = np.divmod(np.arange(400), 20)
    field = (rows // 5) * 4 + cols // 5  # sixteen fields of 5 x 5
    features = rng.normal(size=(16, 6))[field] + 0.1 * rng.normal(size=(400, 6))
    labels = rng.permutation(np.arange(16) % 2)[field]  # classes drawn without regard to the features
    places = np.stack([rows, cols], 1)
    assert separation(features, labels, places, 1, None).neighbourhood_hit > 0.95
    assert separation(features, labels, places, 9, None).neighbourhood_hit < 0.8


def test_draw_is_seeded_and_capped_and_dict_is_plain(blobs):
    features, labels = blobs
    places = np.stack(np.divmod(np.arange(200), 20), 1)
    measured = separation(features, labels, places, 3, per_class=30, seed=1)
    assert measured.n == 120
    assert measured.per_class["n"].tolist() == [30] * 4
    assert measured.to_dict() == separation(features, labels, places, 3, per_class=30, seed=1).to_dict()
    assert measured.to_dict() != separation(features, labels, places, 3, per_class=30, seed=2).to_dict()
    assert json.loads(json.dumps(measured.to_dict(), allow_nan=False)) == measured.to_dict()
    assert list(measured.table()["metric"])[:2] == ["scatter_ratio", "silhouette"]


def test_nobody_far_enough_is_not_a_number(blobs):
    features, labels = blobs
    places = np.stack(np.divmod(np.arange(200), 20), 1)
    measured = separation(features, labels, places, window=50)
    assert np.isnan([measured.silhouette, measured.neighbourhood_hit, measured.radius_ratio]).all()
    assert measured.to_dict()["silhouette"] is None
    assert np.isfinite(measured.davies_bouldin)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.ones(200)}, "one class"),
        ({"labels": np.ones(3)}, "one label a vector"),
        ({"features": np.full((200, 2), np.inf)}, "infinity"),
        ({"rowcol": np.zeros((3, 2), int)}, r"expected \(200, 2\)"),
        ({"rowcol": np.zeros((200, 2), int), "window": 0}, "at least 1"),
        ({"per_class": 1}, "4 pixels for 4 classes"),
    ],
)
def test_bad_input_to_separation_is_named(blobs, change, message):
    given = {"features": blobs[0], "labels": blobs[1], "rowcol": None, "window": 11, **change}
    with pytest.raises(ValueError, match=message):
        separation(**given)
