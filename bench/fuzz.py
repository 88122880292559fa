"""Hostile input by the thousand: every reader is given honest files that were changed.

    python bench/fuzz.py [--count N | --seconds S] [--seed S] [--only lists,shards,...]

A campaign has a few honest inputs and one reader. Each input is one of them with bits flipped, cut off,
pieces spliced in from elsewhere, numbers blown up, or something nested deep; the seed decides all. A process
of its own reads them, with 4 GB of memory; one that it does not come back from within 20 s is a hang, one
that ends the process, or raises anything but an error with a remedy, a crash. Exits with 1 if there is any.

`read` counts what was read as if nothing were wrong; `silent` those of a ledger, of which the harm was seen
neither when it was opened nor by `verify`, nor is it harmless.
"""

import argparse
import io
import multiprocessing
import random
import re
import resource
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np

from audioset_tools.exceptions import AudiosetToolsError

MEMORY = 4 * 2**30
PATIENCE_S = 20.0

Read = Callable[[Path], object]
Honest = Callable[[Path], dict[str, bytes]]
"""Honest inputs by the names that their files have; an empty folder is there to work in."""


class Refused(Exception):
    """What a reader says that has an answer, or an error of its own, for what it does not take."""


class Silent(Exception):
    """Something else was read, and nobody noticed."""


@dataclass(frozen=True)
class Campaign:
    """Honest inputs, and how one is read."""

    honest: Honest
    read: Read


@dataclass
class Result:
    """What came of the inputs of a campaign; times in milliseconds, memory in MB."""

    outcomes: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    peak: float = 0.0
    notes: list[str] = field(default_factory=list)


NUMBERS = (
    b"-1",
    b"0",
    b"4294967296",
    b"9" * 19,
    b"1" + b"0" * 400,
    b"1e400",
    b"1e-400",
    b"NaN",
    b"9" * 6_000,
)
BINARY_NUMBERS = (b"\0" * 4, b"\xff" * 4, b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0\0\0\x80", b"\1\0\0\0")
NESTED = (b"[" * 5_000, b'{"a":' * 5_000, b"[" * 900 + b"]" * 900, b"a." * 2_000, b'"' + b"\\" * 5_001)


def mutated(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """An input with one change of each of one to four kinds."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(8):
            case 0 | 1 if changed:
                for _ in range(rng.choice((1, 1, 8, 64))):
                    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            case 2:
                del changed[at:]
            case 3:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                piece = other[start : start + rng.choice((4, 64, 4_096))]
                changed[at : at + rng.choice((0, len(piece)))] = piece
            case 4:
                places = [found.span() for found in re.finditer(rb"[0-9]+", bytes(changed[:200_000]))]
                first, behind = rng.choice(places) if places else (at, at)
                changed[first:behind] = rng.choice(NUMBERS)
            case 5:
                number = rng.choice(BINARY_NUMBERS)
                changed[at : at + len(number)] = number
            case 6:
                changed[at:at] = rng.choice(NESTED)
            case _:
                changed[at : at + rng.choice((1, 16, 512))] = bytes(rng.choice((0, 1, 300)))
    return bytes(changed)


def inputs(honest: dict[str, bytes], seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents without end: first the honest ones."""
    rng = random.Random(seed)
    yield from honest.items()
    names, contents = list(honest), list(honest.values())
    while True:
        name = rng.choice(names)
        yield name, mutated(honest[name], rng, contents)


def _serve(pipe: Connection, name: str) -> None:
    """Read the inputs that come through a pipe, and say of each what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    campaign = CAMPAIGNS[name]
    while path := pipe.recv():
        began, note = time.perf_counter(), ""
        try:
            campaign.read(Path(path))
            outcome = "read"
        except AudiosetToolsError as error:
            outcome = "refused"
            if not error.remedy or "\n" in error.what:
                outcome, note = "crash", f"an error of two lines: {error.what!r:.200}"
        except Refused:
            outcome = "refused"
        except Silent as error:
            outcome, note = "silent", str(error)
        except BaseException:  # noqa: BLE001 - to be told is what this is for
            outcome, note = "crash", traceback.format_exc(limit=-4)
        pipe.send((outcome, 1e3 * (time.perf_counter() - began), _peak(), note))


def _peak() -> float:
    """The most memory that this process ever held, in MB; 0 where the kernel does not say."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    return 0.0


class Reader:
    """A process that reads, begun again when it has ended or is stuck."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._name), daemon=True)
        self._process.start()
        theirs.close()

    def read(self, path: Path) -> tuple[str, float, float, str]:
        """What came of an input: an outcome, milliseconds, the process's peak of memory in MB, and why."""
        self._pipe.send(str(path))
        try:
            if self._pipe.poll(PATIENCE_S):
                found: tuple[str, float, float, str] = self._pipe.recv()
                return found
            outcome = "hang"
        except EOFError:
            outcome = "crash"
        self.end()
        self._begin()
        return outcome, 1e3 * PATIENCE_S if outcome == "hang" else 0.0, 0.0, f"the process: {outcome}"

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def run(name: str, count: int | None, seconds: float, seed: int, keep: Path | None = None) -> Result:
    """Give a campaign so many inputs, or as many as there is time for."""
    result = Result()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "made").mkdir()
        honest, reader = CAMPAIGNS[name].honest(work / "made"), Reader(name)
        stop = time.monotonic() + seconds
        for number, (file, content) in enumerate(inputs(honest, seed)):
            if number == count or (count is None and time.monotonic() > stop):
                break
            place = work / "input"
            place.mkdir(exist_ok=True)
            for old in place.iterdir():
                old.unlink()
            (place / file).write_bytes(content)
            outcome, spent, peak, note = reader.read(place / file)
            result.outcomes[outcome] += 1
            # The first of each kind has what reads it imported.
            if number >= len(honest):
                result.times.append(spent)
            result.peak = max(result.peak, peak)
            if note:
                result.notes.append(f"{name}, input {number}, {file}: {note}")
                if keep:
                    (keep / f"{name}-{number}-{file}").write_bytes(content)
        reader.end()
    return result


def _lists(_: Path) -> dict[str, bytes]:
    official = (
        "# Segments csv created Sun Mar  5 10:54:25 2017\n"
        "# num_ytids=3, num_segs=3, num_unique_labels=2, num_positive_labels=4\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
        + "".join(f'{n:010}A, 30.000, 40.000, "/m/09x0r,/t/dd0008{n}"\n' for n in range(3))
    )
    listed = "ytid,start,end,class,split\n" + "".join(f"{n:010}A,30,40,Piano,train\n" for n in range(9))
    return {
        "eval_segments.csv": official.encode(),
        "list.csv": listed.encode(),
        "list.parquet": _parquet_list(),
    }


def _parquet_list() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"ytid": [f"{n:010}A" for n in range(9)], "start": [30] * 9, "class": ["Piano"] * 9})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _read_list(path: Path) -> object:
    from audioset_tools.catalog.lists import read_list
    from audioset_tools.catalog.segment_list import read_segment_list

    return read_list(path) if path.name == "eval_segments.csv" else read_segment_list(path)


