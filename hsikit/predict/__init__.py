"""From a fitted model and a scene to a map: class labels, scores and embeddings of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from hsikit._util import one_thread
from hsikit._util.errors import door
from hsikit.fitted import Fitted
from hsikit.models.output import Output
from hsikit.patches import Cube
from hsikit.predict.fast import for_maps
from hsikit.predict.tiles import Tile, activation_bytes, cut, side_by_side, tiles
from hsikit.scenes.scene import Scene

WINDOWS = 64  # in a batch: as many as in training, and faster than more


@dataclass(frozen=True, eq=False)
class Prediction:
    """A map of a scene.

    Attributes:
        labels: Classes (row, col) int16, 1..C; 0 where the scene has no valid pixel.
        scores: Probabilities (row, col, class) float32 over `classes`; NaN where not valid.
        classes: The candidates (ids 1..C) in the order of `scores`.
        embeddings: Features (row, col, dim) float32, or None when not asked for.
        exits: Classes (exit, row, col) given by each earlier exit, or None when not asked for.

    Example:
        >>> scores = np.full((2, 3, 2), 0.5, np.float32)
        >>> answer = hsikit.Prediction(np.ones((2, 3), np.int16), scores, classes=np.array([1, 2]))
        >>> answer.labels.shape, answer.embeddings
        ((2, 3), None)
    """

    labels: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    embeddings: np.ndarray | None = None
    exits: np.ndarray | None = None


@door
def predict_map(fitted: Fitted, scene: Scene, mode: str = "auto", *, embeddings: bool = False, exits: bool = False,
                device: str | None = None, memory_gb: float = 1.0, mixed: bool = False,
                progress: bool = False) -> Prediction:  # fmt: skip
    """Predict every valid pixel of a scene.

    Args:
        mode: "dense" passes the scene through the network tile by tile, each with the halo its windows need;
            "window" cuts a window around every pixel, which gives the same map, slower; "auto" takes dense where
            the network declares it may.
        embeddings: Also return the final features.
        exits: Also return the answer of each earlier exit.
        device: None takes the best available.
        memory_gb: What the activations of all tiles at work may take; decides the size of tiles.
        mixed: Half precision where it is safe; GPUs only. Scores then agree to about 1e-2.

    Raises:
        ValueError: For an unknown mode, dense where the network cannot, mixed without a GPU, or a scene whose bands
            or LiDAR are not those of the training scene (`Fitted.match`).

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> network = hsikit.CNN2D(bands=8, classes=scene.n_classes, window=7)
        >>> once = hsikit.TrainConfig(epochs=1, threads=1)
        >>> run = hsikit.fit(network, scene, hsikit.few_shot_split(scene), once, progress=False)
        >>> answer = hsikit.predict_map(run.model, scene, embeddings=True)
        >>> answer.labels.shape, answer.scores.shape, answer.embeddings.shape
        ((166, 600), (166, 600, 6), (166, 600, 128))
    """
    mapper = Mapper.of(fitted, mode, exits=exits, device=device, memory_gb=memory_gb, mixed=mixed)
    scene = fitted.match(scene)
    fitted.doubt(scene)
    cube = Cube.of(scene, fitted.normalizer, fitted.window, mapper.device)
    shape, ids = scene.shape, np.asarray(fitted.class_ids, np.int16)
    labels, scores = np.zeros(shape, np.int16), np.empty((*shape, len(ids)), np.float32)
    features = answers = None
    for tile, output in mapper.outputs(cube, Tile(0, shape[0], 0, shape[1]), progress):
        labels[tile.place] = ids[_pixels(output.logits.argmax(1))]
        scores[tile.place] = _pixels(output.logits.softmax(1))
        if embeddings:
            features = np.empty((*shape, output.embedding.shape[1]), np.float32) if features is None else features
            features[tile.place] = _pixels(output.embedding)
        if exits:
            answers = np.zeros((len(output.exits), *shape), np.int16) if answers is None else answers
            for answer, logits in zip(answers, output.exits):
                answer[tile.place] = ids[_pixels(logits.argmax(1))]
    labels[~scene.valid] = 0
    scores[~scene.valid] = np.nan
    if answers is not None:
        answers[:, ~scene.valid] = 0
    return Prediction(labels, scores, ids, features, answers)


def _pixels(maps: Tensor) -> np.ndarray:
    """(1, channel, row, col) -> (row, col, channel), or (1, row, col) -> (row, col)."""
    maps = maps[0].cpu()
    return (maps.permute(1, 2, 0) if maps.ndim == 3 else maps).numpy()


@dataclass(frozen=True, eq=False)
class Mapper:
    """A network ready to map prepared scenes, tile by tile.

    Attributes:
        network: Arranged for maps, on the device.
        keep: Indices of the trained classes among its outputs.
        window: Side of its windows in pixels.
        dense: Whole tiles at once, or window by window.
        pixels: Of a tile with its halo, at most.
        threads: Tiles at work at a time.
        mixed: Half precision where it is safe.
    """

    network: nn.Module
    keep: Tensor
    window: int
    dense: bool
    pixels: int
    threads: int
    mixed: bool

    @classmethod
    def of(cls, fitted: Fitted, mode: str = "auto", *, exits: bool = False, device: str | None = None,
           memory_gb: float = 1.0, mixed: bool = False) -> Mapper:  # fmt: skip
        """Arrange a fitted network; arguments and errors as in `predict_map`."""
        if mode not in ("auto", "dense", "window"):
            raise ValueError(f"mode {mode!r} is unknown; choose 'auto', 'dense' or 'window'")
        able = getattr(fitted.network, "dense", False)
        if mode == "dense" and not able:
            raise ValueError(f"{type(fitted.network).__name__} cannot be evaluated densely; use mode='window'")
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if mixed and place.type == "cpu":
            raise ValueError("mixed=True needs a GPU; on a CPU it would be slower and less exact")
        dense = able and mode != "window"
        threads = torch.get_num_threads() if place.type == "cpu" else 1
        norm = fitted.normalizer
        bands = len(norm.mean) if norm.components is None else len(norm.components)
        with one_thread():
            network = for_maps(fitted.network.to(place), exits=exits, dense=False)
            cost = activation_bytes(network, bands, len(norm.lidar_mean), fitted.window)
            network = for_maps(network) if dense else network
        keep = torch.as_tensor(np.asarray(fitted.class_ids) - 1, device=place)
        return cls(network, keep, fitted.window, dense, int(memory_gb * 2**30 / threads / cost), threads, mixed)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.keep.device

    def outputs(self, cube: Cube, area: Tile, progress: bool = False) -> Iterator[tuple[Tile, Output]]:
        """Tiles of an area with their outputs over the trained classes, in the order they are done."""
        work: Callable[[Cube, Tile], Output] = self._dense if self.dense else self._windowed
        parts = tiles(area, self.window, self.pixels, self.threads) if self.dense else cut(area, 8, 256)
        yield from side_by_side(lambda tile: work(cube, tile), parts, self.threads, progress)

    def _dense(self, cube: Cube, tile: Tile) -> Output:
        """A tile and its halo through the network at once."""
        halo = self.window - 1
        place = (None, slice(None), slice(tile.top, tile.bottom + halo), slice(tile.left, tile.right + halo))
        return self._answer(cube.hsi[place], None if cube.lidar is None else cube.lidar[place])

    def _windowed(self, cube: Cube, tile: Tile) -> Output:
        """A window for each pixel of a tile, in batches."""
        rows, cols = torch.meshgrid(torch.arange(tile.top, tile.bottom, device=self.device),
                                    torch.arange(tile.left, tile.right, device=self.device), indexing="ij")  # fmt: skip
        batches = zip(rows.flatten().split(WINDOWS), cols.flatten().split(WINDOWS))
        parts = [self._answer(*cube.windows(*batch)) for batch in batches]
        # (batch, c, 1, 1), and all batches are the pixels of the tile -> (1, c, row, col)
        join = lambda some: torch.cat(some)[:, :, 0, 0].T.reshape(1, -1, *rows.shape)  # noqa: E731
        exits = tuple(map(join, zip(*(part.exits for part in parts))))
        return Output(join([p.logits for p in parts]), join([p.embedding for p in parts]), exits)

    def _answer(self, hsi: Tensor, lidar: Tensor | None) -> Output:
        with torch.autocast(self.device.type, torch.float16, enabled=self.mixed):
            output = self.network(hsi, lidar).only(self.keep).float()
        return output.averaged() if getattr(self.network, "answers_by_mean", False) else output
