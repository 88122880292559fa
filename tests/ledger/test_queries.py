"""A ledger is looked at beside its writer, after a kill, on a read-only medium; its counts are the events."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.ledger import Ledger
from audioset_tools.ledger.queries import (
    clip_count,
    days,
    failures,
    fingerprints,
    last_event_at,
    shared_sha256,
)
from audioset_tools.types import Failure, Reason
from tests.factories import both, clip, loaded, origin

OUTCOMES = ["accept", "dead", "wait", "lose", "note"]


def act(ledger: Ledger, number: int, what: str, reason: Reason, at: float) -> None:
    one = both(5)[number]
    if what == "accept":
        ledger.accept(one, clip(one), at)
    elif what == "lose":
        ledger.lose(one, "", at)
    elif what == "note":
        ledger.note("paused", reason, "", at)
    else:
        ledger.fail(one, Failure(one.key, reason, what, 1, None if what == "dead" else 5.0), at)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(OUTCOMES),
            st.sampled_from(list(Reason)),
            st.floats(0, 4e9, allow_subnormal=False),
        ),
        max_size=30,
    )
)
def test_days_and_failures_agree_with_the_events(steps: list[tuple[int, str, Reason, float]]) -> None:
    with loaded(Path(":memory:")) as ledger:
        for step in steps:
            act(ledger, *step)
        found = ledger.rows("SELECT at, class, rank, outcome, reason FROM event ORDER BY id")
        events, last = Counter[tuple[object, ...]](), {}
        for at, number, rank, outcome, reason in found:
            name = None if number is None else ("Piano", "Other")[number]
            events[datetime.fromtimestamp(at, UTC).date(), name, outcome, reason or None] += 1
            if name is not None:
                last[name, rank] = (outcome, reason, at)
        assert {(d.day, d.class_name, d.outcome, d.reason): d.n for d in days(ledger)} == events
        told = list(failures(ledger))
        assert {
            (one.candidate.class_name, one.candidate.rank): (one.state, one.reason, one.tried_at)
            for one in told
        } == {place: event for place, event in last.items() if event[0] in ("dead", "waiting")}
        assert [one.tried_at for one in told] == sorted((one.tried_at for one in told), reverse=True)
        assert last_event_at(ledger) == (steps[-1][3] if steps else None)


def test_a_reader_is_not_held_up_by_a_writer_and_sees_one_moment(tmp_path: Path) -> None:
    one, two = both(5)[:2]
    with loaded(tmp_path / "ledger.sqlite") as writer:
        writer.accept(one, clip(one), at=1)
        writer._db.execute("BEGIN IMMEDIATE")
        with Ledger(writer.path, read_only=True) as reader:
            assert [found for found, _ in reader.clips()] == [one]
            writer._db.execute("COMMIT")
            writer.accept(two, clip(two), at=2)
            assert last_event_at(reader) == 1
        with Ledger(writer.path, read_only=True) as reader:
            assert last_event_at(reader) == 2


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    loaded(tmp_path / "ledger.sqlite").__exit__(None, None, None)
    before = (tmp_path / "ledger.sqlite").read_bytes()
    with (
        Ledger(tmp_path / "ledger.sqlite", read_only=True) as reader,
        pytest.raises(EnvironmentProblem, match="readonly"),
    ):
        reader.put("pace", "{}")
    assert (tmp_path / "ledger.sqlite").read_bytes() == before


def test_a_reader_makes_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "w" / "ledger.sqlite"
    with pytest.raises(DataMismatch, match="does not exist"):
        Ledger(path, read_only=True)
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir()
    path.touch()
    with pytest.raises(DataMismatch, match="is empty"):
        Ledger(path, read_only=True)
    assert path.stat().st_size == 0


@pytest.fixture
def left_by_a_kill() -> Iterator[Path]:
    """A ledger whose last outcome stands only in the log beside it, in a folder that strangers may see."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with loaded(folder / "live.sqlite") as writer:
            writer.accept(both(5)[0], clip(both(5)[0]), at=7)
            for suffix in ("", "-wal"):
                shutil.copy(f"{writer.path}{suffix}", folder / f"ledger.sqlite{suffix}")
        yield folder / "ledger.sqlite"
        folder.chmod(0o755)


def test_a_ledger_left_by_a_killed_process_is_read_whole_and_stays_as_it_is(left_by_a_kill: Path) -> None:
    before = left_by_a_kill.read_bytes()
    with Ledger(left_by_a_kill, read_only=True) as reader:
        assert last_event_at(reader) == 7
    assert left_by_a_kill.read_bytes() == before


def test_a_read_only_folder(left_by_a_kill: Path, as_nobody: None) -> None:
    """Closed properly it is read there; with a log and no index for it, as a copy."""
    folder = left_by_a_kill.parent
    there = sorted(folder.iterdir())
    for name in ("ledger.sqlite", "live.sqlite"):
        with Ledger(folder / name, read_only=True) as reader:
            assert last_event_at(reader) == 7
    assert sorted(folder.iterdir()) == there


@pytest.fixture
def as_nobody(left_by_a_kill: Path) -> Iterator[None]:
    """May only read in the folder, be it as another user."""
    folder = left_by_a_kill.parent
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.setresuid(65_534, 65_534, 0)
    yield
    if root:
        os.setresuid(0, 0, 0)


def test_a_page_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    loaded(path, 2_000).__exit__(None, None, None)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(DataMismatch, match="damaged"), Ledger(path, read_only=True) as reader:
        list(failures(reader))


def test_a_path_may_hold_what_means_something_in_an_address(tmp_path: Path) -> None:
    path = tmp_path / "50%25 of #1?mode=rw" / "ledger.sqlite"
    path.parent.mkdir()
    loaded(path).__exit__(None, None, None)
    with Ledger(path, read_only=True) as reader:
        assert reader.origin() == origin("Piano", "Other")


def test_clips_are_counted_and_their_fingerprints_read_by_their_places() -> None:
    pianos, others = both(5)[:5], both(5)[5:]
    with loaded(Path(":memory:")) as ledger:
        assert clip_count(ledger) == 0 and shared_sha256(ledger) == set()
        prints = {}
        for one in (pianos[0], pianos[2], others[1]):
            prints[one.key] = f"print of {one.key}".encode()
            digest = "a" * 64 if one.class_name == "Piano" else "b" * 64
            ledger.accept(one, replace(clip(one), fingerprint=prints[one.key], sha256=digest), at=1)
        assert clip_count(ledger) == 3 and shared_sha256(ledger) == {"a" * 64}
        number = {name: n for n, name in enumerate(ledger.class_names)}
        asked = [others[1], pianos[1], pianos[2], others[1]]
        places = [(number[one.class_name], one.rank) for one in asked]
        assert fingerprints(ledger, places) == [prints.get(one.key, b"") for one in asked]