def _recipes(_: Path) -> dict[str, bytes]:
    from audioset_tools.catalog.official import manifest
    from audioset_tools.catalog.recipe import SHIPPED

    named = b'name = "pets"\nseed = 1\n[instruments]\nrejected = ["Music"]\n[tiers]\nspeech = ["speech"]\n'
    for name in (b"Dog", b"Cat", b"Animal"):
        named += b'[[classes]]\nname = "%s"\ninclude = ["%s"]\n' % (name, name)
    return {"pets.toml": named, **{f"{name}.toml": manifest(f"{name}.toml").read_bytes() for name in SHIPPED}}


def _read_recipe(path: Path) -> object:
    from audioset_tools.catalog.ontology import ontology_of
    from audioset_tools.catalog.recipe import read_recipe
    from audioset_tools.catalog.resolve import resolve
    from audioset_tools.simulator.lists import ontology

    return resolve(read_recipe(str(path)), ontology_of(ontology())).digest


def _ontology(_: Path) -> dict[str, bytes]:
    below = '[{"id": "/m/1", "name": "Music", "child_ids": ["/m/2"]}, {"id": "/m/2", "name": "Piano",'
    return {"ontology.json": f'{below} "child_ids": []}}]'.encode()}


def _read_ontology(path: Path) -> object:
    from audioset_tools.catalog.ontology import read_ontology

    ontology = read_ontology(path)
    return ontology.subtree("/m/1"), ontology.most_specific(frozenset({"/m/1", "/m/2"}))


def _streams(folder: Path) -> dict[str, bytes]:
    import subprocess

    from audioset_tools.audio.ffmpeg import ffmpeg_binary

    found = {}
    for name, options in (
        ("s.webm", ["-c:a", "libopus", "-dash", "1", "-cluster_time_limit", "2000"]),
        ("s.m4a", ["-c:a", "aac", "-movflags", "+dash+global_sidx", "-frag_duration", "2000000"]),
    ):
        sound = ["-f", "lavfi", "-i", "sine=440:duration=12", *options, str(folder / name)]
        subprocess.run([str(ffmpeg_binary()), "-v", "error", *sound], check=True)
        found[name] = (folder / name).read_bytes()[:65_536]
    return found


