"""A list in place of a recipe: the ledger is of it, every row is wanted, and what is missing is said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audioset_tools.catalog.segment_list import read_segment_list
from audioset_tools.exceptions import DataMismatch, Shortfall, UsageError
from audioset_tools.fetch.listed import Wanted, enqueue_list, list_shortfall
from audioset_tools.fetch.prepare import prepare
from audioset_tools.fetch.run import estimate, fetch
from audioset_tools.fetch.status import read_status, status_tables
from audioset_tools.ledger import Ledger, State, StateCount
from audioset_tools.manifest.document import write_manifest
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists
from audioset_tools.types import Reason, silent
from audioset_tools.workspace import Workspace
from tests.factories import origin
from tests.manifest.test_document import MADE_FROM, MANIFEST

Serve = Callable[[Plan], Simulator]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return Plan(seed=5, table=write_lists(tmp_path_factory.mktemp("lists"), {"Piano": 4, "Drums": 3}, seed=3))


@pytest.fixture
def listed(plan: Plan, tmp_path: Path) -> Path:
    """A list of all videos of the plan, their classes in lower case, with a split for those of Drums."""
    rows = [
        f"{ytid},{row.start_ms / 1000},{row.class_name.lower()},{'test' if row.class_name == 'Drums' else ''}"
        for ytid, row in plan.table.items()
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["youtube_id,start_time,label,split", *rows, rows[0]]) + "\n")
    return path


def words(simulator: Simulator, listed: Path, **changes: Any) -> dict[str, Any]:
    where = {"proxy": simulator.proxy, "check_certificate": False, "pace": "unlimited", "retry_wait": 0.1}
    return {"segment_list": listed, **where, **changes}


def test_all_of_a_list_is_fetched_and_no_more(
    plan: Plan, serve: Serve, listed: Path, workspace: Workspace
) -> None:
    told: list[str] = []
    result = fetch(workspace, **words(serve(plan), listed), on_progress=lambda one: told.append(one.text))
    assert result.complete and result.of_list
    assert "list mine (columns of its own): 7 segments of 2 classes, 1 row twice" in told
    with Ledger(workspace.ledger, read_only=True) as ledger:
        clips = [clip for _, clip in ledger.clips()]
        status = read_status(ledger)
    assert {clip.key[:11]: clip.class_name for clip in clips} == {
        ytid: row.class_name.lower() for ytid, row in plan.table.items()
    }
    assert {(clip.class_name, clip.split, clip.labels) for clip in clips} == {
        ("piano", "", ("piano",)),
        ("drums", "test", ("drums",)),
    }
    assert {one.class_name: one.wanted for one in status.classes} == {"piano": 4, "drums": 3}
    assert status.seconds_left(0) == 0 and status_tables(status)


def test_what_a_list_lacks_is_said_and_nobody_takes_its_place(
    plan: Plan, serve: Serve, listed: Path, workspace: Workspace
) -> None:
    first, second, third, *_ = plan.table
    faults = {first: "removed", second: "private", third: "removed"}
    with pytest.raises(Shortfall) as lacking:
        fetch(workspace, **words(serve(replace(plan, faults=faults)), listed))
    assert lacking.value.what == "the list lacks 3 of 7: 2 removed, 1 private"
    found = estimate(workspace, Wanted(segment_list=listed))
    assert sum(one.wanted for one in found.classes) == 7 and sum(one.accepted for one in found.classes) == 4


def test_what_the_user_took_out_is_not_lacking(
    plan: Plan, serve: Serve, listed: Path, workspace: Workspace, tmp_path: Path
) -> None:
    ytid, row = next(iter(plan.table.items()))
    out = tmp_path / "out.csv"
    out.write_text(f"key,reason,note\n{ytid}_{row.start_ms},mislabelled,\n")
    result = fetch(workspace, **words(serve(plan), listed), exclude=out)
    assert result.complete and result.progress.total == 6


@pytest.mark.parametrize("given", [{"per_class": 5}, {"recipe": "clean"}, {"metadata": "lists"}])
def test_a_list_comes_alone(workspace: Workspace, listed: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        fetch(workspace, segment_list=listed, **given)
    assert not workspace.root.exists()


def test_a_workspace_is_of_one_list_or_of_a_recipe(listed: Path, tmp_path: Path) -> None:
    segments = read_segment_list(listed)
    lines = listed.read_text().splitlines()
    other = tmp_path / "other.csv"
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        enqueue_list(ledger, segments, None, silent)
        other.write_text("\n".join([lines[0], *sorted(lines[1:])]))
        enqueue_list(ledger, read_segment_list(other), None, silent)
        other.write_text("\n".join(lines[:4]))
        with pytest.raises(DataMismatch, match="made from another list"):
            enqueue_list(ledger, read_segment_list(other), None, silent)
    with Ledger(tmp_path / "recipe.sqlite") as ledger:
        ledger.load(origin("Piano"), [])
        with pytest.raises(DataMismatch, match="by the recipe paper"):
            enqueue_list(ledger, segments, None, silent)


def test_a_workspace_remembers_its_list_and_takes_no_recipe(
    plan: Plan, listed: Path, workspace: Workspace
) -> None:
    """Its candidates are there: neither the file nor the option is needed again."""
    estimate(workspace, Wanted(segment_list=listed))
    with workspace.lock(), Ledger(workspace.ledger) as ledger:
        prepare(ledger, workspace, Wanted(), None, silent)
        assert ledger.class_names
        with pytest.raises(DataMismatch, match=r"made from a list \(list mine\)"):
            prepare(ledger, workspace, Wanted(recipe="paper"), None, silent)
    assert Wanted().wants_all(None, workspace)
    with pytest.raises(UsageError, match="--list and --per-class exclude each other"):
        Wanted(per_class=5).wants_all(None, workspace)


def test_the_words_of_a_shortfall_count_the_reasons() -> None:
    tallies = [
        StateCount("a", State.DEAD, Reason.REMOVED, 2),
        StateCount("a", State.DEAD, Reason.EXCLUDED, 9),
        StateCount("b", State.DEAD, Reason.TIMEOUT, 1_000),
        StateCount("b", State.ACCEPTED, None, 3_000),
    ]
    error = list_shortfall(tallies, 1_000)
    assert error.what == "the list lacks 1,002 of 4,002: 1,000 timeout, 2 removed"
    assert "1,000 may live after all: add --retry passing." in error.remedy


def test_a_manifest_says_at_which_rate_its_clips_are(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    write_manifest(replace(MANIFEST, made_from=replace(MADE_FROM, sample_rate=32_000)), path)
    with pytest.raises(UsageError, match="have 32,000 Hz, not 16,000"):
        Wanted(segment_list=path, sample_rate=16_000).segments()
    segments = Wanted(segment_list=path).segments()
    assert segments is not None and segments.sample_rate == 32_000
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        enqueue_list(ledger, segments, None, silent)
        assert ledger.sample_rate == 32_000
        enqueue_list(ledger, segments, None, silent)
        with pytest.raises(DataMismatch, match="a workspace has one rate"):
            enqueue_list(ledger, replace(segments, sample_rate=16_000), None, silent)
