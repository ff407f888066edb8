from tiny import tiny_scene

from hsikit import bench
from hsikit.models import SDHSINet


def test_a_row_says_what_was_measured_and_what_was_to_be_reached():
    row = bench._dense_row("tiny", SDHSINet(15, 3, 9), tiny_scene(rows=40, cols=40), reach=2.0)
    assert set(row) == {"name", "value", "reach", "sense", "dense_px_s", "window_px_s"}
    assert row["value"] > 0
    assert abs(row["value"] - row["dense_px_s"] / row["window_px_s"]) < 0.06 * row["value"]