def _read_stream(path: Path) -> object:
    from audioset_tools.sources.stream import Incomplete, read_index

    try:
        index = read_index(path.read_bytes())
    except Incomplete as error:
        raise Refused from error
    if index is None:
        raise Refused
    return index.span(3_000, 9_000)


def _archives(folder: Path) -> dict[str, bytes]:
    import tarfile

    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"Y{n:010}A.wav" for n in range(4)]
    sounds = [bytes([n]) * 500 for n in range(4)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, sound in zip(names, sounds, strict=True):
            zipped.writestr(name, sound)
    taped = io.BytesIO()
    with tarfile.open(fileobj=taped, mode="w") as tar:
        for name, sound in zip(names, sounds, strict=True):
            member = tarfile.TarInfo(name)
            member.size = len(sound)
            tar.addfile(member, io.BytesIO(sound))
    table = io.BytesIO()
    audio = pa.array([{"bytes": sound, "path": name} for name, sound in zip(names, sounds, strict=True)])
    pq.write_table(pa.table({"video_id": [name[1:12] for name in names], "audio": audio}), table)
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("audio_name", data=np.array(names, "S20"))
        file.create_dataset(
            "waveform", data=np.ones((4, 320_00), np.int16), chunks=(1, 320_00), compression=1
        )
    return {
        "a.zip": packed.getvalue(),
        "a.tar": taped.getvalue(),
        "a.parquet": table.getvalue(),
        "a.h5": (folder / "a.h5").read_bytes(),
    }


def _read_archive(path: Path) -> object:
    from itertools import islice

    from audioset_tools.archives.archive import ArchiveError
    from audioset_tools.archives.kinds import archive_at

    archive = archive_at(path)
    if archive is None:
        raise Refused
    try:
        return [len(archive.read(entry)) for entry in islice(archive.index(), 100)]
    except ArchiveError as error:
        raise Refused from error


def _shards(folder: Path) -> dict[str, bytes]:
    from audioset_tools.featurize.run import finish_folder
    from audioset_tools.shards.dataset import write_dataset
    from audioset_tools.shards.placements import Placement
    from audioset_tools.shards.shard import ShardHeader, write_shard
    from audioset_tools.shards.spec import MelSpec

    header = ShardHeader("train", "paper", ("Piano", "Drums"), MelSpec(), "digest", "inputs", "0.1", "0.11")
    path = folder / "train-00000.h5"
    with write_shard(path, header, 6, (4, 6)) as writer:
        for row in range(6):
            mel = np.full((4, 6), row, np.float32)
            writer.add(mel, label=row % 2, key=f"-key_{row}", noise=0, sha256="a" * 64)
    finish_folder(folder, [path])
    placed = [Placement(f"{n:010}A_0", "Piano", (), "train", "clips/x", "a" * 64) for n in range(3)]
    write_dataset(folder / "dataset.csv", placed)
    return {name: (folder / name).read_bytes() for name in ("train-00000.h5", "index.json", "dataset.csv")}


def _read_shard(path: Path) -> object:
    from audioset_tools.shards.dataset import read_dataset
    from audioset_tools.shards.index import read_index
    from audioset_tools.shards.reader import MelShards
    from audioset_tools.shards.shard import classes_of, keys_of, open_shard

    if path.suffix == ".json":
        read_index(path.parent)
        return len(MelShards(path.parent, "train"))
    if path.suffix == ".csv":
        return read_dataset(path)
    shard = open_shard(path)
    keys_of(shard), classes_of(shard)
    return shard.read(0, len(shard))


LEDGER_TABLES = {
    "candidate": "class, rank, ytid, start_ms, end_ms, tier, subset, also, labels, split, state, reason,"
    " detail, attempts, retry_at, tried_at",
    "clip": "class, rank, path, sha256, seconds, peak, source, decoder, fingerprint",
    "named_group": "class, rank, name",
    "video": "ytid, channel_id, channel, title",
    "event": "id, at, class, rank, outcome, reason, detail",
    "tally": "class, state, reason, n",
    "day": "day, class, outcome, reason, n",
    "meta": "name, value",
}
"""All that a command reads of a ledger."""


@cache
def _clean(made: Path) -> frozenset[tuple[object, ...]]:
    """The rows of the honest ledger."""
    return frozenset(_all_of(made / "ledger.sqlite"))


def _ledger(folder: Path) -> dict[str, bytes]:
    from audioset_tools.ledger import Ledger, Origin
    from audioset_tools.types import Candidate, Clip, Failure, Reason, VideoInfo

    names = ("Piano", "Other")
    candidates = [
        Candidate(f"{name[0]}{rank:09}A", 30_000, 40_000, name, 3, rank, "eval", labels=("/m/04rlf", "/m/1"))
        for name in names
        for rank in range(60)
    ]
    candidates = [replace(one, group=f"tape {one.rank // 4}") for one in candidates]
    rng = random.Random(0)
    with Ledger(folder / "ledger.sqlite") as ledger:
        ledger.load(Origin("paper", "a" * 64, "b" * 64, names, 0, (10, 1, 1)), candidates)
        for one in candidates[:50]:
            if one.rank % 3 == 2:
                ledger.fail(one, Failure(one.key, Reason.REMOVED, "gone", 1, None), at=1e9 + one.rank)
                continue
            path, digest = f"clips/{one.class_name}/Y{one.key}.wav", f"{rng.getrandbits(256):064x}"
            clip = Clip(one.key, one.class_name, one.rank, path, digest, 10.0, 0.5, "youtube visionos 251")
            video = VideoInfo("UC", "who", "what")
            clip = replace(clip, decoder="ffmpeg", fingerprint=rng.randbytes(80), video=video)
            ledger.accept(one, clip, at=1e9 + one.rank)
        ledger.put("per_class", "40")
    return {"ledger.sqlite": (folder / "ledger.sqlite").read_bytes()}


def _all_of(path: Path) -> list[tuple[object, ...]]:
    from audioset_tools.ledger import Ledger

    with Ledger(path, read_only=True) as ledger:
        return [
            (table, *row)
            for table, columns in LEDGER_TABLES.items()
            for row in ledger.rows(f"SELECT {columns} FROM {table}")
        ]


def _read_ledger(path: Path) -> object:
    from audioset_tools.exceptions import DataMismatch
    from audioset_tools.fetch.status import read_status
    from audioset_tools.ledger import Ledger
    from audioset_tools.ledger.changes import contradictions, refuse_damage
    from audioset_tools.ledger.queries import events, failures

    with Ledger(path) as ledger:
        refuse_damage(ledger)
        troubles = contradictions(ledger, deep=True)
        read_status(ledger), ledger.clips(), list(failures(ledger)), list(events(ledger))
        for name in ledger.class_names:
            ledger.next_queued(name, -1), ledger.waiting(name)
    if troubles:
        raise DataMismatch(f"verify says: {troubles[0]}", "see there")
    found = _all_of(path)
    if other := [row for row in found if row not in _clean(path.parent.parent / "made")]:
        raise Silent(f"{other[0]!r:.300}")
    return found


ABOUT = (
    '{"config": {"model": "knn"}, "class_names": ["Piano", "Drums"], "multi_label": false, "recipe": "paper",'
    ' "shape": [128, 801], "spec": %s, "spec_digest": "d", "threads": 2, "precision": "float32",'
    ' "versions": {"torch": "2"}}'
)


def _runs(folder: Path) -> dict[str, bytes]:
    from audioset_tools.files import parse_json
    from audioset_tools.runs.about import parse_about
    from audioset_tools.shards.spec import MelSpec
    from audioset_tools.train.weights import Weights, write_weights

    config = ABOUT % MelSpec().json()
    path = folder / "model.safetensors"
    about = parse_about(parse_json(config), path)
    write_weights(path, Weights(about, {"a": np.ones((3, 4), np.float32)}))
    metrics = '{"best_epoch": 3, "test": {"macro": {"f1": 0.85}, "intervals": {"macro": {"f1": [0.7, 0.9]}}}}'
    history = "epoch,train_loss,train_f1,validation_loss,validation_f1,seconds,samples_per_second\n"
    rows = "".join(f"{n:010}A_0,Piano,Drums,0.25,0.75\n" for n in range(4))
    return {
        "config.json": config.encode(),
        "metrics.json": metrics.encode(),
        "history.csv": f"{history}1,0.5,0.5,0.5,0.5,1.0,99.0\n".encode(),
        "predictions.csv": f"key,actual,predicted,Piano,Drums\n{rows}".encode(),
        "model.safetensors": path.read_bytes(),
    }


def _read_run(path: Path) -> object:
    from audioset_tools.runs.folder import read_config, read_history, read_metrics, read_predictions, read_run
    from audioset_tools.train.weights import read_weights

    run = read_run(path.parent)
    run.confusion.sum(), run.score("test", "f1"), run.interval("test", "f1")
    readers: dict[str, Read] = {
        "config.json": lambda path: read_config(path.parent),
        "metrics.json": lambda path: read_metrics(path.parent),
        "history.csv": lambda path: read_history(path.parent),
        "predictions.csv": read_predictions,
        "model.safetensors": read_weights,
    }
    return readers[path.name](path)


def _imports(folder: Path) -> dict[str, bytes]:
    from audioset_tools.manifest.document import MadeFrom, Manifest, ManifestClip, write_manifest

    made = MadeFrom("paper", "d", "", "d", False, False, ("Piano", "Other"), 0, (8, 1, 1), 10_000, 16_000, {})
    clips = tuple(
        ManifestClip(
            f"{n:010}A_0", 10_000, "Piano", (), ("/m/1",), "train", "a" * 64, b"", "youtube", "copy", "f"
        )
        for n in range(4)
    )
    write_manifest(Manifest(made, clips, ()), folder / "manifest.json")
    answer = '{"run": "paper", "key": "%010dA_0", "actual": "Piano", "predicted": "Other", "cause": null,'
    lines = "".join(f'{answer % n} "note": "", "given": {1_700_000_000_000 + n}}}\n' for n in range(4))
    excluded = "key,reason,note\n" + "".join(f"{n:010}A_0,mislabelled,a note\n" for n in range(4))
    return {
        "manifest.json": (folder / "manifest.json").read_bytes(),
        "error-answers.jsonl": lines.encode(),
        "exclude.csv": excluded.encode(),
        "settings.toml": b'[fetch]\nper-class = 2400\nproxy = "http://127.0.0.1:3128"\n',
    }


def _read_import(path: Path) -> object:
    from audioset_tools.cli import cli
    from audioset_tools.cli.config import read_config
    from audioset_tools.errors.answers import read_answers
    from audioset_tools.manifest.document import read_manifest
    from audioset_tools.removal.exclusions import read_exclusions

    readers: dict[str, Read] = {
        "manifest.json": lambda path: read_manifest(path).segment_list(),
        "error-answers.jsonl": read_answers,
        "exclude.csv": read_exclusions,
        "settings.toml": lambda path: read_config(path, cli),
    }
    return readers[path.name](path)


def _embeddings(_: Path) -> dict[str, bytes]:
    from taggers import onnx_tagger, tflite_tagger

    return {
        "any.onnx": onnx_tagger(),
        "fixed.onnx": onnx_tagger(16_000, 2),
        "fixed.tflite": tflite_tagger(),
        "any.tflite": tflite_tagger(1, any_length=True),
    }


def _read_embedding(path: Path) -> object:
    from audioset_tools.train.probe.embedder import Embedder, Embedding, digest_of_file

    embedder = Embedder(Embedding(path, digest_of_file(path), None, 16_000), processes=1)
    return embedder([np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)], 16_000)


