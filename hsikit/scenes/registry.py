"""The list of scenes by name: `load_scene` and the table of what there is."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hsikit._util.errors import door
from hsikit.scenes.published import SceneFacts, catalogue, in_hand, load_matlab
from hsikit.scenes.scene import Scene, SceneError
from hsikit.scenes.site import Site, held_site, open_site

if TYPE_CHECKING:
    import pandas as pd

# name -> (module, its loader, its facts if they are not those of that name)
OWN_LOADERS: dict[str, tuple[str, str, str]] = {
    "indian_pines": ("hsikit.scenes.indian_pines", "load_indian_pines", ""),
    "indian_pines_repaired": ("hsikit.scenes.indian_pines_cubes", "load_repaired", "REPAIRED"),
    "indian_pines_original": ("hsikit.scenes.indian_pines_cubes", "load_original", "ORIGINAL"),
    "indian_pines_bands_left_out": ("hsikit.scenes.indian_pines_cubes", "load_bands_left_out", "BANDS_LEFT_OUT"),
    "indian_pines_median": ("hsikit.scenes.indian_pines_cubes", "load_median", "MEDIAN"),
    "simulated": ("hsikit.scenes.simulated", "load_simulated", ""),
    "muufl_subset": ("hsikit.scenes.muufl", "load_muufl_subset", "SUBSET_FACTS"),
    "muufl_five": ("hsikit.scenes.muufl", "load_muufl_five", "FIVE_FACTS"),
    "muufl": ("hsikit.scenes.muufl", "load_muufl", ""),
    "houston2013": ("hsikit.scenes.houston2013", "load_houston2013", ""),
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
        return open_site(name, whole=True).scene()
    if key not in SCENES:
        raise SceneError(unknown(key))
    if key not in OWN_LOADERS:
        return load_matlab(catalogue()[key])
    module, function, _ = OWN_LOADERS[key]
    return getattr(import_module(module), function)()


@door
def open_scene(name: str | Path) -> Site:
    """As `load_scene`, but a scene on disk is opened, not read; one with a name is held whole.

    Raises `SceneError` as `load_scene`.
    """
    return held_site(load_scene(name)) if str(name) in SCENES else open_site(name)


def facts(name: str) -> SceneFacts:
    """What is known of a scene before it is loaded. Raises `SceneError` when there is no scene of that name."""
    if name not in SCENES:
        raise SceneError(unknown(name))
    module, _, own = OWN_LOADERS.get(name, ("", "", ""))
    return getattr(import_module(module), own) if own else catalogue()[name]


def available() -> pd.DataFrame:
    """A row a scene: name, size, bands, LiDAR channels, classes, labelled pixels, in hand or not, licence.

    Example:
        >>> table = hsikit.available()
        >>> bool(table.set_index("name").in_hand["simulated"])
        True
    """
    import pandas as pd

    rows = [
        {"name": name, "size": f"{known.rows} x {known.cols}", "bands": known.bands, "lidar": known.lidar,
         "classes": known.classes, "labelled": known.labelled, "in_hand": in_hand(known), "licence": known.licence}
        for name in SCENES for known in [facts(name)]
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"labelled": "Int64"})


def unknown(name: str) -> str:
    """The message for a name that no scene has: the nearest one, and all of them."""
    near = get_close_matches(name, SCENES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no scene {name!r}; {hint}known: {', '.join(SCENES)}, or the path of a site's .yaml file"
