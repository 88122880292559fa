"""The real yt-dlp and the real ffmpeg, pointed at the simulator."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.fetch import attempt as attempt_module
from audioset_tools.fetch.bounded import Patience
from audioset_tools.fetch.extractions import EXTRACTIONS, Extraction
from audioset_tools.fetch.pace import Pace, parse_pace
from audioset_tools.fetch.transcode import Sound
from audioset_tools.fetch.youtube import YouTube
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.types import CLIP_SAMPLES, Candidate


def candidate(ytid: str, start_ms: int = 30_000, class_name: str = "Flute", rank: int = 0) -> Candidate:
    return Candidate(ytid, start_ms, start_ms + 10_000, class_name, 3, rank, "eval")


@pytest.fixture
def serve(cache: Path) -> Iterator[Callable[[Plan], Simulator]]:
    with ExitStack() as stack:
        yield lambda plan: stack.enter_context(Simulator(plan, cache=cache))


@pytest.fixture
def connect() -> Iterator[Callable[..., YouTube]]:
    with ExitStack() as stack:

        def make(
            simulator: Simulator,
            patience: Patience = Patience(silence=2),
            pace: Pace | None = None,
            extractions: Sequence[Extraction] = EXTRACTIONS,
            check_certificate: bool = False,
        ) -> YouTube:
            source = YouTube(
                pace or Pace(parse_pace("unlimited")),
                proxy=simulator.proxy,
                check_certificate=check_certificate,
                patience=patience,
                extractions=extractions,
            )
            stack.callback(source.close)
            return source

        yield make


@pytest.fixture
def flutes(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with 400 candidates of one class, nobody tried yet; their segments begin at 0."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        queue = [candidate(f"{rank:010}A", 0, rank=rank) for rank in range(400)]
        ledger.load(Origin("paper", "", "", ("Flute",), 0, (10, 1, 1)), queue)
        yield ledger


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever came is a sound."""
    sound = Sound(np.ones(CLIP_SAMPLES, np.int16), 10.0, 0.5)
    monkeypatch.setattr(attempt_module, "decode", lambda *_: sound)
