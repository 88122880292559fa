"""Every kind of harm to a shard is reported with its file and its clip."""

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch
from audioset_tools.featurize.run import FeaturizeConfig, make_shards
from audioset_tools.featurize.task import Classes
from audioset_tools.shards.index import read_index, write_index
from audioset_tools.shards.placements import Placement, Placements
from audioset_tools.shards.shard import Shard, open_shard, write_shard
from audioset_tools.shards.table import ClipTable
from audioset_tools.tasks.division import Division
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Clip, Progress
from audioset_tools.verify import shards
from audioset_tools.verify.findings import Kind, Report
from audioset_tools.verify.shards import Recorded, look_at_shards, repair_shards
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES, looking, write_clip

CONFIG = FeaturizeConfig(clips_per_shard=4, division=Division(1))
TRAIN, TEST = "train-00000.h5", "test-00000.h5"


def half_written(path: Path) -> None:
    """What a process left two days ago, nobody knows which."""
    path.write_bytes(b"half")
    at = time.time() - 2 * 86_400
    os.utime(path, (at, at))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, list[Clip]]:
    """Shards of ten clips, with one noise copy; not to be changed."""
    workspace = Workspace(tmp_path_factory.mktemp("made"))
    clips = [write_clip(workspace, name, n) for name in CLASSES for n in range(5)]
    again(workspace, clips)
    return workspace, clips


@pytest.fixture
def workspace(made: tuple[Workspace, list[Clip]], tmp_path: Path) -> Workspace:
    """A copy of them."""
    return Workspace(Path(shutil.copytree(made[0].root, tmp_path / "w")))


@pytest.fixture
def clips(made: tuple[Workspace, list[Clip]]) -> list[Clip]:
    return made[1]


@pytest.fixture
def recorded(clips: list[Clip]) -> Recorded:
    return recorded_of(clips)


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    return workspace.shards / CONFIG.folder


def again(
    workspace: Workspace, clips: list[Clip], config: FeaturizeConfig = CONFIG, multi_label: bool = False
) -> Recorded:
    make_shards(workspace, clips, Classes("synthetic", CLASSES, multi_label), config)
    return recorded_of(clips)


def recorded_of(clips: list[Clip]) -> Recorded:
    return Recorded("synthetic", CLASSES, ClipTable.of(clips).clips)


def rewrite(path: Path, change: Callable[[dict[str, np.ndarray]], object], **header: object) -> None:
    """A shard once more with other content, all its checksums right, and in the index."""
    old = open_shard(path)
    rows = {"mel": old.read(0, len(old)), "label": old.label, "key": old.key, "group": old.group}
    rows["noise"] = old.noise
    rows = {name: values.copy() for name, values in rows.items()} | {"sha256": old.sha256.copy()}
    change(rows)
    new_header = replace(old.header, **header)
    with write_shard(path, new_header, len(rows["mel"]), rows["mel"].shape[1:]) as writer:
        for mel, label, key, group, noise, sha256 in zip(*rows.values(), strict=True):
            names = {"key": key.decode(), "group": group.decode(), "sha256": sha256.decode()}
            writer.add(mel, label=label, noise=noise, **names)
    index = read_index(path.parent)
    listed = replace(index.shards[path.name], split=new_header.split, rows=len(rows["mel"]))
    write_index(path.parent, replace(index, shards={**index.shards, path.name: listed}))


def put(name: str, row: int, value: object) -> Callable[[dict[str, np.ndarray]], object]:
    def change(rows: dict[str, np.ndarray]) -> None:
        rows[name][row] = value

    return change


def flip(path: Path, row: int, bit: int = 3) -> str:
    """Flip a bit of a mel; returns the clip's key."""
    shard = open_shard(path)
    content = bytearray(path.read_bytes())
    content[int(shard.offsets[row]) + 1_000] ^= 1 << bit
    path.write_bytes(content)
    return shard.key[row].decode()


def told(report: Report) -> list[tuple[Kind, str, str]]:
    assert report.left == report.findings
    return [(finding.kind, Path(finding.path).name, finding.detail) for finding in report.findings]


@pytest.mark.parametrize("deep", [False, True])
def test_sound_shards_have_no_findings(workspace: Workspace, recorded: Recorded, deep: bool) -> None:
    seen: list[Progress] = []
    assert look_at_shards(looking(workspace, deep=deep, on_progress=seen.append), recorded) == Report(
        shards=4
    )
    assert seen == [Progress(n, 4, "shards") for n in (1, 2, 3, 4)]


