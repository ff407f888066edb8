"""What the map of a `SpectraExplorer` can show: bands, indices, angles, and the layers over them."""

from __future__ import annotations

import numpy as np

from hsikit.explore.marks import share_of
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.scenes.scene import COLOUR_INFRARED_NM, TRUE_COLOUR_NM
from hsikit.spectra import INDICES_NM, normalised_difference, spectral_angle

SHORT_WAVE_NM = (2200.0, 1650.0, 660.0)  # minerals, moisture, chlorophyll
PRESETS_NM = {
    "true colour": TRUE_COLOUR_NM,
    "colour infrared": COLOUR_INFRARED_NM,
    "short-wave infrared": SHORT_WAVE_NM,
}
COMPONENTS = ("PCA", "MNF")
COMPOSITES = (*PRESETS_NM, *COMPONENTS, "three bands")  # three values a pixel
MODES = (*PRESETS_NM, "three bands", "one band", "spectral angle", *INDICES_NM, *COMPONENTS)
COLOUR_MAPS = ("gray", "viridis", "magma", "cividis", "RdYlGn")
CHUNK = 20_000  # spectra projected at once


class ScenePicture:
    """Pictures (row, col) and (row, col, 3) of a scene; ranges and the last angles are remembered."""

    def __init__(self, facts: SceneFacts) -> None:
        self.facts, self.scene, self.valid = facts, facts.scene, facts.valid
        self.stretch = (2.0, 98.0)  # percentiles that are shown as black and white
        self._ranges: dict[tuple[int, tuple[float, float]], tuple[float, float]] = {}
        self._band: tuple[int, np.ndarray] | None = None
        self._components: dict[str, np.ndarray] = {}
        self._angles: tuple[np.ndarray, np.ndarray] | None = None  # of a spectrum, the angles to it

    # --- which bands -----------------------------------------------------------------------------

    def first_bands(self) -> tuple[tuple[int, ...], str]:
        """Bands to begin with and the mode that shows them: true colour where the scene has it."""
        try:
            return self.preset_bands("true colour"), "true colour"
        except ValueError:
            mode = "three bands" if self.scene.bands >= 3 else "one band"
            return tuple(int(f * (self.scene.bands - 1)) for f in (0.75, 0.5, 0.25)), mode

    def preset_bands(self, preset: str) -> tuple[int, ...]:
        """Bands of a preset; ValueError where the scene's bands do not reach that far."""
        waves, nm = self.scene.wavelengths_nm, PRESETS_NM[preset]
        if waves is None:
            raise ValueError(f"{preset} needs wavelengths, which {self.scene.name} lacks; choose three bands by index")
        if waves.min() - 50 > min(nm) or waves.max() + 50 < max(nm):
            reach = f"{waves.min():g} to {waves.max():g} nm"
            raise ValueError(f"{preset} needs {min(nm):g} to {max(nm):g} nm; the bands run {reach}")
        return tuple(self.facts.band_at(w) for w in nm)

    # --- values ----------------------------------------------------------------------------------

    def band(self, band: int) -> np.ndarray:
        """A band (row, col) float32; the last one is remembered, as gathering it from a cube is slow."""
        if self._band is None or self._band[0] != band:
            self._band = (band, np.asarray(self.scene.hsi[..., band], np.float32))
        return self._band[1]

    def limits(self, band: int) -> tuple[float, float]:
        """The percentiles of a band over measured pixels between which it is shown."""
        key = (band, self.stretch)
        if key not in self._ranges:
            self._ranges[key] = self._between(self.band(band)[self.valid])
        return self._ranges[key]

    def _between(self, values: np.ndarray) -> tuple[float, float]:
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, self.stretch) if values.size else (0.0, 1.0)
        return float(low), float(high)

    def components(self, kind: str) -> np.ndarray:
        """The first three components (row, col, 3) float32 over the good bands, fitted on a sample of pixels.

        PCA orders by variance, MNF by variance over that of noise, which the differences of neighbouring pixels
        estimate (Green et al. 1988).
        """
        if kind not in self._components:
            good = ~self.facts.bad
            sample = self.facts.sample[:, good]
            sample = sample[np.isfinite(sample).all(1)]
            if len(sample) < 4 or good.sum() < 3:
                raise ValueError(f"{kind} needs three good bands and a few pixels; {self.scene.name} has fewer")
            noise = self._noise(good) if kind == "MNF" else np.eye(int(good.sum()))
            axes = _leading(np.cov(sample.T), noise)
            self._components[kind] = self._projected(good, sample.mean(0), axes)
        return self._components[kind]

    def _noise(self, good: np.ndarray) -> np.ndarray:
        both = self.valid[:, 1:] & self.valid[:, :-1]
        rows, cols = np.nonzero(both)
        step = max(1, len(rows) // 2000)
        rows, cols = rows[::step], cols[::step]
        cube = self.scene.hsi
        differ = (np.asarray(cube[rows, cols + 1], np.float64) - np.asarray(cube[rows, cols], np.float64))[:, good]
        differ = differ[np.isfinite(differ).all(1)]
        if len(differ) < 4:
            raise ValueError("MNF needs pixels beside each other to tell noise; choose PCA")
        return np.cov(differ.T) / 2

    def _projected(self, good: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
        flat = self.scene.hsi.reshape(-1, self.scene.bands)
        parts = [(np.asarray(flat[at : at + CHUNK], np.float32)[:, good] - mean.astype(np.float32)) @ axes
                 for at in range(0, len(flat), CHUNK)]  # fmt: skip
        return np.concatenate(parts).reshape(*self.scene.shape, 3).astype(np.float32)

    def index(self, name: str) -> np.ndarray:
        """A spectral index (row, col), one of `INDICES_NM`; ValueError where its bands are missing."""
        return normalised_difference(self.scene.hsi, self.scene.wavelengths_nm, *INDICES_NM[name])

    def angles(self, spectrum: np.ndarray) -> np.ndarray:
        """Angles (row, col) in radians to a spectrum (band,), over bands that are good in both."""
        if self._angles is None or self._angles[0] is not spectrum:
            use = ~self.facts.bad & np.isfinite(spectrum)
            self._angles = (spectrum, spectral_angle(self.scene.hsi, spectrum, use))
        return self._angles[1]

    # --- colours ---------------------------------------------------------------------------------

    def composite(self, bands: tuple[int, ...]) -> np.ndarray:
        """Three bands (row, col, 3) in 0..1, each stretched to its range."""
        return np.stack([share_of(self.band(b), *self.limits(b)) for b in bands], -1)

    def stretched(self, values: np.ndarray) -> np.ndarray:
        """Three values a pixel (row, col, 3), each between its percentiles, in 0..1."""
        return np.stack([share_of(v, *self._between(v[self.valid])) for v in np.moveaxis(values, -1, 0)], -1)

    def painted(self, values: np.ndarray, limits: tuple[float, float], cmap: str) -> np.ndarray:
        """Values (row, col) in the colours (row, col, 3) of a colour map between two limits."""
        from matplotlib import colormaps

        return colormaps[cmap](share_of(values, *limits))[..., :3]

    def layered(self, base: np.ndarray, truth: float, lidar: float, channel: int) -> np.ndarray:
        """Colours (row, col, 3) float32, white if not measured, under LiDAR and truth of these opacities."""
        from matplotlib.colors import to_rgb

        base = np.where(self.valid[..., None] & np.isfinite(base), base, 1.0)
        if lidar and self.scene.lidar is not None:
            height = np.asarray(self.scene.lidar[..., channel], np.float32)
            height = self.painted(height, tuple(np.nanpercentile(height, (1, 99))), "viridis")
            base = (1 - lidar) * base + lidar * height
        if truth:
            colours = np.array([to_rgb(c) for c in self.scene.colors])
            painted = colours[np.maximum(self.scene.labels, 1) - 1]
            share = truth * (self.scene.labels > 0)[..., None]
            base = (1 - share) * base + share * painted
        return base.astype(np.float32)


def _leading(signal: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The three directions (band, 3) float32 in which signal most exceeds noise, signs fixed."""
    from scipy.linalg import eigh

    small = 1e-9 * np.trace(noise) / len(noise) + 1e-30
    _, axes = eigh(signal, noise + small * np.eye(len(noise)))
    axes = axes[:, :-4:-1]
    return (axes * np.sign(axes[np.abs(axes).argmax(0), range(axes.shape[1])])).astype(np.float32)
