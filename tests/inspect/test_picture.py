"""The axes of a mel's picture."""

import numpy as np
import pytest

from audioset_tools.featurize.mel import logmel
from audioset_tools.inspect.picture import frame_times
from audioset_tools.shards.spec import MelSpec


def test_a_click_lies_where_it_is_in_time() -> None:
    for spec in (MelSpec(), MelSpec(center=False, n_fft=1_024, win_length=1_024)):
        waveform = np.zeros(160_000)
        waveform[72_000] = 1
        first, step = frame_times(spec)
        frame = int(logmel(waveform, spec).sum(axis=0).argmax())
        assert first + frame * step == pytest.approx(4.5, abs=step)
