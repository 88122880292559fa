"""A forgotten video is gone from everywhere, for good, also when the forgetting was killed at any step."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from audioset_tools import forget as forget_module
from audioset_tools import takeout
from audioset_tools.errors import UsageError
from audioset_tools.featurize.dataset import read_dataset
from audioset_tools.featurize.reader import MelShards
from audioset_tools.featurize.run import FeaturizeConfig, FeaturizeResult, featurize
from audioset_tools.forget import finish_forgetting, forget
from audioset_tools.ledger import Ledger, Origin, State
from audioset_tools.report.build import ReportConfig, write_report
from audioset_tools.types import Candidate, Failure, Reason
from audioset_tools.upkeep import being_forgotten, contradictions
from audioset_tools.workspace import Workspace

from .featurize.conftest import CLASSES, write_clip

CONFIG = FeaturizeConfig(jobs=1, noise_copies=0, clips_per_shard=3)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def ledger(place: Workspace) -> Iterator[Ledger]:
    """Six clips of each class, four more candidates of each, shards, and a run that has predicted."""
    clips = {name: [write_clip(place, name, n) for n in range(6)] for name in CLASSES}
    spare = {name: [f"{name[0]}{n:09}A" for n in range(4)] for name in CLASSES}
    with Ledger(place.ledger) as ledger:
        queues = [
            Candidate(key[:11], int(key[12:]) if key[12:] else 0, 10_000, name, 0, rank, "eval")
            for name in CLASSES
            for rank, key in enumerate([clip.key for clip in clips[name]] + spare[name])
        ]
        ledger.load(Origin("paper", "", "", CLASSES, 0, (4, 1, 1)), queues)
        for candidate in queues:
            if candidate.rank < 6:
                ledger.accept(candidate, clips[candidate.class_name][candidate.rank], at=1)
        make_shards(ledger, place)
        keys = [clip.key for name in CLASSES for clip in clips[name]]
        rows = ["key,actual,predicted", *(f"{key},Tone,Noise" for key in keys)]
        for judged in ("one", "two", "two/evaluate-train"):
            (place.runs / judged).mkdir(parents=True)
            (place.runs / judged / "predictions.csv").write_text("\n".join(rows) + "\n")
        for run in ("one", "two"):
            (place.runs / run / "model.safetensors").write_bytes(b"weights")
        yield ledger


def make_shards(ledger: Ledger, place: Workspace) -> FeaturizeResult:
    clips = [clip for _, clip in ledger.clips()]
    return featurize(clips, CLASSES, "paper", place, CONFIG, lambda done, total: None)


def traces(place: Workspace, ytid: str) -> list[Path]:
    """Every file but the ledger's that names a video, or is named by it."""
    return [
        path
        for path in sorted(place.root.rglob("*"))
        if path.is_file()
        and not path.name.startswith("ledger.sqlite")
        and (ytid in path.name or ytid.encode() in path.read_bytes())
    ]


def victims(ledger: Ledger) -> tuple[str, str]:
    return tuple(candidate.ytid for candidate, _ in ledger.clips() if candidate.rank == 3)  # type: ignore[return-value]


def splits(place: Workspace) -> dict[str, str]:
    return {placement.key: placement.split for placement in read_dataset(place.dataset)}


def test_a_forgotten_video_is_gone_from_everywhere(ledger: Ledger, place: Workspace) -> None:
    one, other = victims(ledger)
    aside = place.set_aside / "Tone" / f"Y{one}_3000.wav.1"
    aside.parent.mkdir(parents=True)
    aside.write_bytes(b"an older copy")
    (place.clips / "Tone" / f".Y{one}_3000.wav.77.part").write_bytes(b"half")
    before = splits(place)
    kept = {
        path: path.read_bytes() for path in place.clips.rglob("Y*") if path.name[1:12] not in (one, other)
    }
    assert len(traces(place, one)) >= 7

    erased = forget(ledger, place, [one, other], at=9)
    assert traces(place, one) == traces(place, other) == []
    assert len(erased.clips) == 4 and erased.shards and erased.anything
    tables = (
        "dataset.csv",
        "runs/one/predictions.csv",
        "runs/two/evaluate-train/predictions.csv",
        "runs/two/predictions.csv",
    )
    assert erased.rows == tuple((table, 2) for table in tables)
    assert erased.weights == ("runs/one/model.safetensors", "runs/two/model.safetensors")
    assert {path: path.read_bytes() for path in place.clips.rglob("Y*")} == kept
    assert splits(place) == {key: split for key, split in before.items() if key[:11] not in (one, other)}
    with pytest.raises(Exception, match="unfinished"):
        MelShards(place.shards / CONFIG.folder, "train")
    assert contradictions(ledger, deep=True) == []


