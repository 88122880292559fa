"""What is excluded is set aside and leaves the data set, also when the process was killed at any step."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.errors import DataMismatch
from audioset_tools.exclude import Excluded, exclude, excluded_line, finish_excluding
from audioset_tools.exclusions import Exclusion
from audioset_tools.featurize.reader import MelShards
from audioset_tools.forget import forget
from audioset_tools.history import failures, standing
from audioset_tools.ledger import Ledger, State
from audioset_tools.types import Failure, Reason
from audioset_tools.upkeep import contradictions, queue_again
from audioset_tools.workspace import Workspace

from .test_forget import CONFIG, ledger, make_shards, place, splits

__all__ = ["ledger", "place"]

UNHEARD = Exclusion("neverheardA_0", "mislabelled", "")


def listed(ledger: Ledger) -> list[Exclusion]:
    """A clip of each class."""
    victims = [candidate for candidate, _ in ledger.clips() if candidate.rank == 3]
    return [Exclusion(candidate.key, "mislabelled", "a xylophone") for candidate in victims]


def tree(root: Path) -> dict[str, bytes]:
    """Everything in a workspace but the ledger."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }


def test_a_clip_is_set_aside_and_leaves_the_data_set(ledger: Ledger, place: Workspace) -> None:
    wanted = listed(ledger)
    before, frozen = tree(place.root), splits(place)
    done = exclude(ledger, place, [*wanted, UNHEARD], at=9)
    after = tree(place.root)

    gone = [f"Tone/Y{wanted[0].key}.wav", f"Noise/Y{wanted[1].key}.wav"]
    assert done.set_aside == tuple(f"set-aside/{name}" for name in gone)
    assert [after[f"set-aside/{name}"] for name in gone] == [before[f"clips/{name}"] for name in gone]
    keys = {one.key for one in wanted}
    assert splits(place) == {key: split for key, split in frozen.items() if key not in keys}
    untouched = ("clips/", "runs/")
    assert {n: b for n, b in after.items() if n.startswith(untouched)} == {
        name: raw
        for name, raw in before.items()
        if name.startswith(untouched) and name.removeprefix("clips/") not in gone
    }
    with pytest.raises(DataMismatch, match="unfinished"):
        MelShards(place.shards / CONFIG.folder, "train")
    assert {one.detail for one in failures(ledger)} == {"mislabelled: a xylophone"}
    found = standing(ledger, wanted[0].key)
    assert found and (found.state, found.reason, found.clip) == (State.DEAD, Reason.EXCLUDED, None)
    assert contradictions(ledger, deep=True) == []
    assert excluded_line(done) == (
        "2 candidates are newly excluded; 2 clips lie in set-aside/ now;"
        f" {len(done.shards)} shards are gone, for featurize to make anew; 1 key is in no queue"
    )
    assert exclude(ledger, place, wanted, at=10) == Excluded(0, (), (), ())
    assert tree(place.root) == after


def test_featurize_goes_on_without_it_and_nobody_changes_the_split(ledger: Ledger, place: Workspace) -> None:
    frozen, wanted = splits(place), listed(ledger)[:1]
    exclude(ledger, place, wanted, at=9)
    made = make_shards(ledger, place)
    assert splits(place) == {key: split for key, split in frozen.items() if key != wanted[0].key}
    keys = [key.decode() for split in made.clips for key in MelShards(made.folder, split).key]
    assert sorted(keys) == sorted(splits(place))


@pytest.mark.parametrize("state", ["queued", "waiting", "dead", "accepted", "excluded", "forgotten"])
def test_whatever_its_state_it_is_out_until_it_is_taken_back(
    ledger: Ledger, place: Workspace, state: str
) -> None:
    one = ledger.clips()[0][0] if state == "accepted" else ledger.next_queued("Tone", -1)
    assert one is not None
    if state in ("waiting", "dead"):
        ledger.fail(one, Failure(one.key, Reason.TIMEOUT, "", 1, 99.0 if state == "waiting" else None), at=2)
    elif state == "excluded":
        exclude(ledger, place, [Exclusion(one.key, "unlabelled", "")], at=3)
    elif state == "forgotten":
        forget(ledger, place, [one.ytid], at=3)
    done = exclude(ledger, place, [Exclusion(one.key, "mislabelled", "=1+1")], at=4)
    assert (done.candidates, done.unknown) == (int(state != "forgotten"), ())
    (found,) = failures(ledger)
    told = (Reason.FORGOTTEN, "") if state == "forgotten" else (Reason.EXCLUDED, "mislabelled: =1+1")
    assert (found.candidate, found.reason, found.detail) == (one, *told)
    assert not ledger.waiting("Tone") and one not in [candidate for candidate, _ in ledger.clips()]
    assert queue_again(ledger, {Reason.EXCLUDED}, at=5) == int(state != "forgotten")
    assert (ledger.next_queued("Tone", -1) == one) == (state != "forgotten")
    assert contradictions(ledger, deep=True) == []


def test_a_file_set_aside_before_is_kept(ledger: Ledger, place: Workspace) -> None:
    (one, _) = listed(ledger)
    older = place.set_aside / "Tone" / f"Y{one.key}.wav"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"somebody's work")
    assert exclude(ledger, place, [one], at=9).set_aside == (f"set-aside/Tone/Y{one.key}.wav.1",)
    assert older.read_bytes() == b"somebody's work"


CHILD = """
import itertools, os, shutil, signal, sys
from pathlib import Path
from audioset_tools import exclude
from audioset_tools.exclusions import Exclusion
from audioset_tools.featurize import shard
from audioset_tools.ledger import Ledger
from audioset_tools.workspace import Workspace

def deadly(whole, calls, nth):
    def step(*words, **options):
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*words, **options)
    return step

def die_at(nth, root):
    calls = itertools.count(1)
    for where, name in ((Path, "rename"), (Path, "replace"), (Path, "unlink"), (os, "fsync")):
        setattr(where, name, deadly(getattr(where, name), calls, nth))
    place = Workspace(root)
    with Ledger(place.ledger) as ledger:
        exclude.exclude(ledger, place, [Exclusion(key, "mislabelled", "") for key in sys.argv[2:]], at=9)

root = Path(sys.argv[1])
for nth in itertools.count(1):
    copy = root.with_name(f"killed-{nth}")
    shutil.copytree(root, copy)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        if status != signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))
    else:
        die_at(nth, copy)
        os._exit(0)
"""
"""Kills a process before its first step that changes the disk, another one before its second, and so on."""


def test_killed_at_any_step_the_next_command_completes_it(
    ledger: Ledger, place: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = listed(ledger)
    root = tmp_path_factory.mktemp("killed") / "whole"
    shutil.copytree(place.root, root)
    words = [sys.executable, "-c", CHILD, str(root), *(one.key for one in wanted)]
    subprocess.run(words, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    *killed, survived = sorted(root.parent.glob("killed-*"), key=lambda path: int(path.name[7:]))
    states = {frozenset(tree(path)) for path in killed}
    assert len(killed) >= 8 and len(states) >= 6
    expected = tree(survived)
    assert expected.keys() != tree(root).keys()
    for path in killed:
        rest = Workspace(path)
        with rest.lock(), Ledger(rest.ledger) as told:
            assert sum(t.n for t in told.tallies() if t.reason is Reason.EXCLUDED) == 2
            finish_excluding(told, rest)
            assert finish_excluding(told, rest) == ((), ())
            assert len(told.clips()) == 10 and contradictions(told, deep=True) == []
        (path / "lock").unlink()
        assert {n: raw for n, raw in tree(path).items() if not n.endswith(".part")} == expected
