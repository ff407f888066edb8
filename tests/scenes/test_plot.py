import numpy as np
import pytest
from matplotlib.colors import to_hex
from scenes.miniature import cube, labels

from hsikit.scenes import Scene


def scene(rows=12, cols=10, **changes):
    return Scene(
        "field",
        cube(rows, cols),
        labels(rows, cols),
        ("wheat", "a rather long name of a crop", "soil"),
        **changes,
    )


@pytest.mark.parametrize("size", [(12, 10), (10, 40), (40, 10)])
@pytest.mark.parametrize("lidar", [False, True])
def test_panels_legend_and_no_overlap(size, lidar):
    here = scene(
        *size,
        lidar=np.arange(size[0] * size[1]).reshape(size) if lidar else None,
        lidar_names=("height (m)",)[:lidar],
    )
    fig = here.plot()
    fig.draw_without_rendering()
    titles = [ax.get_title() for ax in fig.axes if ax.get_title()]
    assert titles == ["HSI, three bands", *(["LiDAR"] if lidar else []), "ground truth"]
    legend = fig.legends[0]
    assert [t.get_text() for t in legend.get_texts()] == [*here.class_names, "unlabelled"]
    assert [to_hex(h.get_facecolor()) for h in legend.get_patches()][:3] == list(here.colors)
    boxes = [ax.get_tightbbox() for ax in fig.axes] + [legend.get_window_extent()]
    for i, one in enumerate(boxes):
        assert fig.bbox.x0 - 1 <= one.x0
        assert one.x1 <= fig.bbox.x1 + 1
        for other in boxes[i + 1 :]:
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(width, height) <= 1  # at most a shared border


def test_titles_say_what_is_simulated_and_what_is_missing():
    valid = np.ones((12, 10), bool)
    valid[:3] = False
    assert scene(valid=valid).plot().get_suptitle() == "field: 90 of 120 px have HSI"
    assert "simulated" in scene(simulated=True).plot().get_suptitle()


def test_ground_truth_is_drawn_in_class_colours():
    here = scene()
    image = here.plot().axes[-1].images[0]
    drawn = image.cmap(image.norm(image.get_array()))
    assert to_hex(drawn[5, 8]) == here.colors[2]
    assert to_hex(drawn[0, 0]) == "#ffffff"


def test_wavelengths_make_it_true_colour():
    here = scene(wavelengths_nm=np.linspace(450, 700, 6))
    assert here.plot().axes[0].get_title() == "HSI, true colour"