def test_featurize_makes_the_shards_anew_and_the_splits_of_the_others_stay(
    ledger: Ledger, place: Workspace
) -> None:
    before = splits(place)
    (one, _) = victims(ledger)
    gone = next(key for key in before if key.startswith(one))
    forget(ledger, place, [one], at=9)
    made = make_shards(ledger, place)
    assert splits(place) == {key: split for key, split in before.items() if key != gone}
    keys = [key.decode() for split in made.clips for key in MelShards(made.folder, split).key]
    assert sorted(keys) == sorted(splits(place))

    # The next candidate takes the place, and the split that the forgotten one left.
    write_clip(place, "Tone", 8)
    candidate = ledger.next_queued("Tone", -1)
    assert candidate is not None
    clip = write_clip(place, "Tone", 8)
    ledger.accept(candidate, type(clip)(candidate.key, "Tone", candidate.rank, *_rest(clip)), at=10)
    make_shards(ledger, place)
    after = splits(place)
    assert {key: after[key] for key in before if key != gone} == {
        k: v for k, v in before.items() if k != gone
    }
    assert after[candidate.key] == before[gone]


def _rest(clip: Any) -> tuple[Any, ...]:
    return clip.path, clip.sha256, clip.seconds, clip.peak, clip.source


@pytest.mark.parametrize("state", ["queued", "waiting", "dead", "accepted", "forgotten"])
def test_whatever_its_state_it_is_forgotten_and_twice_is_once(
    ledger: Ledger, place: Workspace, state: str
) -> None:
    one = ledger.clips()[0][0] if state == "accepted" else ledger.next_queued("Tone", -1)
    assert one is not None
    if state in ("waiting", "dead"):
        retry_at = 99.0 if state == "waiting" else None
        ledger.fail(one, Failure(one.key, Reason.TIMEOUT, "", 1, retry_at), at=2)
    if state == "forgotten":
        forget(ledger, place, [one.ytid], at=3)
    assert forget(ledger, place, [one.ytid, one.ytid], at=4).anything == (state == "accepted")
    assert not forget(ledger, place, [one.ytid], at=5).anything
    assert [(t.state, t.n) for t in ledger.tallies() if t.reason is Reason.FORGOTTEN] == [(State.DEAD, 1)]
    assert not ledger.waiting("Tone") and one not in [candidate for candidate, _ in ledger.clips()]
    assert contradictions(ledger, deep=False) == []


@pytest.mark.parametrize("odd", ["../../../etc", "abcdefghij/", "", "abcdefghijA", "abcdefghij\n"])
def test_an_id_that_is_none_changes_nothing(ledger: Ledger, place: Workspace, odd: str) -> None:
    (one, _) = victims(ledger)
    with pytest.raises(UsageError):
        forget(ledger, place, [one, odd], at=9)
    assert being_forgotten(ledger) == frozenset() and traces(place, one)


def test_a_shard_that_cannot_be_read_goes_too(ledger: Ledger, place: Workspace) -> None:
    damaged = next((place.shards / CONFIG.folder).glob("test*.h5"))
    damaged.write_bytes(b"no shard")
    forget(ledger, place, [victims(ledger)[0]], at=9)
    assert not damaged.exists()
    make_shards(ledger, place)


