"""What was found, in words and as JSON: nothing is left out, and a stranger's names steer nothing."""

import pytest

from audioset_tools.verify.findings import (
    Finding,
    Kind,
    Report,
    count_kinds,
    findings_table,
    remedies,
    report_json,
)

MISSING = [Finding(Kind.MISSING, f"clips/{n}", "is missing", "Fetch.") for n in range(5)]
STRAY = Finding(Kind.ORPHANED, "clips/a\033[31mb", "", "Look at it.")
TWICE = Finding(Kind.DUPLICATE, "clips/6", "holds the same samples as clips/7")


def test_the_table_gives_examples_and_json_gives_all() -> None:
    report = Report(clips=5, findings=(*MISSING,), left=(*MISSING,))
    ((kind, n, examples, remedy),) = findings_table(report).rows
    assert (kind, n, remedy) == ("missing", "5", "Fetch.")
    assert "clips/2 is missing; and 2 more" in examples and "clips/3" not in examples
    found = report_json(report)
    assert (found["ok"], found["clips"], len(found["findings"]), len(found["left"])) == (False, 5, 5, 5)


def test_names_of_strays_reach_no_terminal_raw() -> None:
    (row,) = findings_table(Report(findings=(STRAY,))).rows
    assert "\033" not in row[2] and "31mb" in row[2]


def test_kinds_are_counted_in_their_own_order_and_remedies_named_once() -> None:
    assert count_kinds([STRAY, *MISSING, TWICE]) == "5 missing, 1 orphaned, 1 duplicate audio"
    assert remedies([*MISSING, TWICE, STRAY]) == ("Fetch.", "Look at it.")


@pytest.mark.parametrize(
    "first", [Report(), Report(3, 2, (STRAY,), (STRAY,), 1, ("set-aside/x",), ("shards/y",))]
)
def test_clips_and_shards_add_up(first: Report) -> None:
    both = first + Report(1, 1, (TWICE,), (), 1, (), ("shards/z",))
    assert (both.clips, both.shards, both.queued) == (first.clips + 1, first.shards + 1, first.queued + 1)
    assert both.findings == (*first.findings, TWICE) and both.left == first.left
    assert both.removed == (*first.removed, "shards/z")
