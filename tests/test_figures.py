"""The pictures are drawn, without a warning, for the odd runs as well; a tone lies at its frequency."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from audioset_tools.featurize.mel import logmel
from audioset_tools.featurize.scale import mel_axis, to_hertz, to_mel
from audioset_tools.featurize.spec import MelSpec
from audioset_tools.figures import draw_confusion, draw_curves, draw_mel, draw_timeline, hertz_ticks
from audioset_tools.inspect.picture import in_decibels

AXES = {"seconds": (0.0, 0.1), "hertz": np.linspace(0, 8_000, 101), "unit": "dB"}
BLACK = 0.05


@pytest.mark.parametrize("losses", [[1.5], [9e9, 0.3, 0.0], [0.0]])
def test_curves(tmp_path: Path, losses: list[float]) -> None:
    draw_curves(tmp_path / "curves.png", losses, losses, [0.5] * len(losses), best_epoch=1)
    assert imread(tmp_path / "curves.png")[..., :3].std() > 0.05


def test_confusion_is_shaded_by_row_even_where_a_class_never_occurs(tmp_path: Path) -> None:
    draw_confusion(tmp_path / "confusion.png", np.array([[0, 0], [1, 3]]), ("Piano", "Drums"))
    picture = imread(tmp_path / "confusion.png")[..., :3]
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 0.4


def test_class_names_are_no_mathematics_and_need_no_font(tmp_path: Path) -> None:
    names = ("$\\frac{", "\u7b1b", "a\nb")
    draw_confusion(tmp_path / "confusion.png", np.eye(3, dtype=np.int64), names)
    draw_mel(tmp_path / "mel.png", np.eye(8, dtype=np.float32), title="$\\frac{ \u7b1b", **AXES)


def loudest_hertz(path: Path, hertz: np.ndarray) -> float:
    """Where the brightest line of a picture lies on its axis, between whose ends `hertz` lie evenly."""
    picture = imread(path)[..., :3].sum(axis=2)
    left = picture.shape[1] // 2
    # The frame of the axes is black upon white: the first and the last dark row of a column.
    column = picture[:, left]
    dark = np.flatnonzero(column < BLACK)
    top, bottom = dark[0], dark[-1]
    inside = column[top + 2 : bottom - 1]
    brightest = top + 2 + np.flatnonzero(inside > inside.max() - 0.05).mean()
    return float(np.interp((bottom - brightest) / (bottom - top), np.linspace(0, 1, len(hertz)), hertz))


@pytest.mark.parametrize("frequency", [250, 1_000, 3_000, 6_000])
@pytest.mark.parametrize(
    "spec",
    [MelSpec(), MelSpec(log=True), MelSpec(htk=False, n_fft=1_024, n_mels=80, fmin=60, fmax=7_500, log=True)],
    ids=["paper", "log", "slaney"],
)
def test_a_tone_lies_at_its_frequency(tmp_path: Path, spec: MelSpec, frequency: int) -> None:
    tone = np.sin(2 * np.pi * frequency * np.arange(160_000) / 16_000)
    hertz = mel_axis(spec, 2_001)
    draw_mel(
        tmp_path / "mel.png",
        in_decibels(logmel(tone, spec), spec),
        seconds=(0, spec.hop_length / spec.sample_rate),
        hertz=hertz,
        title="",
        unit="dB",
    )
    # Neighbouring bands are a mel distance apart; an FFT bin may fall between two of them.
    low, high = to_mel([spec.fmin, spec.fmax], spec.htk)
    next_band = to_hertz(to_mel(frequency, spec.htk) + (high - low) / (spec.n_mels + 1), spec.htk)
    found = loudest_hertz(tmp_path / "mel.png", hertz)
    assert found == pytest.approx(frequency, abs=float(next_band) - frequency)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 8_000, [0, 125, 250, 500, 1_000, 2_000, 4_000, 8_000]),
        (50, 7_000, [125, 250, 500, 1_000, 2_000, 4_000]),
        (3_000, 3_600, [3_000, 3_100, 3_200, 3_300, 3_400, 3_500, 3_600]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert hertz_ticks(mel_axis(MelSpec(fmin=low, fmax=high), 501)) == expected


@given(low=st.floats(0, 7_900), width=st.floats(1, 24_000), htk=st.booleans())
def test_ticks_are_on_the_axis_and_do_not_touch(low: float, width: float, htk: bool) -> None:
    spec = MelSpec(sample_rate=64_000, fmin=low, fmax=min(low + width, 32_000), htk=htk)
    hertz = mel_axis(spec, 501)
    ticks = hertz_ticks(hertz)
    assert ticks and ticks == sorted(ticks)
    assert hertz[0] <= ticks[0] and ticks[-1] <= hertz[-1]
    places = np.interp(ticks, hertz, np.linspace(0, 1, 501))
    assert len(ticks) == 1 or np.diff(places).min() > 0.04


@pytest.mark.parametrize("value", [0.0, -100.0, np.nan])
def test_silence_is_dark(tmp_path: Path, value: float) -> None:
    draw_mel(tmp_path / "mel.png", np.full((8, 20), value, np.float32), title="", **AXES)
    picture = imread(tmp_path / "mel.png")[..., :3].sum(axis=2)
    assert picture[picture.shape[0] // 2, picture.shape[1] // 2] < BLACK


@pytest.mark.parametrize("classes", [1, 4, 60])
def test_a_timeline_shows_what_is_heard_and_where_it_is_silent(tmp_path: Path, classes: int) -> None:
    rng = np.random.default_rng(0)
    probability = rng.random((6, classes)) * 0.4
    probability[:3, classes - 1] = 0.9
    probability[4] = np.nan
    names = ["$\\frac{", "\u7b1b", "a\nb", *map(str, range(classes))][:classes]
    draw_timeline(
        tmp_path / "timeline.png",
        probability,
        probability > 0.5,
        names,
        borders=[0, 5, 10, 15, 20, 25, 31],
        decibels=np.eye(8, 310, dtype=np.float32),
        title="$\\frac{ \u7b1b",
        **AXES,
    )
    picture = imread(tmp_path / "timeline.png")[..., :3]
    orange = (np.abs(picture - np.array([1, 0.5, 0.055])) < 0.02).all(axis=2)
    grey = (np.abs(picture - 0.827) < 0.02).all(axis=2)
    # The legend has little of either, right of the middle.
    left = orange[:, : picture.shape[1] // 2]
    assert left.sum() > 500
    assert grey.sum() > (2_000 if classes > 1 else 500)
    columns = np.flatnonzero(left.any(axis=0))
    assert columns[-1] - columns[0] == pytest.approx(picture.shape[1] * 0.38, rel=0.15)