def test_a_table_edited_by_hand_loses_the_row_and_nothing_else(ledger: Ledger, place: Workspace) -> None:
    (one, _) = victims(ledger)
    table = place.runs / "one" / "predictions.csv"
    lines = table.read_text().splitlines()
    quoted = "\r\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in lines)
    table.write_bytes((quoted + "\r\nnot,a row at all\r\n").encode())
    forget(ledger, place, [one], at=9)
    left = list(csv.reader(io.StringIO(table.read_text())))
    assert [row[0] for row in left] == [line.split(",")[0] for line in lines if one not in line] + ["not"]


class Killed(BaseException):
    """A kill at one instant."""


def test_killed_at_any_step_the_rest_is_done_the_next_time(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each deletion, each write and each note: first the ledger is told, and a rerun completes it."""
    ledger, place = request.getfixturevalue("ledger"), request.getfixturevalue("place")
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
            for module in (forget_module, takeout):
                patch.setattr(module, "sync_folder", dying(module.sync_folder, left))
            patch.setattr(takeout, "write_beside", dying(takeout.write_beside, left))
            patch.setattr(forget_module.upkeep, "erased", dying(forget_module.upkeep.erased, left))
            with suppress(Killed):
                forget(ledger, place, [ytid], at=9)
                survived = True
        assert ytid not in [candidate.ytid for candidate, _ in ledger.clips()]
        assert survived or being_forgotten(ledger) == {ytid}
        finish_forgetting(ledger, place)
        assert traces(place, ytid) == [] and being_forgotten(ledger) == frozenset()
        restore(ledger, place, ytid)
    assert number > 8 and steps > 40


def restore(ledger: Ledger, place: Workspace, ytid: str) -> None:
    """Make things as if the video had been fetched again, for the next kill."""
    name = next(name for name in CLASSES if ytid[1] == name[0])
    clip = write_clip(place, name, int(ytid[2:10]))
    with ledger.transaction() as execute:
        execute("UPDATE candidate SET state = 'queued', reason = '' WHERE ytid = ?", (ytid,))
    candidate = next(c for c in iter_queue(ledger, name) if c.ytid == ytid)
    ledger.accept(candidate, clip, at=1)
    make_shards(ledger, place)
    for table in place.runs.glob("*/predictions.csv"):
        table.write_text(table.read_text() + f"{clip.key},Tone,Noise\n")


def iter_queue(ledger: Ledger, name: str) -> Iterator[Candidate]:
    rank = -1
    while candidate := ledger.next_queued(name, rank):
        yield candidate
        rank = candidate.rank


def test_what_is_deleted_is_on_record_first(
    ledger: Ledger,
    place: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The record must be on the disk itself, not in a cache, before the first file goes."""
    (one, _) = victims(ledger)
    away = tmp_path_factory.mktemp("away")

    def check(self: Path, missing_ok: bool = False) -> None:
        with Ledger(place.ledger, read_only=True) as reader:
            assert being_forgotten(reader) == {one}
        self.rename(away / f"{len(list(away.iterdir()))}")

    monkeypatch.setattr(Path, "unlink", check)
    seen = []
    ledger._db.set_trace_callback(seen.append)
    forget(ledger, place, [one], at=9)
    assert seen.index("PRAGMA synchronous = FULL") < seen.index("BEGIN IMMEDIATE")


def test_sounds_pictures_and_pages_of_a_report_go_too(ledger: Ledger, place: Workspace) -> None:
    write_report(place, place.report, ReportConfig(per_class=6))
    one, other = (candidate for candidate, _ in ledger.clips()[:2])
    assert {path.suffix for path in traces(place, one.ytid)} >= {".mp3", ".jpg", ".html"}
    erased = forget(ledger, place, [one.ytid], at=9)
    assert traces(place, one.ytid) == [] and any(path.endswith(".mp3") for path in erased.pages)
    assert [path for path in traces(place, other.ytid) if path.suffix == ".mp3"]
    write_report(place, place.report, ReportConfig(per_class=6))
    assert [path.suffix for path in traces(place, one.ytid)] == []
