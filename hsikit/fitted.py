"""A trained network with all that a map needs: preprocessing, window, class ids, words. Saved without pickle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from torch import nn

from hsikit._util import replacing
from hsikit.models import build, describe
from hsikit.patches import Normalizer
from hsikit.scenes.scene import Scene
from hsikit.text import TextVectors


@dataclass(eq=False)
class Fitted:
    """A trained network and everything fitted beside it.

    Attributes:
        network: The module, in evaluation mode once trained.
        normalizer: Band statistics and components, fitted on training pixels.
        window: Side of the windows in pixels.
        class_ids: Trained classes (1..C), the candidates of a prediction.
        class_names: All class names of the scene.
        text: The class vectors it was trained with, or None.
        scene_facts: Name, bands and wavelengths of the training scene, to tell whether another scene fits.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> network = hsikit.CNN2D(bands=8, classes=scene.n_classes, window=7)
        >>> once = hsikit.TrainConfig(epochs=1, threads=1)
        >>> run = hsikit.fit(network, scene, hsikit.few_shot_split(scene), once, progress=False)
        >>> folder = run.model.save("my_model")
        >>> hsikit.Fitted.load("my_model").class_names == list(scene.class_names)
        True
    """

    network: nn.Module
    normalizer: Normalizer
    window: int
    class_ids: np.ndarray
    class_names: Sequence[str]
    text: TextVectors | None = None
    scene_facts: dict[str, Any] = field(default_factory=dict)

    def remember_bands(self, scene: Scene) -> None:
        """Note the bands of the training scene."""
        waves = None if scene.wavelengths_nm is None else [float(w) for w in scene.wavelengths_nm]
        self.scene_facts = {"name": scene.name, "bands": scene.bands, "wavelengths_nm": waves,
                            "colors": list(scene.colors), "simulated": scene.simulated}  # fmt: skip

    def save(self, folder: Path | str) -> Path:
        """Write the folder: model.safetensors, normalizer.npz, model.json. Written aside, then moved into place."""
        folder = Path(folder)
        state = {k: v.detach().cpu().contiguous() for k, v in self.network.state_dict().items()}
        facts = {"model": describe(self.network), "window": self.window, "scene": self.scene_facts,
                 "class_ids": [int(c) for c in self.class_ids], "class_names": list(self.class_names)}  # fmt: skip
        with replacing(folder) as aside:
            aside.mkdir(parents=True)
            save_file(state, aside / "model.safetensors")
            self.normalizer.save(aside / "normalizer.npz")
            if self.text is not None:
                self.text.save(aside / "text.npz")
            (aside / "model.json").write_text(json.dumps(facts, indent=1))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> Fitted:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: When the folder does not hold a saved model; the message names what is missing.
        """
        folder = Path(folder)
        missing = [n for n in ("model.json", "model.safetensors", "normalizer.npz") if not (folder / n).exists()]
        if missing:
            raise FileNotFoundError(f"{folder} holds no saved model: {', '.join(missing)} missing; train it first")
        facts = json.loads((folder / "model.json").read_text())
        state = load_file(folder / "model.safetensors")
        network: Any = build(facts["model"])
        if hasattr(network, "read_text"):
            network.read_text(state["text"].numpy())
        network.load_state_dict(state)
        text = TextVectors.load(folder / "text.npz") if (folder / "text.npz").exists() else None
        return cls(network.eval(), Normalizer.load(folder / "normalizer.npz"), facts["window"],
                   np.array(facts["class_ids"]), facts["class_names"], text, facts["scene"])  # fmt: skip
