"""A forgotten video is gone from everywhere, for good, also when the forgetting was killed at any step.

What is excluded is set aside and leaves the data set, also when the process was killed at any step.
"""

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.featurize.run import FeaturizeConfig, FeaturizeResult
from audioset_tools.featurize.run import make_shards as make
from audioset_tools.featurize.task import Classes
from audioset_tools.ledger import Ledger, State, changes
from audioset_tools.ledger.changes import being_forgotten, contradictions, queue_again
from audioset_tools.ledger.queries import failures, standing
from audioset_tools.removal import run as removal_module
from audioset_tools.removal.exclusions import Exclusion
from audioset_tools.removal.run import Excluded, complete, erase, exclude, excluded_line, forget
from audioset_tools.report.run import ReportConfig, write_report
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.reader import MelShards
from audioset_tools.tasks.division import Division
from audioset_tools.types import Candidate, Failure, Reason
from audioset_tools.workspace import ANSWERS, Workspace
from tests.factories import CLASSES, origin, reseal, write_clip

CONFIG = FeaturizeConfig(division=Division(1), noise_copies=0, clips_per_shard=3)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def ledger(workspace: Workspace) -> Iterator[Ledger]:
    """Six clips of each class, four more candidates of each, shards, and a run that has predicted."""
    clips = {name: [write_clip(workspace, name, n) for n in range(6)] for name in CLASSES}
    spare = {name: [f"{name[0]}{n:09}A" for n in range(4)] for name in CLASSES}
    with Ledger(workspace.ledger) as ledger:
        queues = [
            Candidate(key[:11], int(key[12:]) if key[12:] else 0, 10_000, name, 0, rank, "eval")
            for name in CLASSES
            for rank, key in enumerate([clip.key for clip in clips[name]] + spare[name])
        ]
        ledger.load(origin(*CLASSES, splits=(4, 1, 1)), queues)
        for candidate in queues:
            if candidate.rank < 6:
                ledger.accept(candidate, clips[candidate.class_name][candidate.rank], at=1)
        make_shards(ledger, workspace)
        keys = [clip.key for name in CLASSES for clip in clips[name]]
        rows = ["key,actual,predicted", *(f"{key},Tone,Noise" for key in keys)]
        for judged in ("one", "two", "two/evaluate-train"):
            (workspace.runs / judged).mkdir(parents=True)
            (workspace.runs / judged / "predictions.csv").write_text("\n".join(rows) + "\n")
        for run in ("one", "two"):
            (workspace.runs / run / "model.safetensors").write_bytes(b"weights")
        yield ledger


def make_shards(ledger: Ledger, workspace: Workspace) -> FeaturizeResult:
    clips = [clip for _, clip in ledger.clips()]
    return make(workspace, clips, Classes("paper", CLASSES), CONFIG)


def traces(workspace: Workspace, ytid: str) -> list[Path]:
    """Every file but the ledger's that names a video, or is named by it."""
    return [
        path
        for path in sorted(workspace.root.rglob("*"))
        if path.is_file()
        and not path.name.startswith("ledger.sqlite")
        and (ytid in path.name or ytid.encode() in path.read_bytes())
    ]


def victims(ledger: Ledger) -> tuple[str, str]:
    return tuple(candidate.ytid for candidate, _ in ledger.clips() if candidate.rank == 3)  # type: ignore[return-value]


def splits(workspace: Workspace) -> dict[str, str]:
    return {placement.key: placement.split for placement in read_dataset(workspace.dataset)}


