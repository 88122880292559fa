"""The words of `status`: what is lacking, how long it takes, and failures that can turn against nobody."""

import csv
import io
import json
import re
from dataclasses import replace
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.csvfile import read_csv
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.fetch.status import (
    ClassStatus,
    Status,
    failure_json,
    failures_table,
    read_status,
    status_json,
    status_lines,
    status_tables,
    write_failures,
)
from audioset_tools.ledger import Ledger, State, StateCount
from audioset_tools.ledger.queries import FailedCandidate, failures
from audioset_tools.sources.pace import Pace, parse_pace, remembered
from audioset_tools.sources.rate import PaceState
from audioset_tools.types import KEY, YTID, Candidate, Failure, Reason
from tests.factories import origin

NOW = 1_700_000_000.0
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

ids = st.tuples(st.text(ALPHABET, min_size=10, max_size=10), st.sampled_from("AEIMQUYcgkosw048")).map("".join)
failed = st.builds(
    FailedCandidate,
    candidate=st.builds(
        Candidate,
        ytid=ids,
        start_ms=st.integers(0, 10**7),
        end_ms=st.just(1),
        class_name=st.text(min_size=1, max_size=9),
        tier=st.just(0),
        rank=st.integers(0, 10**6),
        subset=st.just("eval"),
    ),
    state=st.sampled_from([State.DEAD, State.WAITING]),
    reason=st.sampled_from(list(Reason)),
    detail=st.text(st.characters())
    | st.sampled_from(['=HYPERLINK("x")', "+1", " -1\n@", "\t=1", '"a","b"', "\x1b[2J"]),
    attempts=st.integers(1, 5),
    tried_at=st.floats(0, 4e9),
    retry_at=st.none() | st.floats(0, 4e9),
)


def status(pace: PaceState | None, **counts: int) -> Status:
    given = {"wanted": 100, "verified": 40, "queued": 500, "waiting": 10, "dead": 10, **counts}
    return Status((ClassStatus("Flute", **given),), (), (), pace, None)


def test_the_time_left_is_the_pause_and_a_request_for_each_candidate_to_be_tried() -> None:
    now = status(PaceState(rate=300, paused_until=NOW + 60))
    assert now.survival == 0.8
    assert now.seconds_left(NOW) == pytest.approx(60 + 60 / 0.8 / 300 * 3_600)
    assert now.seconds_left(NOW + 120) == pytest.approx(60 / 0.8 / 300 * 3_600)


def test_the_survival_is_assumed_until_enough_is_settled() -> None:
    assert status(None, verified=3, dead=1).survival == 0.8
    assert status(None, verified=60, dead=40).survival == 0.6


def test_who_is_out_by_the_users_own_will_says_nothing_of_the_survival() -> None:
    found = status(None, verified=60, dead=940)
    own = tuple(
        StateCount("Flute", State.DEAD, reason, 450) for reason in (Reason.FORGOTTEN, Reason.EXCLUDED)
    )
    assert replace(found, tallies=own).survival == 0.6


@pytest.mark.parametrize(
    ("pace", "counts"),
    [
        (None, {}),
        (PaceState(rate=inf), {}),
        (PaceState(rate=300), {"verified": 0, "dead": 99}),
    ],
)
def test_what_cannot_be_told_is_not(pace: PaceState | None, counts: dict[str, int]) -> None:
    found = status(pace, **counts)
    assert found.seconds_left(NOW) is None
    assert "time left: not known" in status_lines(found, NOW)
    json.dumps(status_json(found, NOW), allow_nan=False)


def test_a_spent_queue_is_not_waited_for() -> None:
    assert status(None, queued=0, waiting=0).lacking == 0
    assert status(PaceState(rate=300), queued=5, waiting=0).lacking == 5
    assert status(PaceState(rate=300), verified=100).seconds_left(NOW) == 0


def test_a_pause_is_told_with_its_reason_until_it_is_over() -> None:
    paused = PaceState(rate=300, ceiling=500, paused_until=NOW + 60, reason=Reason.BOT_CHECK)
    lines = status_lines(status(paused), NOW)
    assert any("paused" in line and "bot-check" in line for line in lines)
    assert not any("paused" in line for line in status_lines(status(paused), NOW + 61))
    assert status_json(status(paused), NOW)["pace"] == {
        "rate": 300, "ceiling": 500, "paused_until": "2023-11-14T22:14:20Z", "reason": "bot-check",
    }  # fmt: skip


def test_a_pause_of_the_hub_is_told_as_well() -> None:
    paused = PaceState(rate=inf, paused_until=NOW + 60, reason=Reason.TOO_MANY_REQUESTS)
    both = replace(status(None), hub=paused)
    assert any("the Hub refuses (too-many-requests)" in line for line in status_lines(both, NOW))
    assert status_json(both, NOW)["hub_paused_until"] == "2023-11-14T22:14:20Z"
    assert not any("paused" in line for line in status_lines(both, NOW + 61))
    assert status_json(both, NOW + 61)["hub_paused_until"] is None


