"""Scenes: benchmark scenes by name, a user's own by a YAML file, and a simulated valley."""

from hsikit.scenes.registry import available, load_scene
from hsikit.scenes.scene import Scene, SceneError

__all__ = ["Scene", "SceneError", "available", "load_scene"]
