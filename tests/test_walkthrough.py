"""The README's walk-through: an ENVI cube and drawn fields become a georeferenced map."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

import hsikit
from hsikit import cli

geopandas = pytest.importorskip("geopandas", reason="drawn labels need the extra 'vector'")
CRS = "EPSG:32632"
PLACE = from_origin(660_000, 5_100_000, 2.0, 2.0)  # 2 m pixels
NAMES = ("meadow", "maize", "forest")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """48 x 40 pixels in six bands of fields, two of each class, as an ENVI file and a polygon layer."""
    from shapely.geometry import box

    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    truth = np.repeat(np.tile([0, 1, 2], 2), 8)[:, None].repeat(40, 1)
    cube = (draw.uniform(0.1, 0.8, (3, 20))[truth] + 0.05 * draw.normal(size=(48, 40, 20))).astype(np.float32)
    form = {
        "driver": "ENVI",
        "height": 48,
        "width": 40,
        "count": 20,
        "dtype": "float32",
        "crs": CRS,
        "transform": PLACE,
    }
    with rasterio.open("cube.img", "w", **form) as target:
        target.write(cube.transpose(2, 0, 1))
    with open("cube.hdr", "a") as header:
        header.write("wavelength units = Nanometers\nwavelength = {")
        header.write(", ".join(f"{w:.1f}" for w in np.linspace(450, 950, 20)) + "}\n")
    west, north = PLACE.c, PLACE.f
    fields = [box(west + 2, north - 2 * (8 * k + 7), west + 78, north - 2 * (8 * k + 1)) for k in range(6)]
    layer = geopandas.GeoDataFrame({"class": [NAMES[k % 3] for k in range(6)]}, geometry=fields, crs=CRS)
    layer.to_file("fields.geojson", driver="GeoJSON")
    (tmp_path / "my_site.yaml").write_text(
        f"name: my_site\nhsi: cube.hdr\nlabels: fields.geojson\nclasses: [{', '.join(NAMES)}]\n"
    )
    return truth


def test_from_an_envi_file_and_drawn_fields_to_a_georeferenced_map(site, tmp_path, capsys):
    scene = hsikit.load_scene("my_site.yaml")
    assert len(scene.check().columns) == 3
    split = hsikit.random_split(scene, train=0.10)
    config = hsikit.TrainConfig(epochs=12, batch=16, threads=1, lr=3e-3)
    run = hsikit.fit(hsikit.SDHSINet(bands=15, classes=scene.n_classes, window=9), scene, split, config, progress=False)
    run.model.save("my_model")
    assert cli.main(["predict", "my_model", "my_site.yaml", "--out", "map.tif"]) == 0
    assert "map_scores.tif" in capsys.readouterr().out
    with rasterio.open("map.tif") as source:
        assert (source.crs, source.transform, source.shape) == (rasterio.crs.CRS.from_string(CRS), PLACE, (48, 40))
        assert json.loads(source.tags()["class_names"]) == list(NAMES)
        mapped = source.read(1)
        assert source.colormap(1)[1][:3] == tuple(bytes.fromhex(scene.colors[0][1:]))
    assert (mapped == site + 1)[8:40, 4:36].mean() > 0.8
    with rasterio.open("map_scores.tif") as source:
        assert (source.crs, source.transform, source.count) == (rasterio.crs.CRS.from_string(CRS), PLACE, 3)
        assert (source.read().argmax(0) + 1 == mapped).all()
    assert sorted(p.name for p in tmp_path.glob("*part*")) == []