def test_a_forgotten_video_is_gone_from_everywhere(ledger: Ledger, workspace: Workspace) -> None:
    one, other = victims(ledger)
    aside = workspace.set_aside / "Tone" / f"Y{one}_3000.wav.1"
    aside.parent.mkdir(parents=True)
    aside.write_bytes(b"an older copy")
    (workspace.clips / "Tone" / f".Y{one}_3000.wav.77.part").write_bytes(b"half")
    (workspace.audit / "errors").mkdir(parents=True)
    (workspace.audit / "errors" / "index.html").write_text(f"is {one} mislabelled?")
    (workspace.audit / "audit.csv").write_text(f"key,rank\n{one}_3000,1\n{other}_3000,2\n-safesafesA_0,3\n")
    (workspace.audit / ANSWERS).write_text(f'{{"key": "{one}_3000"}}\n')
    before = splits(workspace)
    kept = {
        path: path.read_bytes() for path in workspace.clips.rglob("Y*") if path.name[1:12] not in (one, other)
    }
    assert len(traces(workspace, one)) >= 7

    erased = erase(ledger, workspace, [one, other], at=9)
    assert traces(workspace, one) == traces(workspace, other) == []
    assert len(erased.clips) == 4 and erased.shards and erased.anything
    tables = (
        "dataset.csv",
        "runs/one/predictions.csv",
        "runs/two/evaluate-train/predictions.csv",
        "runs/two/predictions.csv",
        "audit/audit.csv",
    )
    assert erased.rows == (*((table, 2) for table in tables), (f"audit/{ANSWERS}", 1))
    assert (workspace.audit / "audit.csv").read_text() == "key,rank\n-safesafesA_0,3\n"
    assert erased.weights == ("runs/one/model.safetensors", "runs/two/model.safetensors")
    assert {path: path.read_bytes() for path in workspace.clips.rglob("Y*")} == kept
    assert splits(workspace) == {key: split for key, split in before.items() if key[:11] not in (one, other)}
    with pytest.raises(Exception, match="unfinished"):
        MelShards(workspace.shards / CONFIG.folder, "train")
    assert contradictions(ledger, deep=True) == []


def test_featurize_makes_the_shards_anew_and_the_splits_of_the_others_stay(
    ledger: Ledger, workspace: Workspace
) -> None:
    before = splits(workspace)
    (one, _) = victims(ledger)
    gone = next(key for key in before if key.startswith(one))
    erase(ledger, workspace, [one], at=9)
    made = make_shards(ledger, workspace)
    assert splits(workspace) == {key: split for key, split in before.items() if key != gone}
    keys = [key.decode() for split in made.clips for key in MelShards(made.folder, split).key]
    assert sorted(keys) == sorted(splits(workspace))

    # The next candidate takes the place, and the split that the forgotten one left.
    write_clip(workspace, "Tone", 8)
    candidate = ledger.next_queued("Tone", -1)
    assert candidate is not None
    clip = write_clip(workspace, "Tone", 8)
    ledger.accept(candidate, type(clip)(candidate.key, "Tone", candidate.rank, *_rest(clip)), at=10)
    make_shards(ledger, workspace)
    after = splits(workspace)
    assert {key: after[key] for key in before if key != gone} == {
        k: v for k, v in before.items() if k != gone
    }
    assert after[candidate.key] == before[gone]


def _rest(clip: Any) -> tuple[Any, ...]:
    return clip.path, clip.sha256, clip.seconds, clip.peak, clip.source


@pytest.mark.parametrize("state", ["queued", "waiting", "dead", "accepted", "forgotten"])
def test_whatever_its_state_it_is_forgotten_and_twice_is_once(
    ledger: Ledger, workspace: Workspace, state: str
) -> None:
    one = ledger.clips()[0][0] if state == "accepted" else ledger.next_queued("Tone", -1)
    assert one is not None
    if state in ("waiting", "dead"):
        retry_at = 99.0 if state == "waiting" else None
        ledger.fail(one, Failure(one.key, Reason.TIMEOUT, "", 1, retry_at), at=2)
    if state == "forgotten":
        erase(ledger, workspace, [one.ytid], at=3)
    assert erase(ledger, workspace, [one.ytid, one.ytid], at=4).anything == (state == "accepted")
    assert not erase(ledger, workspace, [one.ytid], at=5).anything
    assert [(t.state, t.n) for t in ledger.tallies() if t.reason is Reason.FORGOTTEN] == [(State.DEAD, 1)]
    assert not ledger.waiting("Tone") and one not in [candidate for candidate, _ in ledger.clips()]
    assert contradictions(ledger, deep=False) == []


