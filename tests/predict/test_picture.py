"""A recording's picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from audioset_tools.predict.overview import Spectrogram
from audioset_tools.predict.picture import draw
from tests.predict.conftest import SPEC, heard


def test_a_timeline_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    bands = np.random.default_rng(0).random((SPEC.n_mels, 60), dtype=np.float32)
    timeline = heard((0.9, 0.1, 0.0), (np.nan,) * 3, (0.2, 0.7, 0.1))
    for name in ("a.png", "b.png"):
        draw(tmp_path / name, replace(timeline, spectrogram=Spectrogram(bands, 0.25, 0.5)), SPEC)
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG") and content == (tmp_path / "b.png").read_bytes()
