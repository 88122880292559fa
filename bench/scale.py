"""All commands on a workspace of AudioSet's size: how long, how much memory, and how that grows.

    python bench/scale.py make DIR --metadata LISTS [--clips 2000000]
    python bench/scale.py shards DIR
    python bench/scale.py measure DIR [--only WORD ...]
    python bench/scale.py list DIR --metadata LISTS
    python bench/scale.py decide DIR

`make` writes a workspace as `fetch` leaves it after the recipe `audioset-2m`, from AudioSet's own lists, of
which it takes every so-manieth row: the ledger with a clip for every candidate, each with a fingerprint of
its own that changes as a sound's does, one in a hundred a near copy of another of its split. The files of
the clips are a few files under many names. `shards` writes a few shards that are whole and gives them the
names of all that `featurize` would make (without noise copies), with an `index.json` of these.

`measure` runs each command, or the part of it that comes before any sound is read or written, in a process of
its own, and prints wall seconds, CPU seconds, the peak of its memory, and what the ledger and `dataset.csv`
have of bytes. `list` writes what planning needs of every clip of the lists to a text, and `decide` plans
these without a ledger and without comparing sounds, stage by stage. What a command reads of clips or writes
of them grows with their bytes and is measured elsewhere (bench/featurize.py, bench/export.py).
"""

import argparse
import hashlib
import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from audioset_tools.audio.clip import wav_header
from audioset_tools.audio.fingerprint import BANDS, FINGERPRINT_BYTES, FRAMES
from audioset_tools.catalog.official import SUBSETS
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.select import read_selection
from audioset_tools.export.examples import read_exported
from audioset_tools.export.formats import plan_of
from audioset_tools.featurize import run as featurizing
from audioset_tools.featurize.task import Classes, Noise, ShardTask, is_done, plan
from audioset_tools.fetch.listed import Wanted
from audioset_tools.fetch.prepare import enqueue
from audioset_tools.ledger import Ledger, State
from audioset_tools.ledger.schema import seal_of
from audioset_tools.manifest import freeze as freezing
from audioset_tools.manifest.document import read_manifest
from audioset_tools.shards.dataset import read_dataset, write_dataset
from audioset_tools.shards.index import Index, Listed, write_index
from audioset_tools.shards.reader import MelShards
from audioset_tools.shards.shard import ShardHeader, write_shard
from audioset_tools.shards.splits import assign
from audioset_tools.shards.table import ClipTable
from audioset_tools.types import SAMPLE_RATE, Clip, Splits, clip_bytes
from audioset_tools.workspace import Workspace

RECIPE, PRESET = "audioset-2m", "paper"
LINKS = 60_000
"""Names of one file: ext4 gives it no more than 65,000."""
BASES = 4_096
"""Sounds of which two make a fingerprint: every pair another."""
TWINS_EVERY = 100
FLIPPED = 700
"""Bits of a near copy that differ, of 12,400."""
AT_ONCE = 20_000
COMMAND = """
import atexit, re
status = lambda: re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
atexit.register(lambda: print("\\n" + status()))
from audioset_tools.cli import main
main()
"""
"""A command, and behind all that it says the peak of its memory: what the kernel tells of a child may be of
its parent.
"""


def main() -> None:
    """Make a workspace, or measure with one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("make", "shards", "measure", "list", "decide", "step"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--metadata", type=Path)
    parser.add_argument("--clips", type=int, default=2_000_000)
    parser.add_argument("--only", nargs="+", default=[])
    words = parser.parse_args()
    workspace = Workspace(words.folder)
    if words.what == "make":
        make(workspace, words.metadata, words.clips)
    elif words.what == "shards":
        make_shards(workspace)
    elif words.what == "list":
        write_list(workspace, words.metadata)
    elif words.what == "decide":
        decide(workspace)
    elif words.what == "measure":
        measure(workspace, words.only)
    else:
        STEPS[words.name](workspace)
        print(peak_kb())


def peak_kb() -> int:
    """The peak of this process's memory so far."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # type: ignore[index]


