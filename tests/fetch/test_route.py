"""Several sources: the set is the first N alive in their union, each clip of the first that has it."""

import threading
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.audio.segment import Media, Sound
from audioset_tools.fetch import make
from audioset_tools.fetch.loop import Fetch
from audioset_tools.fetch.progress import FetchConfig
from audioset_tools.ledger import Ledger, State
from audioset_tools.ledger.queries import accepted_from
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.source import Excerpt, FetchError
from audioset_tools.sources.youtube import KNOWN_ALIVE
from audioset_tools.types import CLIP_SAMPLES, Candidate, Reason
from audioset_tools.workspace import Workspace
from tests.factories import numbered, origin

ATTEMPTS = 3
SIZE = 25

HAS, LACKS, DEAD, LATER, NEVER = "has", "lacks", "dead", "later", "never"
"""What a source says of a video: `later` it gives it at the second attempt, `never` however often."""


class Copy:
    """A source that knows what it holds."""

    pace: Pace | None = None
    known_alive: Candidate | None = None

    def __init__(self, name: str, says: list[str]) -> None:
        self.name = name
        self.says = says
        self.asked = Counter[int]()

    def videos(self) -> list[str]:
        return [one.ytid for one in numbered(SIZE) if self.says[one.rank] != LACKS]

    def holds(self, candidate: Candidate) -> bool:
        return self.says[candidate.rank] != LACKS

    def open(self, candidate: Candidate) -> Excerpt:
        self.asked[candidate.rank] += 1
        says = self.says[candidate.rank] if candidate.rank >= 0 else HAS
        if says == DEAD:
            raise FetchError(Reason.DAMAGED_FILE, f"{self.name} has a damaged one")
        if says == LACKS:
            raise FetchError(Reason.REMOVED, "gone")
        if says == NEVER or (says == LATER and self.asked[candidate.rank] == 1):
            raise FetchError(Reason.SERVER_ERROR, "not now")
        return Excerpt(Media(b""), f"{self.name} sound")

    def close(self) -> None:
        pass


class Remote(Copy):
    """A source that has to be asked, and that refuses everybody for a moment at the fifth request."""

    known_alive = KNOWN_ALIVE

    def __init__(self, says: list[str]) -> None:
        super().__init__("youtube", says)
        self.pace = Pace(parse_pace("unlimited"), wait=lambda seconds: False)

    def videos(self) -> None:
        return None

    def holds(self, candidate: Candidate) -> bool:
        return True

    def open(self, candidate: Candidate) -> Excerpt:
        if sum(self.asked.values()) == 5:
            self.asked[-9] += 1
            raise FetchError(Reason.TOO_MANY_REQUESTS, "slow down", retry_after=0.01)
        return super().open(candidate)


@pytest.fixture(autouse=True, scope="module")
def no_ffmpeg() -> object:
    with pytest.MonkeyPatch.context() as patch:
        sound = Sound(np.ones(CLIP_SAMPLES, np.int16), 10.0, 1 / 32768)
        patch.setattr(make, "decode_segment", lambda *_: sound)
        patch.setattr(make, "fingerprint", lambda _: b"")
        patch.setattr(make, "write_clip", lambda *_: "ab")
        yield


def fetched(folder: Path, sources: list[Copy], per_class: int, jobs: int) -> dict[int, str]:
    """Where the clip of each rank came from."""
    with Ledger(folder / "ledger.sqlite") as ledger:
        if not ledger.class_names:
            ledger.load(origin("Flute"), numbered(SIZE))
        config = FetchConfig(per_class, jobs=jobs, retry_wait=0.001, attempts=ATTEMPTS)
        Fetch(ledger, sources, Workspace(folder), config, threading.Event()).run()
        return {candidate.rank: clip.source.split()[0] for candidate, clip in ledger.clips()}


def expected(sources: list[Copy], per_class: int) -> dict[int, str]:
    """By the rule alone."""
    found: dict[int, str] = {}
    for rank in range(SIZE):
        giver = next((source.name for source in sources if source.says[rank] in (HAS, LATER)), None)
        if giver and len(found) < per_class:
            found[rank] = giver
    return found


SAYS = st.lists(st.sampled_from([HAS, HAS, LACKS, DEAD, LATER, NEVER]), min_size=SIZE, max_size=SIZE)


@settings(max_examples=25, deadline=None)
@given(first=SAYS, second=SAYS, third=SAYS, per_class=st.integers(1, SIZE), jobs=st.integers(1, 4))
def test_the_set_is_the_first_n_of_the_union_whatever_the_timing(
    first: list[str], second: list[str], third: list[str], per_class: int, jobs: int
) -> None:
    # One video that YouTube surely has keeps its failures plausible.
    sources = [
        Copy("local", first),
        Copy("mirror", second),
        Remote([HAS if t == NEVER else t for t in third]),
    ]
    with TemporaryDirectory() as folder:
        assert fetched(Path(folder), sources, per_class, jobs) == expected(sources, per_class)


def test_what_no_source_holds_is_dead_with_that_reason_and_asked_of_nobody(tmp_path: Path) -> None:
    sources = [Copy("local", [LACKS] * 10 + [HAS] * 15), Copy("mirror", [LACKS] * 20 + [HAS] * 5)]
    assert list(fetched(tmp_path, sources, 10, jobs=2)) == list(range(10, 20))
    assert not sum(sources[1].asked.values())
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        tallies = {(tally.state, tally.reason): tally.n for tally in ledger.tallies()}
    assert tallies[State.DEAD, Reason.NOT_IN_SOURCE] == 10


def test_the_verdict_is_the_last_that_says_more_than_that_it_lacks_the_video(tmp_path: Path) -> None:
    fetched(tmp_path, [Copy("local", [DEAD] * SIZE), Copy("mirror", [LACKS] * SIZE)], 3, jobs=2)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert {tally.reason for tally in ledger.tallies()} == {Reason.DAMAGED_FILE}


def test_files_are_read_before_youtube_is_asked_at_all(tmp_path: Path) -> None:
    local, youtube = Copy("local", [HAS] * SIZE), Remote([HAS] * SIZE)
    fetched(tmp_path, [local, youtube], SIZE, jobs=3)
    assert not youtube.asked
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert accepted_from(ledger) == {("Flute", "local"): SIZE}


def test_a_source_that_comes_later_takes_the_rest(tmp_path: Path) -> None:
    local, youtube = Copy("local", [HAS, LACKS] * 12 + [HAS]), Remote([HAS] * SIZE)
    assert set(fetched(tmp_path, [youtube], 4, jobs=2).values()) == {"youtube"}
    found = fetched(tmp_path, [local, youtube], 10, jobs=2)
    assert list(found) == list(range(10))
    assert [found[rank] for rank in range(4, 10)] == ["local", "youtube"] * 3
