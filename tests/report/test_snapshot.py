"""A workspace at one moment: what is there, what is damaged, and that looking changes nothing."""

from pathlib import Path

import pytest

from audioset_tools.ledger import State
from audioset_tools.report.snapshot import kind_of_source, read_snapshot
from audioset_tools.workspace import Workspace
from tests.report.pages import content
from tests.report.workspaces import RUN, ledger_only


def test_nothing_is_nothing_and_stays_so(tmp_path: Path) -> None:
    snapshot = read_snapshot(Workspace(tmp_path / "none"))
    assert (snapshot.fetched, snapshot.placements, snapshot.runs, snapshot.troubles) == (None, (), (), ())
    assert not (tmp_path / "none").exists()


def test_what_a_finished_workspace_holds(workspace: Workspace) -> None:
    # What SQLite lays beside a ledger that is read while nobody writes is of no test's making.
    read_snapshot(workspace)
    before = content(workspace.root)
    snapshot = read_snapshot(workspace)
    assert snapshot.fetched is not None and len(snapshot.fetched.clips) == len(snapshot.placements) == 10
    assert [run.name for run in snapshot.runs] == ["knn", RUN] and snapshot.troubles == ()
    assert content(workspace.root) == before


def test_candidates_are_counted_by_tier_and_state(tmp_path: Path) -> None:
    fetched = read_snapshot(ledger_only(tmp_path, funnel="no JSON")).fetched
    assert fetched is not None and fetched.funnel is None
    assert fetched.tiers == {("Tone", 3, State.DEAD): 3, ("Noise", 3, State.WAITING): 1}


def test_what_is_damaged_is_a_trouble_without_the_path_of_the_workspace(
    copy: Workspace, tmp_path: Path
) -> None:
    copy.ledger.write_bytes(b"no ledger" * 999)
    copy.dataset.write_text("key\n")
    snapshot = read_snapshot(copy)
    assert snapshot.fetched is None and snapshot.placements == () and len(snapshot.troubles) == 2
    assert "ledger.sqlite" in snapshot.troubles[0] and "dataset.csv, line 1" in snapshot.troubles[1]
    assert str(tmp_path) not in "".join(snapshot.troubles)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("youtube webm/opus 251", "youtube webm/opus 251"),
        ("local a b/c.FLAC", "local .flac"),
        ("local nothing", "local"),
    ],
)
def test_a_source_without_what_is_its_own(source: str, kind: str) -> None:
    assert kind_of_source(source) == kind
