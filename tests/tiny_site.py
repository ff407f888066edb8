"""A tiny scene in files, and a config of eight quick runs on it."""

import numpy as np

# A site file makes a scene of its own: small, on disk, real.
CONFIG = {
    "scene": "site.yaml", "split": {"kind": "random", "train": 0.3}, "train": {"threads": 1},
    "arms": [{"method": "lda"}, {"method": "svm"}, {"method": "coordinates"},
             {"method": "cnn2d", "model": {"bands": 8, "window": 7}, "train": {"epochs": 3}}],
    "seeds": [0, 1],
}  # fmt: skip


def write_site(folder, shift=0.0):
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(24) // 8 + 1, 20).reshape(24, 20)
    cube = draw.normal(size=(3, 10))[labels - 1] + 0.4 * draw.normal(size=(24, 20, 10)) + shift
    np.save(folder / "cube.npy", cube.astype(np.float32))
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    (folder / "site.yaml").write_text("name: site\nhsi: cube.npy\nlabels: labels.npy\nclasses: [a, b, c]\n")


def timeless(rows):
    drop = ("seconds", "peak_memory_mb")
    return [{k: v for k, v in r.items() if k not in drop} for r in rows]
