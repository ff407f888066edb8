"""The list of scenes by name: `load_scene` and the table of what there is."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hsikit.errors import door
from hsikit.scenes.published import SceneFacts, catalogue, in_hand, load_matlab
from hsikit.scenes.scene import Scene, SceneError

if TYPE_CHECKING:
    import pandas as pd

# name -> (module of hsikit.scenes, its loader, its facts if they are not those of that name)
OWN_LOADERS: dict[str, tuple[str, str, str]] = {
    "indian_pines": ("indian_pines", "load_indian_pines", ""),
    "indian_pines_repaired": ("indian_pines_cubes", "load_repaired", "REPAIRED"),
    "indian_pines_original": ("indian_pines_cubes", "load_original", "ORIGINAL"),
    "indian_pines_bands_left_out": ("indian_pines_cubes", "load_bands_left_out", "BANDS_LEFT_OUT"),
    "indian_pines_median": ("indian_pines_cubes", "load_median", "MEDIAN"),
    "simulated": ("simulated", "load_simulated", ""),
    "muufl_subset": ("muufl", "load_muufl_subset", "SUBSET_FACTS"),
    "muufl_five": ("muufl", "load_muufl_five", "FIVE_FACTS"),
    "muufl": ("muufl", "load_muufl", ""),
    "houston2013": ("houston2013", "load_houston2013", ""),
}
SCENES = (*OWN_LOADERS, *(name for name, known in catalogue().items() if known.layout))


@door
def load_scene(name: str | Path) -> Scene:
    """A scene by its name (see `available`), or a user's own by the path of its YAML file, or of its cube or product.

    Raises:
        SceneError: When there is no such scene (the nearest known one is given), a file is missing (which
            one, and where it goes), or a file is not what it should be.

    Example:
        >>> hsikit.load_scene("simulated").shape  # or the path of your site's YAML file
        (166, 600)
    """
    key = str(name)
    if key not in SCENES and (Path(name).suffix.lower() in (".yaml", ".yml") or (key and Path(name).exists())):
        loader: Callable[..., Scene] = import_module("hsikit.scenes.site").load_site  # which looks at this list
        return loader(Path(name))
    if key not in SCENES:
        raise SceneError(unknown(key))
    if key not in OWN_LOADERS:
        return load_matlab(catalogue()[key])
    module, function, _ = OWN_LOADERS[key]
    return getattr(import_module(f"hsikit.scenes.{module}"), function)()


def facts(name: str) -> SceneFacts:
    """What is known of a scene before it is loaded.

    Raises:
        SceneError: When there is no scene of that name.
    """
    if name not in SCENES:
        raise SceneError(unknown(name))
    module, _, own = OWN_LOADERS.get(name, ("", "", ""))
    return getattr(import_module(f"hsikit.scenes.{module}"), own) if own else catalogue()[name]


def available() -> pd.DataFrame:
    """A row a scene: name, size, bands, LiDAR channels, classes, labelled pixels, in hand or not, licence.

    Example:
        >>> table = hsikit.available()
        >>> bool(table.set_index("name").in_hand["simulated"])
        True
    """
    import pandas as pd

    rows = []
    for name in SCENES:
        known = facts(name)
        rows.append(
            {
                "name": name,
                "size": f"{known.rows} x {known.cols}",
                "bands": known.bands,
                "lidar": known.lidar,
                "classes": known.classes,
                "labelled": known.labelled,
                "in_hand": in_hand(known),
                "licence": known.licence,
            }
        )
    return pd.DataFrame(rows).astype({"labelled": "Int64"})


def unknown(name: str) -> str:
    """The message for a name that no scene has: the nearest one, and all of them."""
    near = get_close_matches(name, SCENES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no scene {name!r}; {hint}known: {', '.join(SCENES)}, or the path of a site's .yaml file"
