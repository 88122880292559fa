"""What several parts' tests share."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from audioset_tools.audio.segment import Sound
from audioset_tools.fetch import make
from audioset_tools.ledger import Ledger
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.sources.connection.connection import Connection
from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.extractions import EXTRACTIONS, Extraction
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import CLIP_SAMPLES, Clip
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES, numbered, origin, write_clip

pytest_plugins = ["tests.browser"]

# The real Hub is never asked, not even who we are, and nobody's login is used. Read when it is imported.
os.environ |= {
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HOME": "/nonexistent",
}
os.environ.pop("HF_TOKEN", None)

# The tests keep all cores busy as they are; more threads would wait for one another, and spin meanwhile.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine is no failure; and a continuous integration must not fail by the luck of a draw.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")

# A shell's jobs in the background ignore SIGINT, and so would all that they start, if a test interrupts it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """The simulator's encoded sounds, kept from one run of the tests to the next."""
    return Path(request.config.cache.mkdir("simulator"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def make_clips(workspace: Workspace) -> Callable[[int], Sequence[Clip]]:
    """Clips of every class, numbered from 0."""
    return lambda per_class: [write_clip(workspace, name, n) for name in CLASSES for n in range(per_class)]


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
                Connection(simulator.proxy, check_certificate),
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
        queue = numbered(400)
        ledger.load(origin("Flute"), queue)
        yield ledger


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever came is a sound; what it sounds like nobody asks, which would take nine tenths of the time."""
    sound = Sound(np.ones(CLIP_SAMPLES, np.int16), 10.0, 0.5)
    monkeypatch.setattr(make, "decode_segment", lambda *_: sound)
    monkeypatch.setattr(make, "fingerprint", lambda _: b"")