CAMPAIGNS = {
    "lists": Campaign(_lists, _read_list),
    "recipes": Campaign(_recipes, _read_recipe),
    "ontology": Campaign(_ontology, _read_ontology),
    "streams": Campaign(_streams, _read_stream),
    "archives": Campaign(_archives, _read_archive),
    "shards": Campaign(_shards, _read_shard),
    "ledger": Campaign(_ledger, _read_ledger),
    "runs": Campaign(_runs, _read_run),
    "imports": Campaign(_imports, _read_import),
    "embedding": Campaign(_embeddings, _read_embedding),
}

COLUMNS = ("refused", "read", "silent", "crash", "hang")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, help="inputs of each campaign")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of each campaign, where there is no --count"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="campaigns, with commas")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that were no good")
    given = parser.parse_args(words)
    names = given.only.split(",") if given.only else list(CAMPAIGNS)
    print(
        f"{'campaign':10}{'inputs':>8}",
        *(f"{name:>8}" for name in COLUMNS),
        " median ms  slowest ms  peak MB",
    )
    bad = 0
    for name in names:
        result = run(name, given.count, given.seconds, given.seed, given.keep)
        counts = [result.outcomes[column] for column in COLUMNS]
        figures = f"{median(result.times or [0]):11.2f}{max(result.times, default=0):12.1f}{result.peak:9.0f}"
        print(f"{name:10}{sum(counts):8,}", *(f"{count:8,}" for count in counts), figures, flush=True)
        for note in dict.fromkeys(
            note.rpartition("\n")[0].rpartition("\n")[2] or note for note in result.notes
        ):
            print(f"    {note}", file=sys.stderr)
        bad += result.outcomes["crash"] + result.outcomes["hang"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
