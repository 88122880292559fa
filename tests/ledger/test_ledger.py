"""The ledger keeps what it is told, counts rightly, and refuses files that are none of its own."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.ledger import Ledger, Origin, State
from audioset_tools.ledger.changes import contradictions, forget
from audioset_tools.ledger.queries import standing
from audioset_tools.types import Candidate, Failure, Reason
from tests.factories import both, clip, loaded, origin, reseal


def test_a_candidate_goes_through_its_states_and_comes_back_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    one, two, three = both(5)[:3]
    with loaded(path) as ledger:
        assert ledger.next_queued("Piano", -1) == one
        ledger.accept(one, clip(one), at=1)
        ledger.fail(two, Failure(two.key, Reason.REMOVED, "gone", 1, None), at=2)
        ledger.fail(three, Failure(three.key, Reason.TIMEOUT, "slow", 2, 99.0), at=3)
    with Ledger(path) as ledger:
        assert ledger.origin() == origin("Piano", "Other")
        assert ledger.clips() == [(one, clip(one))]
        assert ledger.waiting("Piano") == [(three, 2, 99.0)]
        assert ledger.next_queued("Piano", -1) == both(5)[3]
        assert ledger.next_queued("Piano", 4) is None


def test_the_videos_of_the_next_candidates_are_told_class_by_class(tmp_path: Path) -> None:
    everyone = both(5)
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        ledger.accept(everyone[0], clip(everyone[0]), at=1)
        expected = [
            one.ytid
            for name in ledger.class_names
            for one in [c for c in everyone[1:] if c.class_name == name][:2]
        ]
        assert ledger.next_videos(2) == expected


def test_a_lists_split_is_kept(tmp_path: Path) -> None:
    one = replace(both(1)[0], split="test")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.load(origin("Piano"), [one])
        assert ledger.next_queued("Piano", -1) == one


def test_a_lists_group_is_its_clips(tmp_path: Path) -> None:
    one, two = (
        replace(each, group=group) for each, group in zip(both(2), ("tape 7 \u266b", ""), strict=False)
    )
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.load(origin("Piano"), [one, two])
        queued = ledger.next_queued("Piano", -1)
        assert queued == replace(one, group="")
        ledger.accept(one, clip(one), at=1)
        ledger.accept(two, clip(two), at=2)
        assert [accepted.group for _, accepted in ledger.clips()] == ["tape 7 \u266b", ""]
        known = standing(ledger, one.key)
        assert known is not None and known.clip is not None and known.clip.group == "tape 7 \u266b"
        with ledger.transaction() as execute:
            execute("UPDATE named_group SET name = 'another'")
        assert contradictions(ledger, deep=True) == ["the groups of 1 clips are not those that were loaded"]
        with pytest.raises(DataMismatch, match="makes no sense"):
            ledger.clips()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_of_before_there_were_groups_is_taken_over(tmp_path: Path, read_only: bool) -> None:
    path, one, two = tmp_path / "ledger.sqlite", *both(5)[:2]
    with loaded(path) as ledger:
        ledger.accept(one, clip(one), at=1)
    with sqlite3.connect(path) as db:
        db.executescript("DROP TABLE named_group; PRAGMA user_version = 4")
    db.close()
    before = path.read_bytes()
    with Ledger(path, read_only) as ledger:
        assert ledger.clips() == [(one, clip(one))]
        assert contradictions(ledger, deep=True) == []
        known = standing(ledger, one.key)
        assert known is not None and known.clip == clip(one)
        if not read_only:
            ledger.accept(two, clip(two), at=2)
    # Whoever only looks changes nothing; to whoever writes it is one of today from now on.
    assert (path.read_bytes() == before) == read_only
    with Ledger(path) as ledger:
        assert len(ledger.clips()) == 2 - read_only
        forget(ledger, [one.ytid], at=3)
        assert len(ledger.clips()) == 1 - read_only


def test_a_lost_clip_goes_back_to_its_place_in_the_queue(tmp_path: Path) -> None:
    one = both(5)[0]
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        ledger.accept(one, clip(one), at=1)
        ledger.lose(one, "missing", at=2)
        assert ledger.clips() == []
        assert ledger.next_queued("Piano", -1) == one


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["accept", "dead", "wait", "lose"])), max_size=30)
)
def test_the_tallies_equal_a_count_of_the_candidates(steps: list[tuple[int, str]]) -> None:
    ledger = loaded(Path(":memory:"))
    everyone = both(5)
    for number, what in steps:
        one = everyone[number]
        if what == "accept":
            ledger.accept(one, clip(one), at=0)
        elif what == "lose":
            ledger.lose(one, "", at=0)
        else:
            reason = Reason.REMOVED if what == "dead" else Reason.TIMEOUT
            ledger.fail(one, Failure(one.key, reason, "", 1, None if what == "dead" else 5.0), at=0)
    counted = ledger._db.execute(
        "SELECT class, state, reason, count(*) FROM candidate GROUP BY 1, 2, 3"
    ).fetchall()
    number = {"Piano": 0, "Other": 1}
    told = [(number[t.class_name], t.state, t.reason or "", t.n) for t in ledger.tallies()]
    assert sorted(told) == sorted((c, State(s), r, n) for c, s, r, n in counted)
    ledger.__exit__(None, None, None)


def test_loading_is_all_or_nothing(tmp_path: Path) -> None:
    def breaks_off():  # type: ignore[no-untyped-def]
        yield from both(5)[:3]
        raise KeyboardInterrupt

    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger, pytest.raises(KeyboardInterrupt):
        ledger.load(origin("Piano", "Other"), breaks_off())
    with Ledger(path) as ledger:
        assert ledger.origin() is None
        ledger.load(origin("Piano", "Other"), both(5))
        assert ledger.next_queued("Other", 3) == both(5)[9]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_foreign_a_damaged_and_another_versions_file_are_refused(tmp_path: Path, read_only: bool) -> None:
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE birds (name)")
    db.close()
    text = tmp_path / "text.sqlite"
    text.write_bytes(b"this is no database at all, but it is long enough to look like one" * 50)
    newer, older = tmp_path / "newer.sqlite", tmp_path / "older.sqlite"
    for path, version in ((newer, 99), (older, 1)):
        loaded(path).__exit__(None, None, None)
        with sqlite3.connect(path) as db:
            db.execute(f"PRAGMA user_version = {version}")
        db.close()
    for path, words in [(foreign, "not a ledger"), (text, "damaged"), (newer, "newer"), (older, "older")]:
        with pytest.raises(DataMismatch, match=words):
            Ledger(path, read_only)


def test_the_classes_that_a_clip_carries_besides_come_back(tmp_path: Path) -> None:
    names = tuple(f"Class {number}" for number in range(40))
    origin = Origin("several", "r", "l", names, 1, (10, 1, 1), multi_label=True)
    one = Candidate("a" * 10 + "A", 0, 10_000, names[39], 3, 0, "eval", also=(names[0], names[11], names[38]))
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.load(origin, [one])
        ledger.accept(one, replace(clip(one), also=one.also), at=1)
    with Ledger(path, read_only=True) as ledger:
        assert ledger.origin() == origin
        ((candidate, accepted),) = ledger.clips()
        known = standing(ledger, one.key)
    assert candidate == one and accepted.also == one.also
    assert known is not None and (known.candidate, known.clip) == (one, accepted)


@pytest.mark.parametrize("also", ["2", "-1", "x", b"0"])
def test_a_class_that_there_is_not_is_damage(tmp_path: Path, also: object) -> None:
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        with ledger.transaction() as execute:
            execute("UPDATE candidate SET also = ?", (also,))
        reseal(ledger)
        with pytest.raises(DataMismatch, match="makes no sense"):
            ledger.next_queued("Piano", -1)


def test_the_first_of_a_queue_is_found_past_those_settled_without_reading_them(tmp_path: Path) -> None:
    with loaded(tmp_path / "ledger.sqlite", 2_000) as ledger:
        for one in both(2_000)[:1_900]:
            ledger.fail(one, Failure(one.key, Reason.REMOVED, "", 1, None), at=1)
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        ledger._db.set_progress_handler(count, 1)
        assert ledger.next_queued("Piano", -1) == both(2_000)[1_900]
    assert steps < 200


@given(said=st.text(st.characters()))
def test_whatever_a_stranger_says_can_be_recorded(said: str) -> None:
    one = both(1)[0]
    with loaded(Path(":memory:"), 1) as ledger:
        ledger.fail(one, Failure(one.key, Reason.UNKNOWN, said, 1, None), at=1)
        ledger.note("paused", Reason.BOT_CHECK, said, at=1)
        (kept,) = ledger.rows("SELECT detail FROM candidate WHERE state = 'dead'")
    assert kept == (said.encode("utf-8", "backslashreplace").decode(),)


def test_a_locked_ledger_is_the_environments_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        ledger._db.execute("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(ledger.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EnvironmentProblem, match="locked"):
            ledger.put("pace", "{}")
        other.close()