def test_a_workspace_without_shards_has_nothing_to_verify(tmp_path: Path, recorded: Recorded) -> None:
    assert look_at_shards(looking(Workspace(tmp_path), deep=True), recorded) == Report()
    assert list(tmp_path.iterdir()) == []


def test_targets_are_compared_with_dataset_csv_and_that_with_the_ledger(
    tmp_path: Path, clips: list[Clip]
) -> None:
    workspace = Workspace(tmp_path)
    clips = [write_clip(workspace, name, n) for name in CLASSES for n in range(3)]
    clips[0] = replace(clips[0], also=("Noise",))
    recorded = again(workspace, clips, multi_label=True)
    assert look_at_shards(looking(workspace), recorded) == Report(shards=3)
    split = workspace.dataset.read_text().split(f"{clips[0].key},Tone,Noise,")[1].split(",")[0]
    workspace.dataset.write_text(workspace.dataset.read_text().replace(",Tone,Noise,", ",Tone,,"))
    dataset, row = told(look_at_shards(looking(workspace), recorded))
    assert dataset[2] == f"clip {clips[0].key} is of class Tone, and Tone, Noise in the ledger"
    assert row[:2] == (Kind.WRONG_ROW, f"{split}-00000.h5")
    assert row[2].endswith(f"clip {clips[0].key}: labelled Tone, Noise, and its class is Tone")


ROWS: dict[str, tuple[str, Callable[[dict[str, np.ndarray]], object], Kind, str]] = {
    "label": (
        TRAIN,
        lambda rows: put("label", 0, 1 - rows["label"][0])(rows),
        Kind.WRONG_ROW,
        "its class is",
    ),
    "group": (TRAIN, put("group", 1, b"gabcdefgh27"), Kind.OUT_OF_DATE, "its group was another"),
    "stranger": (
        TEST,
        put("key", 1, b"-strangerAA_5"),
        Kind.WRONG_ROW,
        "-strangerAA_5: it is not in dataset",
    ),
    "leak": (TEST, lambda rows: None, Kind.WRONG_ROW, "belongs to the test split"),
    "noisy test": (TEST, put("noise", 0, 1), Kind.WRONG_ROW, "noise copy 1 in the test split"),
    "negative copy": (TRAIN, put("noise", 0, -1), Kind.WRONG_ROW, "noise copy -1"),
    "copy twice": (TRAIN, put("noise", 1, 0), Kind.WRONG_ROW, "copies [0, 0] instead of [0, 1]"),
    "one copy more": (TRAIN, put("noise", 1, 7), Kind.WRONG_ROW, "copies [0, 7] instead of [0, 1]"),
    "other file": (TEST, put("sha256", 0, b"0" * 64), Kind.OUT_OF_DATE, "made from another file"),
}


@pytest.mark.parametrize("harm", ROWS)
def test_a_row_that_is_not_what_dataset_csv_says(
    workspace: Workspace, recorded: Recorded, folder: Path, harm: str
) -> None:
    name, change, kind, words = ROWS[harm]
    keys = [key.decode() for key in open_shard(folder / name).key]
    rewrite(folder / name, change, **({"split": "train"} if harm == "leak" else {}))
    found = [
        finding
        for finding in look_at_shards(looking(workspace), recorded).findings
        if words in finding.detail
    ]
    assert found and {finding.kind for finding in found} == {kind}
    assert all(
        "--repair" in finding.remedy and "featurize --preset paper" in finding.remedy for finding in found
    )
    if harm != "stranger":
        assert any(key in found[0].detail for key in keys)


HEADERS: dict[str, tuple[dict[str, object], Kind, str]] = {
    "recipe": ({"recipe": "clean"}, Kind.OUT_OF_DATE, "recipe 'clean'"),
    "classes": ({"class_names": ("Noise", "Tone")}, Kind.OUT_OF_DATE, "the classes Noise, Tone"),
    "digest": ({"spec_digest": "0" * 16}, Kind.DAMAGED, "says 0000000000000000"),
    "inputs": ({"inputs": "0" * 64}, Kind.DAMAGED, "is not the shard that index.json names"),
}


@pytest.mark.parametrize("harm", HEADERS)
def test_a_header_that_is_not_the_folders(
    workspace: Workspace, recorded: Recorded, folder: Path, harm: str
) -> None:
    header, kind, words = HEADERS[harm]
    rewrite(folder / TEST, lambda rows: None, **header)
    assert any(
        (found, name) == (kind, TEST) and words in detail
        for found, name, detail in told(look_at_shards(looking(workspace), recorded))
    )