def test_the_pace_is_read_as_a_fetch_stores_it() -> None:
    pace = Pace(parse_pace("guest"), clock=lambda: NOW)
    pace.on_refusal(Reason.TOO_MANY_REQUESTS, NOW, 90)
    assert remembered(pace.to_json()) == pace.state
    assert remembered(None) is None


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    names = ("Flute", "Other")
    everyone = [Candidate(f"-{n:09}A", 0, 10_000, name, 0, n, "eval") for name in names for n in range(60)]
    ledger.load(origin(*names), everyone)
    for one in everyone[:55]:
        passing = one.rank % 2 == 0
        reason = Reason.TIMEOUT if passing else Reason.REMOVED
        at = NOW + one.rank * 86_400
        ledger.fail(one, Failure(one.key, reason, "x" * 99, 1, at if passing else None), at)
    ledger.note("paused", Reason.CAPTCHA, "", NOW)
    return ledger


def test_a_ledger_is_told_by_class_reason_and_day(ledger: Ledger) -> None:
    with ledger:
        classes, reasons, days = status_tables(read_status(ledger))
    assert classes.rows == (
        ("Flute", "", "0", "28", "27", "5"),
        ("Other", "", "0", "0", "0", "60"),
        ("all", "", "0", "28", "27", "65"),
    )
    assert reasons.rows == (
        ("removed", "the clip, for good", "27", "0", "27"),
        ("timeout", "the clip, for now", "0", "28", "28"),
        ("captcha", "the run", "0", "0", "1"),
    )
    assert days.title == "Days of UTC, the last 14 of 55"
    assert days.header == ("day", "dead", "failed for now", "refusals")
    assert days.rows[-1] == ("2024-01-07", "0", "1", "0")
    assert len(days.rows) == 14


def test_the_terminal_gets_the_newest_failures_and_is_told_of_the_others(ledger: Ledger) -> None:
    with ledger:
        table = failures_table(failures(ledger), 55)
    assert len(table.rows) == 50
    assert "50 of 55" in table.title
    assert table.rows[0][:5] == ("-000000054A_0", "Flute", "54", "waiting", "timeout")
    assert len(table.rows[0][-1]) == 60


def test_an_unknown_failure_is_shown_whole() -> None:
    one = FailedCandidate(
        Candidate("-000000000A", 0, 10_000, "Flute", 0, 0, "eval"), State.WAITING, Reason.UNKNOWN,
        "Traceback\n" + "x" * 2_000, 1, NOW, NOW,
    )  # fmt: skip
    assert failures_table([one], 1).rows[0][-1] == "Traceback\\n" + "x" * 2_000
    assert failure_json(one)["detail"] == one.detail


@given(st.lists(failed, max_size=5))
def test_no_cell_of_the_csv_is_a_formula_and_pandas_reads_the_ids_exactly(
    some: list[FailedCandidate],
) -> None:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "failures.csv"
        assert write_failures(some, target) == len(some)
        text = target.read_bytes().decode()
        rows = list(csv.reader(io.StringIO(text)))
        details = read_csv(target, rows[0], lambda row: row["detail"], "")
        frame = pd.read_csv(target, keep_default_na=False, dtype={"detail": str, "class": str})
        assert [path.name for path in Path(folder).iterdir()] == ["failures.csv"]
    assert text.count("\n") == len(some) + 1
    assert all(c.isprintable() or c == "\n" for c in text)
    # Numbers and ids stay as they are; tests/test_csvfile.py has the rule.
    plain = re.compile(rf"[+-][0-9.eE+-]+|{YTID.pattern}|{KEY.pattern}")
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@")) or plain.fullmatch(cell)
    assert list(frame["address"].str[-11:] if some else []) == [one.candidate.ytid for one in some]
    assert list(frame["clip"].str[1:] if some else []) == [one.candidate.key for one in some]
    assert list(frame["rank"]) == [one.candidate.rank for one in some]
    assert details == [one.detail for one in some]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        write_failures([], tmp_path)

    def breaks_off():  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt
        yield

    target = tmp_path / "failures.csv"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_failures(breaks_off(), target)
    assert target.read_text() == "old"


def test_a_ledger_without_candidates_is_no_bug(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as empty, pytest.raises(DataMismatch, match="no candidates"):
        read_status(empty)


def test_wanted_is_what_the_last_fetch_asked_for(ledger: Ledger) -> None:
    with ledger:
        ledger.put("per_class", "7")
        found = read_status(ledger)
    assert [c.wanted for c in found.classes] == [7, 7]
    assert replace(found, pace=PaceState(rate=100)).lacking == 14


def test_clips_that_others_cut_are_counted_and_not_vouched_for() -> None:
    mixed = replace(status(None, verified=5), sources={("Flute", "youtube"): 2, ("Flute", "hf"): 3})
    (remark,) = [line for line in status_lines(mixed, 0) if line.startswith("cut: ")]
    assert "3 of 5 clips" in remark and "not promised" in remark
    (table,) = [one for one in status_tables(mixed) if one.title == "Where the clips came from"]
    assert table.rows == (("hf", "3"), ("youtube", "2"))
    alone = replace(mixed, sources={("Flute", "youtube"): 5})
    assert not any(line.startswith("cut: ") for line in status_lines(alone, 0))
