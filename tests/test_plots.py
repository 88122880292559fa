"""The pictures are drawn, without a warning, for the odd runs as well; a tone lies at its frequency."""

import os
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread

from audioset_tools import plots
from audioset_tools.featurize.mel import logmel
from audioset_tools.plots import (
    MelImage,
    draw_confusion,
    draw_curves,
    draw_mel,
    draw_reliability,
    draw_timeline,
    hertz_ticks,
)
from audioset_tools.shards.spec import MelSpec, in_decibels, mel_axis

AXES = {"seconds": (0.0, 0.1), "hertz": np.linspace(0, 8_000, 101), "unit": "dB"}
TITLE = "$\\frac{ \u7b1b"
BLACK = 0.05


@pytest.mark.parametrize("losses", [[1.5], [9e9, 0.3, 0.0], [0.0]])
def test_curves(tmp_path: Path, losses: list[float]) -> None:
    draw_curves(tmp_path / "curves.png", losses, losses, [0.5] * len(losses), best_epoch=1)
    assert imread(tmp_path / "curves.png")[..., :3].std() > 0.05


@pytest.mark.parametrize("epochs", [1, 2, 5, 40])
def test_epochs_are_whole_numbers(epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: drawn.append(figure))
    draw_curves(tmp_path / "curves.png", [1.0] * epochs, [1.0] * epochs, [0.5] * epochs, best_epoch=1)
    axis = drawn[0].axes[1].xaxis
    low, high = axis.get_view_interval()
    shown = [tick for tick in axis.get_ticklocs() if low <= tick <= high]
    assert shown and all(float(tick).is_integer() for tick in shown)


@pytest.mark.parametrize("counts", [[0, 0, 0], [0, 3, 0], [5, 3, 9_000]])
def test_calibration_of_few_bins_and_of_none(tmp_path: Path, counts: list[int]) -> None:
    share = np.array([0.0, 0.5, 1.0])
    ends = np.stack([share / 2, (1 + share) / 2], axis=1)
    draw_reliability(
        tmp_path / "reliability.png",
        np.array(counts),
        share,
        share,
        ends,
        title=TITLE,
        labels=("sure", "right"),
    )
    assert imread(tmp_path / "reliability.png")[..., :3].std() > 0.05


def test_confusion_is_shaded_by_row_even_where_a_class_never_occurs(tmp_path: Path) -> None:
    draw_confusion(tmp_path / "confusion.png", np.array([[0, 0], [1, 3]]), ("Piano", "Drums"))
    picture = imread(tmp_path / "confusion.png")[..., :3]
    assert (picture.max(axis=2) - picture.min(axis=2)).max() > 0.4


def test_class_names_are_no_mathematics_and_need_no_font(tmp_path: Path) -> None:
    names = ("$\\frac{", "\u7b1b", "a\nb")
    draw_confusion(tmp_path / "confusion.png", np.eye(3, dtype=np.int64), names)
    draw_mel(tmp_path / "mel.png", MelImage(np.eye(8, dtype=np.float32), **AXES), TITLE)


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
        MelImage(in_decibels(logmel(tone, spec), spec), (0, spec.hop_length / spec.sample_rate), hertz, "dB"),
        "",
    )
    # Neighbouring bands are a mel distance apart; an FFT bin may fall between two of them.
    low, high, middle = librosa.hz_to_mel([spec.fmin, spec.fmax, frequency], htk=spec.htk)
    next_band = librosa.mel_to_hz(middle + (high - low) / (spec.n_mels + 1), htk=spec.htk)
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
    draw_mel(tmp_path / "mel.png", MelImage(np.full((8, 20), value, np.float32), **AXES), "")
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
        mel=MelImage(np.eye(8, 310, dtype=np.float32), **AXES),
        title=TITLE,
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


NOWHERE = {
    **os.environ,
    "HOME": "/dev/null/home",
    "MPLCONFIGDIR": "/dev/null/home",
    "XDG_CACHE_HOME": "/dev/null",
}
DRAWS = """
import sys, numpy, audioset_tools.plots as plots
import os
import subprocess
import sys
from pathlib import Path
plots.draw_confusion(Path(sys.argv[1]), numpy.eye(2, dtype=int), ["\u7b1b", "b"])
"""
HAS_NO_FOLDER = """
import tempfile
from audioset_tools.exceptions import EnvironmentProblem
def refuse(*_, **__): raise OSError(28, "No space left on device")
tempfile.mkdtemp = refuse
try:
    import audioset_tools.plots
except EnvironmentProblem as error:
    print(error)
"""


def test_it_draws_alike_and_says_nothing_whatever_surrounds_it(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 20\nno.such: 1\n")
    done = subprocess.run(
        [sys.executable, "-c", DRAWS, tmp_path / "c.png"],
        env={**NOWHERE, "MPLBACKEND": "module://no_such_module", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    draw_confusion(tmp_path / "d.png", np.eye(2, dtype=np.int64), ["\u7b1b", "b"])
    assert (tmp_path / "c.png").read_bytes() == (tmp_path / "d.png").read_bytes()


def test_a_pipe_as_its_settings_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "matplotlibrc")
    done = subprocess.run(
        [sys.executable, "-c", HAS_NO_FOLDER],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "matplotlibrc, in the current folder, is no file" in done.stdout and done.stderr == ""


def test_where_nothing_at_all_can_be_written_this_is_said() -> None:
    done = subprocess.run([sys.executable, "-c", HAS_NO_FOLDER], env=NOWHERE, capture_output=True, text=True)
    assert (
        "Matplotlib cannot be loaded" in done.stdout and "MPLCONFIGDIR" in done.stdout and done.stderr == ""
    )