def make(workspace: Workspace, metadata: Path, clips: int) -> None:
    """A workspace as fetch leaves it."""
    workspace.prepare()
    thin_lists(metadata, workspace.metadata, clips)
    with Ledger(workspace.ledger) as ledger:
        enqueue(ledger, read_recipe(RECIPE), Wanted(metadata=workspace.metadata), workspace.metadata)
        names = ledger.class_names
    accept_all(workspace.ledger, names)
    link_clips(workspace, names)
    size = workspace.ledger.stat().st_size
    print(f"a ledger of {size / 1e6:,.0f} MB in {workspace.root}", flush=True)


def thin_lists(metadata: Path, folder: Path, clips: int) -> None:
    """AudioSet's lists with every so-manieth row, and what belongs to them."""
    folder.mkdir(exist_ok=True)
    lists = {name: (metadata / f"{name}_segments.csv").read_text().splitlines() for name in SUBSETS}
    rows = sum(len(lines) - 3 for lines in lists.values())
    for name, lines in lists.items():
        kept = np.linspace(3, len(lines) - 1, round((len(lines) - 3) * min(1, clips / rows))).astype(int)
        # The header promises so many rows.
        promised = re.sub(r"(num_ytids|num_segs)=\d+", rf"\1={len(kept)}", lines[1])
        chosen = [lines[0], promised, lines[2], *(lines[number] for number in kept)]
        (folder / f"{name}_segments.csv").write_text("\n".join(chosen) + "\n")
    for name in ("ontology.json", "class_labels_indices.csv"):
        shutil.copy(metadata / name, folder / name)


def accept_all(path: Path, names: tuple[str, ...]) -> None:
    """Give every candidate of a ledger a clip, past the ledger's own methods, which take one at a time."""
    db = sqlite3.connect(path, isolation_level=None)
    db.create_function("seal_of", -1, seal_of, deterministic=True)
    rng = np.random.default_rng(0)
    # A bit keeps for eleven frames on average, as that of a sound does.
    changes = rng.random((BASES, FRAMES, BANDS - 1)) < 1 / 11
    bases = np.packbits(np.cumsum(changes, axis=1).reshape(BASES, -1) % 2 == 1, axis=1)
    db.execute("BEGIN")
    rows = db.execute("SELECT class, rank, ytid, start_ms, split FROM candidate ORDER BY class, rank")
    found = rows.fetchall()
    for start in range(0, len(found), AT_ONCE):
        db.executemany(
            "INSERT INTO clip VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            clip_rows(found[start : start + AT_ONCE], start, names, bases),
        )
    db.execute(
        "UPDATE candidate SET state = 'accepted', standing = ?", (seal_of("accepted", "", "", 0, None),)
    )
    db.execute(
        "INSERT INTO event (at, class, rank, outcome, reason, detail, seal)"
        " SELECT at, class, rank, 'accepted', '', 'local', seal_of(at, class, rank, 'accepted', '', 'local')"
        " FROM (SELECT 1.79e9 + rank AS at, class, rank FROM candidate)"
    )
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()


