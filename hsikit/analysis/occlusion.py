"""What a network looked at: its answer for one pixel with groups of bands, or a whole sensor, taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hsikit.fitted import Fitted
from hsikit.models.output import Output
from hsikit.patches import Cube
from hsikit.scenes.scene import Scene


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says of one pixel, and what each part of its input adds to that.

    Attributes:
        classes: Candidates (ids 1..C) in the order of all scores, (k,) int64.
        exits: Probabilities (exit, k) float64 of every exit, shallow to deep, the final answer last.
        groups: First and last band index of every band group, both included.
        band_drop: By how much the probability of the final answer's class falls without a group (group,).
        sensor_drop: The same without a whole sensor, by its name ("HSI", "LiDAR").
    """

    classes: np.ndarray
    exits: np.ndarray
    groups: tuple[tuple[int, int], ...]
    band_drop: np.ndarray
    sensor_drop: dict[str, float]

    @property
    def scores(self) -> np.ndarray:
        """Probabilities (k,) of the final answer."""
        return self.exits[-1]

    @property
    def label(self) -> int:
        """Class of the final answer, 1..C."""
        return int(self.classes[self.scores.argmax()])


class Occlusion:
    """Takes bands and sensors away from the window of a pixel, and asks the network again.

    Taken away means: set to the mean of the training pixels, before principal components (Zeiler and Fergus
    2014 occlude patches so; groups of neighbouring bands instead of single ones, which their neighbours would
    replace, are assumed).

    Args:
        model: The fitted network.
        scene: Where pixels are picked; resampled to the bands the network was trained on.
        groups: Number of band groups, as even as can be.

    Raises:
        ValueError: When the scene's bands or LiDAR do not fit the model, it reads inputs in the place of bands, or
            `groups` is below 1.
    """

    def __init__(self, model: Fitted, scene: Scene, groups: int = 12) -> None:
        if groups < 1:
            raise ValueError(f"groups={groups}; give at least 1")
        if model.inputs is not None:
            kinds = ", ".join((*model.inputs.hsi, *model.inputs.lidar))
            raise ValueError(f"the model reads {kinds}, which mix bands, so that none can be taken away alone; give a "
                             "model trained on the bands themselves")  # fmt: skip
        if len(model.normalizer.lidar_mean) > scene.lidar_channels:
            needed = len(model.normalizer.lidar_mean)
            raise ValueError(
                f"the model takes {needed} LiDAR channel(s), {scene.name} has {scene.lidar_channels}; "
                "give a scene with LiDAR or a model trained without"
            )
        self.scene = model.match(scene)
        self.model, self.network = model, model.network.eval()
        waves = self.scene.wavelengths_nm  # bands go by them, or as they stand
        self.order = np.arange(self.scene.bands) if waves is None else np.argsort(waves, kind="stable")
        parts = np.array_split(np.arange(self.scene.bands), min(groups, self.scene.bands))
        self.groups = tuple((int(p[0]), int(p[-1])) for p in parts)  # places in `order`
        self._cube: Cube | None = None

    def ask(self, row: int, col: int) -> Answer:
        """The answer for a pixel and what it rests on."""
        hsi, lidar = self._window(row, col)
        without = [hsi] + [self._without(hsi, first, last) for first, last in self.groups] + [torch.zeros_like(hsi)]
        spectra, heights = torch.cat(without), None
        if lidar is not None:
            heights = torch.cat([lidar] * len(without) + [torch.zeros_like(lidar)])
            spectra = torch.cat([spectra, hsi])
        output = self._forward(spectra, heights)
        exits = [*(e[0] for e in output.exits), output.logits[0]]
        final = output.logits.double().softmax(1).numpy()  # (what was taken away, class)
        drop = final[0].max() - final[:, final[0].argmax()]
        sensors = {"HSI": float(drop[1 + len(self.groups)])} | ({"LiDAR": float(drop[-1])} if lidar is not None else {})
        return Answer(
            np.asarray(self.model.class_ids),
            torch.stack([e.double().softmax(0) for e in exits]).numpy(),
            self.groups,
            drop[1 : 1 + len(self.groups)],
            sensors,
        )

    def _window(self, row: int, col: int) -> tuple[Tensor, Tensor | None]:
        """Standardised window (1, band, w, w) over all bands, and LiDAR (1, channel, w, w) or None."""
        if self._cube is None:
            whole = replace(self.model.normalizer, components=None)
            self._cube = Cube.of(self.scene, whole, self.model.window)
        return self._cube.windows(torch.tensor([row]), torch.tensor([col]))

    def _without(self, hsi: Tensor, first: int, last: int) -> Tensor:
        cut = hsi.clone()
        cut[:, torch.as_tensor(self.order[first : last + 1])] = 0.0  # the mean of standardised training pixels
        return cut

    @torch.inference_mode()
    def _forward(self, hsi: Tensor, lidar: Tensor | None) -> Output:
        components = self.model.normalizer.components
        if components is not None:  # (component, band) x (batch, band, row, col)
            hsi = torch.einsum("kb,nbhw->nkhw", torch.as_tensor(components, dtype=torch.float32), hsi)
        device = next(self.network.parameters()).device
        keep = torch.as_tensor(np.asarray(self.model.class_ids) - 1, device=device)
        output = self.network(hsi.to(device), None if lidar is None else lidar.to(device)).centre().only(keep)
        return Output(output.logits.cpu(), output.embedding.cpu(), tuple(e.cpu() for e in output.exits))


def occlusion_table(model: Fitted, scene: Scene, pixels: np.ndarray, groups: int = 12) -> pd.DataFrame:
    """What single pixels' answers lose without a group of bands and without a sensor.

    Args:
        pixels: Flat indices (n,), such as some of `split.test`.
        groups: Number of band groups.

    Returns:
        A row a pixel and hidden part: columns pixel, class (true, 1..C; 0 without a label), hidden ("bands", or a
        sensor's name), low and high (of a group: nm, or band from 1; NaN for a sensor), drop (of the answer's
        probability).
    """
    occlusion, lines = Occlusion(model, scene, groups), []
    waves = occlusion.scene.wavelengths_nm
    at = 1 + np.arange(occlusion.scene.bands) if waves is None else np.asarray(waves)[occlusion.order]
    for pixel in np.asarray(pixels):
        row, col = divmod(int(pixel), scene.shape[1])
        answer = occlusion.ask(row, col)
        facts = {"pixel": int(pixel), "class": int(scene.usable[row, col])}
        lines += [facts | {"hidden": "bands", "low": float(at[first]), "high": float(at[last]), "drop": float(drop)}
                  for (first, last), drop in zip(answer.groups, answer.band_drop)]  # fmt: skip
        lines += [facts | {"hidden": name, "low": np.nan, "high": np.nan, "drop": drop}
                  for name, drop in answer.sensor_drop.items()]  # fmt: skip
    return pd.DataFrame(lines)
