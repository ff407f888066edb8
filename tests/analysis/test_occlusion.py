"""What an answer loses with a part of its input, as a table and pixel by pixel."""

import numpy as np
import pandas as pd
import pytest
import tiny

import hsikit
from hsikit.analysis.occlusion import Occlusion, occlusion_table
from hsikit.text import random_vectors


def test_hidden_parts_have_a_row_each_that_agrees_with_the_explorers_answer():
    scene = tiny.tiny_scene()
    split = tiny.tiny_split(scene)
    net = hsikit.MMLGNet(hsi_bands=scene.bands, lidar_channels=1, text_dim=8, window=3)
    text = random_vectors(scene.class_names, 8, 0)
    run = hsikit.fit(net, scene, split, hsikit.TrainConfig(epochs=2, threads=1), text=text, progress=False)
    pixels = split.test[:3]
    table = occlusion_table(run.model, scene, pixels, groups=4)
    assert len(table) == 3 * (4 + 2)
    first = table[table["pixel"] == pixels[0]]
    answer = Occlusion(run.model, scene, 4).ask(*divmod(int(pixels[0]), scene.shape[1]))
    np.testing.assert_allclose(first.loc[first["hidden"] == "bands", "drop"], answer.band_drop)
    assert first.set_index("hidden").loc["LiDAR", "drop"] == pytest.approx(answer.sensor_drop["LiDAR"])
    assert (first["class"] == scene.labels.ravel()[pixels[0]]).all()
    bands = first[first["hidden"] == "bands"]
    assert (bands["low"].iloc[0], bands["high"].iloc[-1]) == (scene.wavelengths_nm[0], scene.wavelengths_nm[-1])
    assert pd.isna(first.set_index("hidden").loc["HSI", "low"])