@pytest.mark.parametrize("text", ["[]", '{"n_fft": 0}'])
def test_a_shard_without_a_spec(workspace: Workspace, recorded: Recorded, folder: Path, text: str) -> None:
    with h5py.File(folder / TEST, "a") as file:
        del file.attrs["spec"]
        file.attrs["spec"] = np.bytes_(text)
    assert any(
        (kind, name) == (Kind.DAMAGED, TEST) and "has no mel spec" in detail
        for kind, name, detail in told(look_at_shards(looking(workspace), recorded))
    )


def test_a_folder_of_another_name_is_not_that_of_its_spec(workspace: Workspace, recorded: Recorded) -> None:
    (workspace.shards / CONFIG.folder).rename(workspace.shards / "paper-00000000")
    report = look_at_shards(looking(workspace), recorded)
    assert {kind for kind, _, _ in told(report)} == {Kind.DAMAGED}
    assert all("not that of its folder" in finding.detail for finding in report.findings)
    assert all("no preset makes any more" in finding.remedy for finding in report.findings)


def test_files_that_are_not_those_of_the_index(
    workspace: Workspace, recorded: Recorded, folder: Path
) -> None:
    (folder / TEST).rename(folder / "test-00007.h5")
    half_written(folder / ".train-00000.h5.77.part")
    (folder / "notes.txt").write_text("mine")
    (workspace.shards / "stray").write_text("mine")
    report = look_at_shards(looking(workspace), recorded)
    assert sorted((kind, name) for kind, name, _ in told(report)) == [
        (Kind.MISSING, TEST),
        (Kind.ORPHANED, ".train-00000.h5.77.part"),
        (Kind.ORPHANED, "notes.txt"),
        (Kind.ORPHANED, "stray"),
        (Kind.ORPHANED, "test-00007.h5"),
    ]
    mine = [finding for finding in report.findings if Path(finding.path).name in ("notes.txt", "stray")]
    assert all("never deletes" in finding.remedy for finding in mine)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_a_file_that_is_no_shard(
    workspace: Workspace, recorded: Recorded, folder: Path, content: bytes
) -> None:
    (folder / TEST).write_bytes(content)
    ((kind, name, detail),) = told(look_at_shards(looking(workspace), recorded))
    assert (kind, name) == (Kind.DAMAGED, TEST) and "is no shard" in detail and str(folder) not in detail