@pytest.mark.parametrize("odd", ["../../../etc", "abcdefghij/", "", "abcdefghijA", "abcdefghij\n"])
def test_an_id_that_is_none_changes_nothing(ledger: Ledger, workspace: Workspace, odd: str) -> None:
    (one, _) = victims(ledger)
    with pytest.raises(UsageError):
        erase(ledger, workspace, [one, odd], at=9)
    assert being_forgotten(ledger) == frozenset() and traces(workspace, one)


def test_a_shard_that_cannot_be_read_goes_too(ledger: Ledger, workspace: Workspace) -> None:
    damaged = next((workspace.shards / CONFIG.folder).glob("test*.h5"))
    damaged.write_bytes(b"no shard")
    erase(ledger, workspace, [victims(ledger)[0]], at=9)
    assert not damaged.exists()
    make_shards(ledger, workspace)


def test_a_table_edited_by_hand_loses_the_row_and_nothing_else(ledger: Ledger, workspace: Workspace) -> None:
    (one, _) = victims(ledger)
    table = workspace.runs / "one" / "predictions.csv"
    lines = table.read_text().splitlines()
    quoted = "\r\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in lines)
    table.write_bytes((quoted + "\r\nnot,a row at all\r\n").encode())
    erase(ledger, workspace, [one], at=9)
    left = list(csv.reader(io.StringIO(table.read_text())))
    assert [row[0] for row in left] == [line.split(",")[0] for line in lines if one not in line] + ["not"]


