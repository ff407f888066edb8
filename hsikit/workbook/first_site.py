"""`hsikit init cube.hdr`: a first YAML for a scene of one's own, and what its cube does not say."""

from __future__ import annotations

from pathlib import Path

import yaml

from hsikit._util import write_text
from hsikit._util.errors import FileError, door
from hsikit.scenes.site import open_site

TO_FILL = """
# What the cube does not say. Take the '#' away where it applies; the README's "Your own scene" has every key.
# lidar: surface.tif            # laid on the cube's grid by its own place
# labels: fields.geojson        # or a raster; a file of polygons needs hsikit[vector]
# classes: [meadow, maize]      # class 1, class 2, ...
"""


@door
def first_site(cube: str | Path, out: str | Path | None = None) -> Path:
    """Write a YAML beside a cube (or product), to be filled in: its name, size, and what it says of itself.

    Args:
        out: Where to; beside the cube, named after it, if left out. A file that is there is never overwritten.

    Raises:
        SceneError: When the cube cannot be read.
        FileError: When the YAML is there already.

    Example:
        >>> np.save("cube.npy", np.ones((6, 5, 4), np.float32))
        >>> print(hsikit.first_site("cube.npy").read_text().splitlines()[0])
        name: cube
    """
    cube = Path(cube)
    path = cube.with_name(f"{cube.stem}.yaml") if out is None else Path(out)
    if path.exists():
        raise FileError(f"{path} is there already; name another file with --out, or remove it")
    site = open_site(cube)
    (rows, cols, bands), waves, crs = site.cube.shape, site.cube.wavelengths, site.cube.crs
    known = "no wavelengths" if waves is None else f"{waves.min():.0f} to {waves.max():.0f} nm"
    placed = "no place on the ground" if crs is None else crs.to_string()
    size = f"# {rows} rows x {cols} columns, {bands} bands, {known}, {placed}\n"
    asked = "" if waves is not None else "# wavelengths_nm: [400, 410]    # one number a band\n"
    try:
        hsi = cube.absolute().relative_to(path.absolute().parent)
    except ValueError:
        hsi = cube.absolute()
    head = yaml.safe_dump({"name": site.name, "hsi": str(hsi)}, sort_keys=False)
    write_text(path, head + size + TO_FILL + asked)
    return path