@pytest.mark.parametrize("place", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_lies_in_a_shards_place_is_told_and_removed(
    workspace: Workspace, recorded: Recorded, folder: Path, place: Callable[[Path], object]
) -> None:
    (folder / TEST).unlink()
    place(folder / TEST)
    ((kind, name, _),) = told(look_at_shards(looking(workspace), recorded))
    assert (kind, name) == (Kind.DAMAGED, TEST)
    assert repair_shards(looking(workspace), recorded).removed == (f"shards/{folder.name}/{TEST}",)
    assert not os.path.lexists(folder / TEST)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_mel_that_is_not_finite_is_found_by_deep(
    workspace: Workspace, recorded: Recorded, folder: Path, value: float
) -> None:
    def change(rows: dict[str, np.ndarray]) -> None:
        rows["mel"][1, 5, 5] = value

    rewrite(folder / TEST, change)
    key = open_shard(folder / TEST).key[1].decode()
    assert told(look_at_shards(looking(workspace), recorded)) == []
    ((kind, name, detail),) = told(look_at_shards(looking(workspace, deep=True), recorded))
    assert (kind, name, detail) == (Kind.DAMAGED, TEST, f"row 1, clip {key}: it holds NaN or infinity")


def test_a_row_of_zeros_is_found_by_deep(workspace: Workspace, recorded: Recorded, folder: Path) -> None:
    rewrite(folder / TEST, put("mel", 1, 0))
    ((kind, name, detail),) = told(look_at_shards(looking(workspace, deep=True), recorded))
    assert (kind, name) == (Kind.DAMAGED, TEST) and "is 0 throughout, and its clip is not silent" in detail


@pytest.mark.parametrize("preset", ["paper", "log"])
@pytest.mark.parametrize("level", [0.0, 0.25])
def test_the_mel_of_a_silent_clip_is_honest(
    tmp_path: Path, preset: str, level: float, clips: list[Clip]
) -> None:
    workspace = Workspace(tmp_path)
    clips = [write_clip(workspace, name, n) for name in CLASSES for n in range(3)]
    for number, clip in enumerate(clips[:3]):
        soundfile.write(
            workspace.root / clip.path, np.full(CLIP_SAMPLES, level), SAMPLE_RATE, subtype="PCM_16"
        )
        sha256 = hashlib.sha256((workspace.root / clip.path).read_bytes()).hexdigest()
        clips[number] = replace(clip, sha256=sha256, peak=level)
    recorded = again(workspace, clips, replace(CONFIG, preset=preset))
    assert look_at_shards(looking(workspace, deep=True), recorded).findings == ()
    for clip in clips[:3]:
        (workspace.root / clip.path).unlink()
    details = [finding.detail for finding in look_at_shards(looking(workspace, deep=True), recorded).findings]
    assert details and all("its clip cannot be read" in detail for detail in details)


def test_a_flipped_bit_is_found_by_deep_and_by_it_alone(
    workspace: Workspace, recorded: Recorded, folder: Path
) -> None:
    key = flip(folder / TRAIN, row=5)
    assert look_at_shards(looking(workspace), recorded).findings == ()
    report = look_at_shards(looking(workspace, deep=True), recorded)
    assert told(report) == [
        (Kind.DAMAGED, TRAIN, f"row 5, clip {key}: its bytes are not those that were written")
    ]
    assert "verify --deep --repair" in report.findings[0].remedy


def test_statistics_that_are_not_the_shards(
    workspace: Workspace, recorded: Recorded, folder: Path, clips: list[Clip]
) -> None:
    index = read_index(folder)
    write_index(folder, replace(index, std=tuple(2 * value for value in index.std)))
    ((kind, name, detail),) = told(look_at_shards(looking(workspace), recorded))
    assert (kind, name) == (Kind.DAMAGED, "index.json") and "mean and deviation" in detail
    assert repair_shards(looking(workspace), recorded).left[0].kind is Kind.UNFINISHED
    again(workspace, clips)
    assert look_at_shards(looking(workspace, deep=True), recorded).findings == ()


def test_a_damaged_index(workspace: Workspace, recorded: Recorded, folder: Path) -> None:
    content = json.loads((folder / "index.json").read_text())
    content["shards"].pop(TEST)
    (folder / "index.json").write_text(json.dumps(content))
    assert told(look_at_shards(looking(workspace), recorded)) == [(Kind.DAMAGED, "index.json", "is damaged")]


@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_damaged_dataset_csv(workspace: Workspace, recorded: Recorded, how: str) -> None:
    if how == "gone":
        workspace.dataset.unlink()
    else:
        workspace.dataset.write_bytes(workspace.dataset.read_bytes()[:-10])
    report = look_at_shards(looking(workspace), recorded)
    (finding,) = report.findings
    assert (
        finding.path == "dataset.csv"
        and "Restore" in finding.remedy
        and str(workspace.root) not in finding.detail
    )
    assert repair_shards(looking(workspace), recorded).removed == ()


def test_a_clip_that_was_fetched_again_makes_the_shards_out_of_date(
    workspace: Workspace, recorded: Recorded, clips: list[Clip]
) -> None:
    clip = clips[0]
    other = recorded_of([replace(clip, sha256="1" * 64), *clips[1:]])
    assert told(look_at_shards(looking(workspace), other)) == [
        (Kind.OUT_OF_DATE, "dataset.csv", f"clip {clip.key} was fetched again since its mel was taken")
    ]
    # One that is in the queue again is a finding of the ledger's.
    assert look_at_shards(looking(workspace), replace(recorded, clips=Placements())).findings == ()


def test_shards_older_than_dataset_csv_lack_its_clips(workspace: Workspace, clips: list[Clip]) -> None:
    clips = [*clips, *(write_clip(workspace, name, 9) for name in CLASSES)]
    recorded = again(workspace, clips, replace(CONFIG, preset="log"))
    report = look_at_shards(looking(workspace), recorded)
    assert {kind for kind, _, _ in told(report)} == {Kind.OUT_OF_DATE}
    assert {finding.path for finding in report.findings} == {f"shards/{CONFIG.folder}"}
    assert {finding.remedy for finding in report.findings} == {"Run: audioset-tools featurize --preset paper"}
    again(workspace, clips)
    assert look_at_shards(looking(workspace, deep=True), recorded).findings == ()


def test_a_featurize_that_died_is_reported(workspace: Workspace, recorded: Recorded, folder: Path) -> None:
    (folder / "index.json").unlink()
    half_written(folder / ".train-00000.h5.77.part")
    (folder / "train-00001.h5").unlink()
    kinds = [kind for kind, _, _ in told(look_at_shards(looking(workspace), recorded))]
    assert kinds == [Kind.UNFINISHED, Kind.ORPHANED]


def test_a_repair_removes_what_is_damaged_and_featurize_makes_the_same_bytes_again(
    workspace: Workspace, recorded: Recorded, folder: Path, clips: list[Clip]
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    flip(folder / TRAIN, row=2)
    rewrite(folder / TEST, ROWS["label"][1])
    half_written(folder / ".train-00000.h5.77.part")
    (folder / "notes.txt").write_text("mine")
    report = repair_shards(looking(workspace, deep=True), recorded)
    assert sorted(Path(name).name for name in report.removed) == [".train-00000.h5.77.part", TEST, TRAIN]
    assert sorted(finding.kind for finding in report.left) == [Kind.ORPHANED, Kind.UNFINISHED]
    assert (folder / "notes.txt").exists() and not (folder / "index.json").exists()
    (folder / "notes.txt").unlink()
    again(workspace, clips)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert look_at_shards(looking(workspace, deep=True), recorded).findings == ()


def test_a_half_written_file_goes_and_takes_nothing_with_it(
    workspace: Workspace, recorded: Recorded, folder: Path
) -> None:
    half_written(folder / ".index.json.77.part")
    assert [kind for kind, _, _ in told(look_at_shards(looking(workspace), recorded))] == [Kind.ORPHANED]
    assert repair_shards(looking(workspace), recorded).left == ()
    assert look_at_shards(looking(workspace, deep=True), recorded).findings == ()


def test_a_repair_of_sound_shards_changes_nothing(
    workspace: Workspace, recorded: Recorded, folder: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert repair_shards(looking(workspace, deep=True), recorded) == Report(shards=4)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@settings(max_examples=60)
@given(data=st.data())
def test_any_flipped_bit_of_a_shard_is_found(
    made: tuple[Workspace, list[Clip]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    workspace, recorded = made[0], recorded_of(made[1])
    path = workspace.shards / CONFIG.folder / TEST
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 8_000))
    bit = data.draw(st.integers(0, 7))
    harmed = bytearray(content)
    harmed[at] ^= 1 << bit
    path.write_bytes(harmed)
    try:
        findings = look_at_shards(looking(workspace, deep=True), recorded).findings
        same = _means_the_same(path, content)
    finally:
        path.write_bytes(content)
    assert findings or same


def _means_the_same(path: Path, content: bytes) -> bool:
    """Whether a reader gets exactly what was written: the flipped bit is one that nobody reads."""
    try:
        harmed = _meaning(open_shard(path))
    except DataMismatch:
        return False
    path.write_bytes(content)
    return harmed == _meaning(open_shard(path))


def _meaning(shard: Shard) -> tuple[object, ...]:
    columns = (shard.label, shard.key, shard.noise, shard.sha256, shard.read(0, len(shard)))
    return shard.header, shard.shape, *(column.tobytes() for column in columns)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-1, 7), st.sampled_from([0, 0, 0, 1, 1, 2, -1, 2**31 - 1])), max_size=20)
)
def test_every_clip_has_the_copies_that_most_of_the_train_split_have(rows: list[tuple[int, int]]) -> None:
    """Against what counting clip by clip says; a damaged number of a copy may be any."""
    splits = ["train"] * 6 + ["test"] * 2
    placements = Placements(
        Placement(f"abcdefghijA_{n}", "Tone", (), split, "", "0" * 64) for n, split in enumerate(splits)
    )
    copies = {n: sorted(noise for clip, noise in rows if clip == n) for n in range(8)}
    most = Counter(max(copies[n]) for n in range(6) if copies[n])
    # Of equals the fewest copies.
    noisy = max(0, min(most, key=lambda n: (-most[n], n))) if most else 0
    wanted = {}
    for n, found in copies.items():
        last = noisy if n < 6 else 0
        if found and (len(found) != last + 1 or found != [*range(last + 1)]):
            told = [*range(last + 1)] if last < 100 else f"0 to {last:,}"
            wanted[n] = f"clip abcdefghijA_{n} has the copies {found} instead of {told}"
        elif not found:
            wanted[n] = f"lacks clip abcdefghijA_{n} of the {splits[n]} split"
    numbers, noise = np.array(rows, np.int64).reshape(-1, 2).T
    found = shards._look_at_copies(numbers, noise, shards._Subject("shards/x", "again", True), placements)
    assert [finding.detail for finding in found] == [*wanted.values()]
