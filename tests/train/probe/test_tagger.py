"""What the process of a tagger's file decides: which waveform, which output, which windows."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.train.probe.tagger import (
    MOST_FEATURES,
    Tagger,
    UnfitError,
    choose,
    embed,
    length_of,
    require_room,
    windows,
)


@pytest.mark.parametrize(
    ("shape", "length"),
    [
        ([15_600], 15_600),
        ([1, 320_000], 320_000),
        ([1, 1, 160_000], 160_000),
        (["samples"], None),
        (["batch", "samples"], None),
        ([-1, -1], None),
        ([1, None], None),
    ],
)
def test_a_waveform_is_known_by_its_shape(shape: Sequence[object], length: int | None) -> None:
    assert length_of(shape, is_float=True) == length


@pytest.mark.parametrize(
    "shape",
    [
        [],  # a number
        [1, 1024, 128],  # a spectrogram with fixed frames
        ["batch", 1, 64],  # and with open ones
        [2, 16_000],  # stereo
        [1, 1, 1, "frames"],
        [128],
    ],
)
def test_what_is_no_waveform_is_refused(shape: Sequence[object]) -> None:
    with pytest.raises(UnfitError, match="waveform"):
        length_of(shape, is_float=True)
    with pytest.raises(UnfitError, match=r"\[any, 16000\] is not of float32"):
        length_of(["batch", 16_000], is_float=False)


def test_the_first_output_stands_for_all() -> None:
    assert choose(["scores", "embeddings"], None) == "scores"
    assert choose(["scores", "embeddings"], "embeddings") == "embeddings"
    with pytest.raises(UnfitError, match="no output 'logits', but scores, embeddings"):
        choose(["scores", "embeddings"], "logits")


def test_a_clip_is_as_long_as_what_is_taken_at_once() -> None:
    require_room(None, 16_000)
    require_room(320_000, 32_000)
    with pytest.raises(UnfitError, match="20 s at 16,000 Hz"):
        require_room(320_000, 16_000)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(1, 120))
def test_windows_overlap_by_half_and_cover_every_sample(count: int, length: int) -> None:
    samples = np.arange(1, count + 1, dtype=np.float32)
    found = list(windows(samples, length, rate=16))
    assert all(len(window) == length for window in found)
    starts = [int(window[0]) - 1 for window in found]
    if count < length:
        assert len(found) == 1
        assert found[0].tolist() == [*samples, *[0] * (length - count)]
    else:
        assert (starts[0], starts[-1]) == (0, count - length)
        steps = np.diff(starts)
        assert (steps > 0).all() and (steps <= max(length // 2, 1)).all()
        assert len(found) <= 1 + -(-(count - length) // max(length // 2, 1))


def test_a_file_of_any_length_gets_all_of_a_sound_and_a_second_at_least() -> None:
    assert [len(window) for window in windows(np.ones(50, np.float32), None, rate=16)] == [50]
    (padded,) = windows(np.ones(3, np.float32), None, rate=16)
    assert padded.tolist() == [1, 1, 1, *[0] * 13]


def test_features_are_the_mean_over_all_rows_of_all_windows() -> None:
    seen: list[np.ndarray] = []

    def run(samples: np.ndarray) -> np.ndarray:
        seen.append(np.stack([samples[:3], samples[1:4]]).reshape(1, 2, 3))
        return seen[-1]

    found = embed(Tagger("", 4, run), np.arange(10, dtype=np.float32) ** 2, rate=4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.concatenate(seen, axis=1)[0].mean(axis=0), rtol=1e-6)
    assert len(seen) == 4


@pytest.mark.parametrize(
    "values",
    [np.float32(1), np.zeros((1, 0), np.float32), np.zeros((3, 2), np.int64), np.zeros(MOST_FEATURES + 1)],
)
def test_what_are_no_features_is_refused(values: np.ndarray) -> None:
    with pytest.raises(UnfitError, match="no features"):
        embed(Tagger("", None, lambda samples: np.asarray(values)), np.ones(20, np.float32), rate=16)
