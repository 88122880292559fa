"""A fetch in words: what the line under the bars says first, and what table, JSON and advice count."""

from dataclasses import replace
from math import inf

import pytest

from audioset_tools.fetch.progress import ClassProgress, FetchProgress, FetchResult
from audioset_tools.fetch.summary import (
    advice,
    answers_line,
    class_bars,
    fetch_json,
    fetch_table,
    state_line,
)
from audioset_tools.ledger import State, StateCount
from audioset_tools.sources.rate import PaceState
from audioset_tools.sources.source import FetchError
from audioset_tools.types import Reason

NOW = 1_000.0

CLASSES = (
    ClassProgress("Piano", 10, 4, 2, 3, exhausted=False),
    ClassProgress("Flute", 10, 9, 0, 5, exhausted=True),
)

PROGRESS = FetchProgress(
    13, 20, classes=CLASSES, pace=PaceState(rate=600.0), requests=42, elapsed=12.34, eta=90.0
)

RESULT = FetchResult(
    PROGRESS,
    (
        StateCount("Piano", State.ACCEPTED, None, 4),
        StateCount("Piano", State.DEAD, Reason.REMOVED, 2),
        StateCount("Piano", State.DEAD, Reason.TIMEOUT, 1),
        StateCount("Flute", State.DEAD, Reason.PRIVATE, 5),
    ),
    attempts=5,
)


def paused(reason: Reason) -> FetchProgress:
    return replace(PROGRESS, pace=PaceState(rate=600.0, paused_until=NOW + 60, reason=reason))


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (PROGRESS, "pace 600 requests/h, 42 requests sent, 1:30 min left"),
        (replace(PROGRESS, pace=PaceState(rate=inf), eta=None), "pace unlimited, 42 requests sent"),
        (paused(Reason.BOT_CHECK), ": YouTube refuses (bot-check)"),
        (paused(Reason.NETWORK_DOWN), ": YouTube cannot be reached (network-down)"),
        (paused(Reason.IMPLAUSIBLE), "a clip known to be alive failed too"),
        (replace(PROGRESS, doubting=True), "trying a clip known to be alive"),
        (replace(paused(Reason.CAPTCHA), stopping=True), "stopping: what is in flight ends first"),
    ],
)  # fmt: skip
def test_the_line_says_what_matters_most(progress: FetchProgress, words: str) -> None:
    assert state_line(progress, NOW).endswith(words)


def test_a_folder_has_neither_pace_nor_pauses() -> None:
    assert state_line(paused(Reason.BOT_CHECK), None) == "reading files, 1:30 min left"
    assert state_line(replace(PROGRESS, stopping=True), None) == "stopping: what is in flight ends first"


def test_the_bars_say_what_each_class_has() -> None:
    more = replace(CLASSES[0], accepted=12)
    assert class_bars(replace(PROGRESS, classes=(more, CLASSES[1]))) == {
        "Piano": (10, 10, "3 dead, 2 to be tried again"),
        "Flute": (9, 10, "5 dead, 0 to be tried again, queue spent"),
    }


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("youtube webm/opus 251 by lean", "YouTube answers: webm/opus 251 by the lean extraction"),
        ("youtube m4a/aac 140", "YouTube answers: m4a/aac 140"),
    ],
)
def test_what_answers_is_named(source: str, line: str) -> None:
    assert answers_line(source) == line


def test_table_and_json_agree() -> None:
    rows = {row[0]: row[1:] for row in fetch_table(RESULT).rows}
    assert rows == {
        "Piano": ("10", "4", "2", "2 removed, 1 timeout"),
        "Flute": ("10", "9", "0", "5 private"),
    }
    content = fetch_json(RESULT)
    assert (content["complete"], content["requests"], content["seconds"]) == (False, 42, 12.3)
    assert content["given_up"] == RESULT.given_up == 1
    assert content["classes"]["Flute"] == {
        "wanted": 10, "verified": 9, "waiting": 0, "dead": {"private": 5}, "queue_spent": True,
    }  # fmt: skip
    assert PROGRESS.shortfall == {"Flute": 1}


def test_advice_is_given_where_something_can_be_done() -> None:
    (line,) = advice(RESULT)
    assert line.startswith("1 was given up after 5 attempts") and line.endswith(
        "--retry passing tries it again"
    )
    assert advice(replace(RESULT, tallies=())) == []
    of_client = replace(RESULT, tallies=(), progress=replace(PROGRESS, of_client=True))
    (line,) = advice(of_client)
    assert "nightly" in line
    doubted = paused(Reason.IMPLAUSIBLE).pace
    gave_up = replace(of_client.progress, gave_up=True, pace=doubted)
    assert advice(replace(of_client, progress=gave_up)) == [], "and here too"
    failed = replace(of_client.progress, failed=FetchError(Reason.BOT_CHECK, "not a bot"))
    assert advice(replace(of_client, progress=failed)) == [], "the error itself says it"


def test_only_what_was_asked_to_stop_and_nothing_else_is_stopped() -> None:
    stopping = replace(PROGRESS, stopping=True)
    for end, stopped in (
        (PROGRESS, False),
        (stopping, True),
        (replace(stopping, gave_up=True), False),
        (replace(stopping, failed=FetchError(Reason.CAPTCHA, "")), False),
        (replace(stopping, classes=(replace(CLASSES[0], accepted=10),)), False),
    ):
        assert replace(RESULT, progress=end).stopped is stopped