def clip_rows(
    found: list[tuple[int, int, str, int, str]], first: int, names: tuple[str, ...], bases: np.ndarray
) -> Iterator[tuple[object, ...]]:
    """The rows of the table `clip` for some candidates, the first of which has this number of all."""
    workspace = Workspace("")
    heard = b"\xff" * (FRAMES // 8)
    rng = np.random.default_rng(first + 1)
    previous, its_split = b"", ""
    for number, (klass, rank, ytid, start_ms, split) in enumerate(found, start=first):
        if number % TWINS_EVERY or split != its_split or not previous:
            print_ = (bases[number % BASES] ^ bases[(number % BASES + number // BASES + 1) % BASES]).tobytes()
            previous = print_
        else:
            near = np.unpackbits(np.frombuffer(previous, np.uint8))
            near[rng.choice(len(near), FLIPPED, replace=False)] ^= 1
            print_ = np.packbits(near).tobytes()
        its_split = split
        key = f"{ytid}_{start_ms}"
        own = (
            *(workspace.clip(names[klass], key).as_posix(), hashlib.sha256(key.encode()).hexdigest()),
            *(10.0, 0.5, f"local unbal_train{number % 41:02}.tar/Y{ytid}.flac flac/s16 48000 Hz"),
            *("soundfile 1.2.2 soxr 0.1.3", print_ + heard, None, None, None),
        )
        assert len(own[6]) == FINGERPRINT_BYTES
        yield (klass, rank, *own, seal_of(ytid, start_ms, *own))


def link_clips(workspace: Workspace, names: tuple[str, ...]) -> None:
    """A name for every clip, of few files."""
    db = sqlite3.connect(workspace.ledger)
    for name in names:
        workspace.clip(name, "x").parent.mkdir(parents=True, exist_ok=True)
    base = workspace.root / "base.wav"
    for number, (path,) in enumerate(db.execute("SELECT path FROM clip")):
        if number % LINKS == 0:
            base.unlink(missing_ok=True)
            with base.open("wb") as file:
                file.write(wav_header(SAMPLE_RATE))
                file.truncate(clip_bytes(SAMPLE_RATE))
        os.link(base, workspace.root / path)
    base.unlink()
    db.close()


def tasks_of(workspace: Workspace) -> tuple[list[ShardTask], Path]:
    """All that featurize would make, by its own planning."""
    config = featurizing.FeaturizeConfig(PRESET, noise_copies=0)
    with Ledger(workspace.ledger) as ledger:
        origin = ledger.origin()
        assert origin is not None
        classes = featurizing.classes_of(origin)
        clips = featurizing.clips_of(ledger)
        placements = featurizing.place(workspace, clips, classes, config.splits, origin.seed).placements
    folder = workspace.shards / config.folder
    noise = Noise(0, config.noise_snr, origin.seed)
    return plan(
        workspace.root, folder, placements, config.clips_per_shard,
        classes=classes, spec=config.spec, noise=noise,
    ), folder  # fmt: skip


def make_shards(workspace: Workspace) -> None:
    """Shards as featurize leaves them, but that few files bear all their names."""
    config = featurizing.FeaturizeConfig(PRESET, noise_copies=0)
    tasks, folder = tasks_of(workspace)
    rng = np.random.default_rng(0)
    mels = rng.random((16, *config.spec.shape), np.float32)
    listed, written = {}, {}
    for number, task in enumerate(tasks):
        kind = task.split, task.rows
        if kind not in written or number % LINKS == 0:
            write_task(task, mels, config)
            written[kind] = task.target, task.inputs
        else:
            task.target.parent.mkdir(parents=True, exist_ok=True)
            os.link(written[kind][0], task.target)
        name = task.target.relative_to(folder).as_posix()
        listed[name] = Listed(task.split, task.rows, written[kind][1])
    zeros = (0.0,) * config.spec.shape[0]
    write_index(folder, Index(listed, zeros, zeros))
    print(f"{len(tasks):,} shards, index.json of {(folder / 'index.json').stat().st_size / 1e6:,.1f} MB")


def write_task(task: ShardTask, mels: np.ndarray, config: featurizing.FeaturizeConfig) -> None:
    """A shard with the rows of a task and any mels."""
    header = ShardHeader(
        task.split, task.classes.recipe, task.classes.names, task.spec, task.spec.digest, task.inputs,
        "0", "0", task.classes.multi_label,
    )  # fmt: skip
    number = {name: index for index, name in enumerate(task.classes.names)}
    with write_shard(task.target, header, task.rows, config.spec.shape) as writer:
        for row, one in enumerate(task.placements):
            label, *also = (number[name] for name in (one.class_name, *one.also))
            writer.add(
                mels[row % len(mels)], label=label, key=one.key, noise=0, sha256=one.sha256, also=also,
                group=one.group,
            )  # fmt: skip


def plan_first(workspace: Workspace) -> None:
    """Everything before the first shard is made, with no split decided yet."""
    workspace.dataset.unlink(missing_ok=True)
    tasks_of(workspace)


def look_at_shards(workspace: Workspace) -> None:
    """What featurize does where all shards stand; but that few of them are of the inputs that it wants."""
    tasks, _ = tasks_of(workspace)
    print(sum(map(is_done, tasks)), "of", len(tasks))


def open_shards(workspace: Workspace) -> None:
    """The train split opened, all its columns read, and random batches."""
    began = time.perf_counter()
    shards = MelShards(workspace, "train", in_memory=False)
    told = [f"made in {time.perf_counter() - began:.2f} s"]
    began = time.perf_counter()
    batches = shards.batches(128, seed=0)
    next(batches)
    told.append(f"first batch after {time.perf_counter() - began:.2f} s")
    began, rows = time.perf_counter(), 0
    for mels, _ in batches:
        rows += len(mels)
        if time.perf_counter() - began > 10:
            break
    told.append(f"{rows / (time.perf_counter() - began):,.0f} samples/s while not all are open")
    began = time.perf_counter()
    shards.open()
    told.append(f"all open after {time.perf_counter() - began:.1f} s more")
    began, rows = time.perf_counter(), 0
    for mels, _ in batches:
        rows += len(mels)
        if time.perf_counter() - began > 10:
            break
    told.append(f"{rows / (time.perf_counter() - began):,.0f} samples/s")
    told.append(f"{len([*Path('/proc/self/fd').iterdir()])} files open")
    print("; ".join(told))


LISTED = "clips.tsv"


def write_list(workspace: Workspace, metadata: Path) -> None:
    """What planning needs of every clip of some lists, below the names of the classes."""
    selection = read_selection(metadata, read_recipe(RECIPE))
    workspace.prepare()
    with (workspace.root / LISTED).open("w") as file:
        file.write("\t".join(selection.recipe.class_names) + "\n")
        for one in itertools.chain.from_iterable(map(selection.candidates, selection.queues)):
            cells = (
                one.key,
                one.class_name,
                str(one.rank),
                "|".join(one.also),
                "|".join(one.labels),
                one.split,
            )
            file.write("\t".join(cells) + "\n")


def listed_clips(workspace: Workspace) -> Iterator[Clip]:
    """Clips as fetch would have them, but for their fingerprints."""
    with (workspace.root / LISTED).open() as file:
        next(file)
        for line in file:
            key, class_name, rank, also, labels, split = line.rstrip("\n").split("\t")
            path = workspace.clip(class_name, key).relative_to(workspace.root).as_posix()
            digest = hashlib.sha256(key.encode()).hexdigest()
            others, mids = (tuple(filter(None, cell.split("|"))) for cell in (also, labels))
            yield Clip(
                key, class_name, int(rank), path, digest, 10.0, 0.5, "local", others, labels=mids, split=split
            )


def decide(workspace: Workspace) -> None:
    """Plan the clips of the list, and say after each stage what it took."""
    with (workspace.root / LISTED).open() as file:
        names = tuple(next(file).rstrip("\n").split("\t"))
    began = time.process_time()

    def say(stage: str) -> None:
        nonlocal began
        print(f"| {stage} | {time.process_time() - began:.1f} | {peak_kb() / 1024:,.0f} |", flush=True)
        began = time.process_time()

    print("| stage | CPU s | memory so far, MB |\n|---|---|---|")
    say("imports")
    table = ClipTable.of(listed_clips(workspace))
    say(f"{len(table.clips):,} clips as columns")
    splits = Splits()
    placements = assign((), table, names, splits, 2019, of_list=True).placements
    say("splits decided")
    write_dataset(workspace.dataset, placements)
    say(f"dataset.csv written, {workspace.dataset.stat().st_size / 1e6:.0f} MB")
    frozen = read_dataset(workspace.dataset)
    say("dataset.csv read")
    assert assign(frozen, table, names, splits, 2019, of_list=True).placements == frozen
    say("the same again, nothing new")
    config, noise = featurizing.FeaturizeConfig(PRESET), Noise(0, (10.0, 30.0), 2019)
    classes = Classes(RECIPE, names, multi_label=True, of_list=True)
    tasks = plan(
        workspace.root, workspace.shards, frozen, 128, classes=classes, spec=config.spec, noise=noise
    )
    say(f"{len(tasks):,} shards planned")


def exporting(format_name: str) -> Callable[[Workspace], None]:
    """An export's planning: what it reads, and what it would write."""

    def step(workspace: Workspace) -> None:
        targets = "mids" if format_name == "hf" else "classes"
        data = read_exported(workspace, targets, workspace.metadata)
        parts = plan_of(format_name)(replace(data, out=Path("/nowhere")).targeted[0]).parts
        print(f"{len(parts):,} parts")

    return step


def freeze(workspace: Workspace) -> None:
    """The manifest, without reading the sounds."""
    freezing.samples_sha256 = lambda workspace, clip: clip.sha256  # type: ignore[assignment]
    freezing.freeze(workspace, workspace.root / "manifest.json")
    print(f"{(workspace.root / 'manifest.json').stat().st_size / 1e6:,.0f} MB")


def read_frozen(workspace: Workspace) -> None:
    """The manifest read, as `verify --against` begins."""
    print(f"{len(read_manifest(workspace.root / 'manifest.json').clips):,} clips")


STEPS: dict[str, Callable[[Workspace], None]] = {
    "plan": plan_first,
    "plan again": lambda workspace: tasks_of(workspace) and None,
    "shards": look_at_shards,
    "read": open_shards,
    "webdataset": exporting("webdataset"),
    "hf": exporting("hf"),
    "kaldi": exporting("kaldi"),
    "freeze": freeze,
    "manifest": read_frozen,
}


def measure(workspace: Workspace, only: list[str]) -> None:
    """Each in a process of its own."""
    with Ledger(workspace.ledger, read_only=True) as ledger:
        clips = sum(tally.n for tally in ledger.tallies() if tally.state is State.ACCEPTED)
        key = next(f"{ytid}_{ms}" for ytid, ms in ledger.rows("SELECT ytid, start_ms FROM candidate LIMIT 1"))
        other = next(ytid for (ytid,) in ledger.rows("SELECT ytid FROM candidate WHERE rank = 1 LIMIT 1"))
    of = ["--workspace", str(workspace.root)]
    commands = {
        "status": ["status", *of],
        "select": ["select", *of, "--recipe", RECIPE, "--metadata", str(workspace.metadata)],
        **dict.fromkeys(STEPS),
        "verify": ["verify", *of],
        "report": ["report", *of],
        "inspect": ["inspect", key, *of],
        "forget": ["forget", other, "--yes", *of],
    }
    print(f"{clips:,} clips\n", flush=True)
    print("| what | seconds | CPU s | memory, MB | |\n|---|---|---|---|---|")
    for name, words in commands.items():
        if only and name not in only:
            continue
        start = [sys.executable, __file__, "step", str(workspace.root), name]
        command = start if words is None else [sys.executable, "-c", COMMAND, *words]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        *said, peak = process.stdout.read().strip().splitlines()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
        last = (said or [""])[-1][:150] if words is None or process.returncode else ""
        code = f"exit {process.returncode}: " if process.returncode else ""
        row = f"| {name} | {wall:.1f} | {cpu:.1f} | {int(peak) / 1024:,.0f} | {code}{last} |"
        print(row, flush=True)
    sizes = {path.name: path.stat().st_size / 1e6 for path in (workspace.ledger, workspace.dataset)}
    print(", ".join(f"{name} {size:,.1f} MB" for name, size in sizes.items()))


if __name__ == "__main__":
    main()
