"""The real yt-dlp and the real ffmpeg, pointed at the simulator."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from audioset_tools.fetch.bounded import Patience
from audioset_tools.fetch.extractions import EXTRACTIONS, Extraction
from audioset_tools.fetch.pace import Pace, parse_pace
from audioset_tools.fetch.youtube import YouTube
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.types import Candidate


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
