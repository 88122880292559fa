"""An estimate looks at what there is, sends nothing and leaves nothing behind."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.fetch.estimate.run import KEPT_BYTES, estimate
from audioset_tools.fetch.listed import Wanted
from audioset_tools.fetch.prepare import enqueue
from audioset_tools.ledger import Ledger
from audioset_tools.simulator.lists import write_lists
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.types import Candidate, Failure, Reason
from audioset_tools.workspace import Workspace

CLASSES = ("Piano", "Drums", "Flute", "Other")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    write_lists(folder, dict.fromkeys(CLASSES, 20), seed=3)
    return folder


@pytest.fixture
def filled(workspace: Workspace, lists: Path) -> Workspace:
    """A workspace as a fetch leaves it that was stopped at once."""
    workspace.prepare()
    with Ledger(workspace.ledger) as ledger:
        enqueue(ledger, read_recipe("paper"), Wanted(metadata=lists), workspace.metadata)
    return workspace


def contents(root: Path) -> dict[str, str]:
    """All that lies in a folder, and when it was changed."""
    return {
        str(path.relative_to(root)): f"{path.stat().st_mtime_ns} "
        + ("" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest())
        for path in (root, *sorted(root.rglob("*")))
    }


def fail_all(workspace: Workspace, class_name: str, reason: Reason, but: int = 0) -> None:
    with Ledger(workspace.ledger) as ledger:
        rank, died = -1, list[Candidate]()
        while one := ledger.next_queued(class_name, rank):
            rank = one.rank
            died.append(one)
        for one in died[but:]:
            ledger.fail(one, Failure(one.key, reason, "", 1, None), 0.0)


def test_nothing_is_left_of_a_look_at_what_is_not_there(workspace: Workspace, lists: Path) -> None:
    found = estimate(workspace, Wanted(per_class=100, metadata=lists), pace="600/h", keep_source=True)
    assert (found.rate, found.survival, found.measured, found.kept_bytes) == (600, 0.8, False, KEPT_BYTES)
    assert [part.name for part in found.parts] == [*CLASSES]
    assert all(0 < part.queued < part.lacking == 100 for part in found.parts)
    assert all(found.requests(part) == part.queued for part in found.parts)
    assert not workspace.root.exists()


def test_a_workspace_is_as_it_was_also_where_it_may_not_be_written_to(filled: Workspace, lists: Path) -> None:
    before, told = contents(filled.root), list[str]()
    filled.root.chmod(0o555)
    try:
        own = estimate(filled, Wanted(per_class=3))
        other = estimate(
            filled,
            Wanted(per_class=3, recipe="clean", metadata=lists),
            on_progress=lambda progress: told.append(str(progress.text)),
        )
    finally:
        filled.root.chmod(0o755)
    assert [part.wanted for part in own.parts] == [part.wanted for part in other.parts] == [3] * 4
    assert "another recipe than clean" in told[0] and "a workspace of its own would take" in told[0]
    after = contents(filled.root)
    assert {**after, ".": ""} == {**before, ".": ""}
    with Ledger(filled.ledger, read_only=True) as ledger:
        origin = ledger.origin()
    assert origin is not None and origin.recipe == "paper"


def test_it_counts_what_is_left_with_the_survival_and_the_pace_found_here(filled: Workspace) -> None:
    fail_all(filled, "Flute", Reason.REMOVED)
    fail_all(filled, "Piano", Reason.TIMEOUT, but=3)
    pace = Pace(parse_pace("guest"), None)
    pace._state = replace(pace.state, rate=450.0)
    with Ledger(filled.ledger) as ledger:
        ledger.put("pace", pace.to_json())
    found = estimate(filled, Wanted(per_class=10))
    left = {part.name: part.queued for part in found.parts}
    assert (left["Flute"], left["Piano"]) == (0, 3) and not found.measured and found.rate == 450
    again = estimate(filled, Wanted(per_class=10), retry=["passing"])
    assert {part.name: part.queued for part in again.parts}["Piano"] > 10
    fail_all(filled, "Drums", Reason.REMOVED)
    fail_all(filled, "Other", Reason.REMOVED)
    spent = estimate(filled, Wanted(per_class=10))
    assert spent.measured and spent.survival == 0
    assert [spent.to_come(part) for part in spent.parts] == [0, 0, 0, 0]


def test_of_files_only_those_count_that_are_there(workspace: Workspace, lists: Path, tmp_path: Path) -> None:
    everything = estimate(workspace, Wanted(per_class=9, metadata=lists))
    copy = tmp_path / "copy"
    copy.mkdir()
    rows = (lists / "unbalanced_train_segments.csv").read_text().splitlines()[3:]
    for row in rows[:5]:
        (copy / f"Y{row[:11]}.wav").touch()
    here = estimate(workspace, Wanted(per_class=9, metadata=lists), source=f"local:{copy}")
    assert here.rate is None and here.survival == 1 and here.at_hand and not everything.at_hand
    assert 0 < sum(part.queued for part in here.parts) <= 5 < sum(part.queued for part in everything.parts)
    assert not workspace.root.exists()


def test_kept_sources_are_measured_where_there_are_some(filled: Workspace, lists: Path) -> None:
    kept = filled.kept_source("Piano", "abcdefghijA_0").with_suffix(".webm")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(1_000))
    assert estimate(filled, Wanted(), keep_source=True).kept_bytes == 1_000
    assert estimate(filled, Wanted()).kept_bytes == 0


def test_what_a_fetch_would_refuse_it_refuses(workspace: Workspace, lists: Path, tmp_path: Path) -> None:
    for wanted, words in (
        ({"recipe": "nosuch"}, {}),
        ({"metadata": tmp_path / "nowhere"}, {}),
        ({"segment_list": tmp_path / "none.csv"}, {}),
        ({"metadata": lists}, {"source": "tape"}),
        ({"metadata": lists}, {"retry": ["nonsense"]}),
    ):
        with pytest.raises(UsageError):
            estimate(workspace, Wanted(**wanted), **words)  # type: ignore[arg-type]
    workspace.clips.mkdir(parents=True)
    (workspace.clips / "Yabcdefghijk_0.wav").touch()
    with pytest.raises(DataMismatch, match="holds clips, and its ledger is gone"):
        estimate(workspace, Wanted(metadata=lists))
    assert [path.name for path in workspace.root.iterdir()] == ["clips"]
