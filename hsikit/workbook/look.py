"""`hsikit explore my_site.yaml`: JupyterLab on a small notebook that looks at one scene."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hsikit._util import write_text
from hsikit._util.errors import FileError
from hsikit.scenes.registry import SCENES, load_scene, open_scene

CELLS = (
    "import hsikit\nfrom hsikit.explore import SpectraExplorer\n\nscene = hsikit.load_scene({scene!r})\nscene",
    "explorer = SpectraExplorer(scene)\nexplorer",
)


def explore(scene: str) -> int:
    """Open JupyterLab on a scene, by name or by the path of its YAML, cube or product; returns its exit code.

    Raises:
        SceneError: When there is no such scene, or it cannot be read.
        FileError: When JupyterLab is not installed.
    """
    (open_scene if Path(scene).exists() else load_scene)(scene)  # complains before anything is written
    own = str(Path(sys.executable).parent)
    jupyter = shutil.which("jupyter", path=os.pathsep.join((os.environ.get("PATH", ""), own)))
    if jupyter is None:
        raise FileError("JupyterLab is not installed: pip install 'hsikit[workbook]'")
    notebook = notebook_of(scene)
    return subprocess.call([jupyter, "lab", notebook.name], cwd=notebook.parent)


def notebook_of(scene: str) -> Path:
    """The notebook that looks at a scene, written where there is none yet; one that is there stays as it is.

    It stands beside the scene's file, in the working folder for a scene with a name, or in a temporary folder where
    neither can be written to.
    """
    file = None if scene in SCENES else Path(scene).absolute()
    folder = Path.cwd() if file is None else file.parent
    name = f"explore_{scene if file is None else file.stem}.ipynb"
    if (folder / name).exists():
        return folder / name
    beside = os.access(folder, os.W_OK)
    folder = folder if beside else Path(tempfile.mkdtemp(prefix="hsikit_"))
    source = scene if file is None else file.name if beside else str(file)
    empty: dict[str, object] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [empty | {"id": f"look{i}", "source": text.format(scene=source)} for i, text in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    write_text(folder / name, json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return folder / name