def test_it_takes_the_lock_and_makes_nothing_where_there_is_nothing(
    ledger: Ledger, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (one, other) = victims(ledger)
    with workspace.lock(), pytest.raises(EnvironmentProblem, match="another"):
        forget(workspace, [one])
    assert traces(workspace, one)
    assert forget(workspace, [one, other]).anything
    assert traces(workspace, one) == traces(workspace, other) == []
    nowhere = tmp_path_factory.mktemp("nowhere")
    with pytest.raises(UsageError, match="there is no workspace"):
        forget(Workspace(nowhere / "w"), [one])
    with pytest.raises(DataMismatch, match="is no workspace"):
        forget(Workspace(nowhere), [one])
    assert list(nowhere.iterdir()) == []


class Killed(BaseException):
    """A kill at one instant."""


def test_killed_at_any_step_the_rest_is_done_the_next_time(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each deletion, each write and each note: first the ledger is told, and a rerun completes it."""
    ledger, workspace = request.getfixturevalue("ledger"), request.getfixturevalue("workspace")
    everyone = [candidate.ytid for candidate, _ in ledger.clips() if candidate.rank in (0, 1, 2)]
    steps = 0

    def dying(step: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            left[0] -= 1
            steps += 1
            if not left[0]:
                raise Killed
            return step(*arguments, **options)

        return wrapper

    survived, number = False, 0
    while not survived:
        number += 1
        ytid = everyone[number % len(everyone)]
        left = [number]
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", dying(Path.unlink, left))
            for name in ("sync_folder", "write_beside"):
                patch.setattr(removal_module, name, dying(getattr(removal_module, name), left))
            patch.setattr(changes, "erased", dying(changes.erased, left))
            with suppress(Killed):
                erase(ledger, workspace, [ytid], at=9)
                survived = True
        assert ytid not in [candidate.ytid for candidate, _ in ledger.clips()]
        assert survived or being_forgotten(ledger) == {ytid}
        complete(ledger, workspace)
        assert traces(workspace, ytid) == [] and being_forgotten(ledger) == frozenset()
        restore(ledger, workspace, ytid)
    assert number > 8 and steps > 40


def restore(ledger: Ledger, workspace: Workspace, ytid: str) -> None:
    """Make things as if the video had been fetched again, for the next kill."""
    name = next(name for name in CLASSES if ytid[1] == name[0])
    clip = write_clip(workspace, name, int(ytid[2:10]))
    with ledger.transaction() as execute:
        execute("UPDATE candidate SET state = 'queued', reason = '' WHERE ytid = ?", (ytid,))
    reseal(ledger)
    candidate = next(c for c in iter_queue(ledger, name) if c.ytid == ytid)
    ledger.accept(candidate, clip, at=1)
    make_shards(ledger, workspace)
    for table in workspace.runs.glob("*/predictions.csv"):
        table.write_text(table.read_text() + f"{clip.key},Tone,Noise\n")


def iter_queue(ledger: Ledger, name: str) -> Iterator[Candidate]:
    rank = -1
    while candidate := ledger.next_queued(name, rank):
        yield candidate
        rank = candidate.rank


def test_what_is_deleted_is_on_record_first(
    ledger: Ledger,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The record must be on the disk itself, not in a cache, before the first file goes."""
    (one, _) = victims(ledger)
    away = tmp_path_factory.mktemp("away")

    def check(self: Path, missing_ok: bool = False) -> None:
        with Ledger(workspace.ledger, read_only=True) as reader:
            assert being_forgotten(reader) == {one}
        self.rename(away / f"{len(list(away.iterdir()))}")

    monkeypatch.setattr(Path, "unlink", check)
    seen = []
    ledger._db.set_trace_callback(seen.append)
    erase(ledger, workspace, [one], at=9)
    assert seen.index("PRAGMA synchronous = FULL") < seen.index("BEGIN IMMEDIATE")


def test_sounds_pictures_and_pages_of_a_report_go_too(ledger: Ledger, workspace: Workspace) -> None:
    write_report(workspace, workspace.report, ReportConfig(per_class=6))
    one, other = (candidate for candidate, _ in ledger.clips()[:2])
    assert {path.suffix for path in traces(workspace, one.ytid)} >= {".flac", ".jpg", ".html"}
    erased = erase(ledger, workspace, [one.ytid], at=9)
    assert traces(workspace, one.ytid) == [] and any(path.endswith(".flac") for path in erased.pages)
    assert [path for path in traces(workspace, other.ytid) if path.suffix == ".flac"]
    write_report(workspace, workspace.report, ReportConfig(per_class=6))
    assert [path.suffix for path in traces(workspace, one.ytid)] == []


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


def test_a_clip_is_set_aside_and_leaves_the_data_set(ledger: Ledger, workspace: Workspace) -> None:
    wanted = listed(ledger)
    before, frozen = tree(workspace.root), splits(workspace)
    done = exclude(ledger, workspace, [*wanted, UNHEARD], at=9)
    after = tree(workspace.root)

    gone = [f"Tone/Y{wanted[0].key}.wav", f"Noise/Y{wanted[1].key}.wav"]
    assert done.set_aside == tuple(f"set-aside/{name}" for name in gone)
    assert [after[f"set-aside/{name}"] for name in gone] == [before[f"clips/{name}"] for name in gone]
    keys = {one.key for one in wanted}
    assert splits(workspace) == {key: split for key, split in frozen.items() if key not in keys}
    untouched = ("clips/", "runs/")
    assert {n: b for n, b in after.items() if n.startswith(untouched)} == {
        name: raw
        for name, raw in before.items()
        if name.startswith(untouched) and name.removeprefix("clips/") not in gone
    }
    with pytest.raises(DataMismatch, match="unfinished"):
        MelShards(workspace.shards / CONFIG.folder, "train")
    assert {one.detail for one in failures(ledger)} == {"mislabelled: a xylophone"}
    found = standing(ledger, wanted[0].key)
    assert found and (found.state, found.reason, found.clip) == (State.DEAD, Reason.EXCLUDED, None)
    assert contradictions(ledger, deep=True) == []
    assert excluded_line(done) == (
        "2 candidates are newly excluded; 2 clips lie in set-aside/ now;"
        f" {len(done.shards)} shards are gone, for featurize to make again; 1 key is in no queue"
    )
    assert exclude(ledger, workspace, wanted, at=10) == Excluded(0, (), (), ())
    assert tree(workspace.root) == after


def test_featurize_goes_on_without_it_and_nobody_changes_the_split(
    ledger: Ledger, workspace: Workspace
) -> None:
    frozen, wanted = splits(workspace), listed(ledger)[:1]
    exclude(ledger, workspace, wanted, at=9)
    made = make_shards(ledger, workspace)
    assert splits(workspace) == {key: split for key, split in frozen.items() if key != wanted[0].key}
    keys = [key.decode() for split in made.clips for key in MelShards(made.folder, split).key]
    assert sorted(keys) == sorted(splits(workspace))


@pytest.mark.parametrize("state", ["queued", "waiting", "dead", "accepted", "excluded", "forgotten"])
def test_whatever_its_state_it_is_out_until_it_is_taken_back(
    ledger: Ledger, workspace: Workspace, state: str
) -> None:
    one = ledger.clips()[0][0] if state == "accepted" else ledger.next_queued("Tone", -1)
    assert one is not None
    if state in ("waiting", "dead"):
        ledger.fail(one, Failure(one.key, Reason.TIMEOUT, "", 1, 99.0 if state == "waiting" else None), at=2)
    elif state == "excluded":
        exclude(ledger, workspace, [Exclusion(one.key, "unlabelled", "")], at=3)
    elif state == "forgotten":
        erase(ledger, workspace, [one.ytid], at=3)
    done = exclude(ledger, workspace, [Exclusion(one.key, "mislabelled", "=1+1")], at=4)
    assert (done.candidates, done.unknown) == (int(state != "forgotten"), ())
    (found,) = failures(ledger)
    told = (Reason.FORGOTTEN, "") if state == "forgotten" else (Reason.EXCLUDED, "mislabelled: =1+1")
    assert (found.candidate, found.reason, found.detail) == (one, *told)
    assert not ledger.waiting("Tone") and one not in [candidate for candidate, _ in ledger.clips()]
    assert queue_again(ledger, {Reason.EXCLUDED}, at=5) == int(state != "forgotten")
    assert (ledger.next_queued("Tone", -1) == one) == (state != "forgotten")
    assert contradictions(ledger, deep=True) == []


def test_a_file_set_aside_before_is_kept(ledger: Ledger, workspace: Workspace) -> None:
    (one, _) = listed(ledger)
    older = workspace.set_aside / "Tone" / f"Y{one.key}.wav"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"somebody's work")
    assert exclude(ledger, workspace, [one], at=9).set_aside == (f"set-aside/Tone/Y{one.key}.wav.1",)
    assert older.read_bytes() == b"somebody's work"


CHILD = """
import itertools, os, shutil, signal, sys
from pathlib import Path
from audioset_tools.removal.exclusions import Exclusion
from audioset_tools.removal.run import exclude
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
        exclude(ledger, place, [Exclusion(key, "mislabelled", "") for key in sys.argv[2:]], at=9)

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
    ledger: Ledger, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = listed(ledger)
    root = tmp_path_factory.mktemp("killed") / "whole"
    shutil.copytree(workspace.root, root)
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
            complete(told, rest)
            completed = tree(path)
            complete(told, rest)
            assert tree(path) == completed
            assert len(told.clips()) == 10 and contradictions(told, deep=True) == []
        (path / "lock").unlink()
        assert {n: raw for n, raw in tree(path).items() if not n.endswith(".part")} == expected
