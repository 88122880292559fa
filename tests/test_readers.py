"""Every reader of a file, and what a hostile one holds or is: a result, or an error with a remedy, in bounds.

A reader is one line of `READERS`; every attack is tried on it.
"""

import os
import re
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.archives.archive import ArchiveError
from audioset_tools.archives.index import load_listing
from audioset_tools.archives.kinds import archive_at
from audioset_tools.audio.clip import read_clip
from audioset_tools.catalog.lists import read_list
from audioset_tools.catalog.ontology import read_ontology
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.segment_list import read_segment_list
from audioset_tools.cli import cli
from audioset_tools.cli.config import read_config as read_settings
from audioset_tools.errors.answers import read_answers
from audioset_tools.exceptions import AudiosetToolsError
from audioset_tools.ledger import Ledger
from audioset_tools.manifest.document import read_manifest
from audioset_tools.predict.labelled import read_labels
from audioset_tools.removal.exclusions import read_exclusions
from audioset_tools.runs.folder import read_config, read_history, read_metrics, read_predictions, read_run
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.index import read_index
from audioset_tools.shards.shard import open_shard
from audioset_tools.sources.hub.pinned import kept_pin
from audioset_tools.sources.learned import read_learned
from audioset_tools.train.weights import read_checkpoint, read_weights

MOST_MEMORY = 200_000_000

Read = Callable[[Path], object]


@dataclass(frozen=True)
class Reader:
    """A reader.

    Args:
        read: given the path of a file.
        name: of the file.
        honest: a file that it reads.
        pipes: whether it waits for a pipe, which a user names himself.
    """

    read: Read
    name: str
    honest: str = ""
    pipes: bool = False


def of_folder(read: Read) -> Read:
    return lambda path: read(path.parent)


def of_ledger(path: Path) -> None:
    Ledger(path).__exit__(None, None, None)


def to_look(path: Path) -> None:
    Ledger(path, read_only=True).__exit__(None, None, None)


def read_archive(path: Path) -> None:
    archive = archive_at(path)
    if archive is not None:
        with suppress(ArchiveError):
            for entry in islice(archive.index(), 10):
                archive.read(entry)


SETTINGS = "[fetch]\nper-class = 2400\njobs = 4\n"

LEARNED = '{"visitor_id": "x", "asked_at": 1.0, "confirmed": {"words": [1, 2]}}'

ANSWER = (
    '{"run": "paper", "key": "AAAAAAAAAAA_0", "actual": "Piano", "predicted": "Drums", "cause": null,'
    ' "note": "", "given": 1700000000000}\n'
)

ABOUT = """{"config": {"model": "paper", "lr": 0.001, "seed": 0}, "class_names": ["Piano", "Drums"],
"multi_label": false, "recipe": "paper", "spec": {"sample_rate": 16000, "n_fft": 400, "win_length": 400,
"hop_length": 200, "n_mels": 128, "fmin": 0.0, "fmax": 8000.0, "htk": true, "norm": null, "power": 2.0,
"center": true, "log": false, "amin": 1e-10, "top_db": 80.0}, "spec_digest": "d", "shape": [128, 801],
"versions": {"torch": "2"}, "threads": 2, "precision": "float32"}"""

METRICS = """{"best_epoch": 3, "test": {"macro": {"f1": 0.85}, "classes": {"Piano": {"f1": 0.8}},
"intervals": {"macro": {"f1": [0.7, 0.95]}}}}"""

HISTORY = """epoch,train_loss,train_f1,validation_loss,validation_f1,seconds,samples_per_second
1,0.5,0.5,0.5,0.5,1.0,99.0
"""

PREDICTIONS = "key,group,actual,predicted,Piano,Drums\n-key000001A_1000,-key000001A,Piano,Drums,0.25,0.75\n"

DATASET = f"key,class,also,split,path,sha256,labels\nAAAAAAAAAAA_1000,Piano,,train,clips/x.wav,{'a' * 64},\n"

EXCLUSIONS = "key,reason,note\nAAAAAAAAAAA_1000,mislabelled,\n"

ONTOLOGY = """[{"id": "/m/1", "name": "Music", "child_ids": ["/m/2"]},
{"id": "/m/2", "name": "Piano", "child_ids": []}]"""

LIST = """# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=1, num_segs=1, num_unique_labels=1, num_positive_labels=1
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r"
"""

RECIPE = (Path(__file__).parents[1] / "manifests" / "paper.toml").read_text()

MANIFEST = """{"audioset-tools manifest": 1,
"made from": {"recipe": "paper", "seed": 0, "splits": [8, 1, 1]},
"clips": [
],
"left out": [
]}
"""

READERS = {
    "a shard": Reader(open_shard, "train-00000.h5"),
    "the index of shards": Reader(of_folder(read_index), "index.json"),
    "the frozen splits": Reader(read_dataset, "dataset.csv", DATASET),
    "labelled recordings": Reader(read_labels, "labels.csv", "path,class\n1.wav,Piano\n2.wav,Drums\n"),
    "settings of a run": Reader(of_folder(read_config), "config.json", ABOUT),
    "scores of a run": Reader(of_folder(read_metrics), "metrics.json", METRICS),
    "epochs of a run": Reader(of_folder(read_history), "history.csv", HISTORY),
    "predictions of a run": Reader(read_predictions, "predictions.csv", PREDICTIONS),
    "a run": Reader(of_folder(read_run), "config.json", ABOUT),
    "weights": Reader(read_weights, "model.safetensors"),
    "a checkpoint": Reader(of_folder(read_checkpoint), "checkpoint.safetensors"),
    "a recipe": Reader(lambda path: read_recipe(str(path)).digest, "recipe.toml", RECIPE),
    "the ontology": Reader(read_ontology, "ontology.json", ONTOLOGY),
    "an official list": Reader(read_list, "eval_segments.csv", LIST),
    "a list of segments": Reader(read_segment_list, "list.csv", "ytid,start\nAAAAAAAAAAA,30\n"),
    "a manifest": Reader(read_manifest, "manifest.json", MANIFEST),
    "an exclusion list": Reader(read_exclusions, "exclude.csv", EXCLUSIONS, pipes=True),
    "settings": Reader(lambda path: read_settings(path, cli), "settings.toml", SETTINGS),
    "what was learned of YouTube": Reader(lambda path: read_learned(path, 1e9), "youtube.json", LEARNED),
    "which commit of a mirror": Reader(of_folder(kept_pin), "mirror.json"),
    "the index of archives": Reader(lambda path: load_listing(path, []), "a.listing"),
    "answers": Reader(read_answers, "error-answers.jsonl", ANSWER),
    "a clip": Reader(lambda path: read_clip(path, "a" * 64), "Yx.wav"),
    "an archive of HDF5": Reader(read_archive, "a.h5"),
    "a zip": Reader(read_archive, "a.zip"),
    "a tar": Reader(read_archive, "a.tar"),
    "a parquet file": Reader(read_archive, "a.parquet"),
    "a ledger": Reader(of_ledger, "ledger.sqlite"),
    "a ledger looked at": Reader(to_look, "ledger.sqlite"),
}

DEEP = 100_000

CONTENTS = {
    "JSON nested": b'{"a": ' * DEEP + b"1" + b"}" * DEEP,
    "lists nested": b"[" * DEEP + b"]" * DEEP,
    "TOML nested": b"a = " + b"[" * DEEP,
    "tables nested": b"a." * 3_000 + b"a = 1",
    "nothing": b"",
    "zeros": bytes(100_000),
    "one long line": b"x" * 10_000_000,
    "no text": bytes(range(128, 256)) * 100,
}
"""What a file may hold, whatever it should."""


def pipe(path: Path) -> None:
    os.mkfifo(path)


def linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def memory_bomb(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(6_000_000_000)


PLACES: dict[str, Callable[[Path], object]] = {
    "a pipe": pipe,
    "a link to a pipe": linked_pipe,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link in a circle": lambda path: path.symlink_to(path.name),
    "a folder": Path.mkdir,
    "6 GB of nothing": memory_bomb,
}
"""What may lie in a file's place."""


class TooLong(BaseException):
    """Nothing catches it."""


@contextmanager
def bounded() -> Iterator[None]:
    """An error of ours, or none; without being waited for, and in little memory."""

    def ring(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    tracemalloc.start()
    try:
        yield
    except AudiosetToolsError as error:
        assert error.what and error.remedy and "\n" not in error.what
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("attack", PLACES)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_no_trap(tmp_path: Path, name: str, attack: str) -> None:
    reader = READERS[name]
    if reader.pipes and "pipe" in attack:
        return
    PLACES[attack](tmp_path / reader.name)
    with bounded():
        reader.read(tmp_path / reader.name)


@pytest.mark.parametrize("name", READERS)
def test_what_makes_no_sense_is_told(tmp_path: Path, name: str) -> None:
    reader = READERS[name]
    for content in CONTENTS.values():
        (tmp_path / reader.name).write_bytes(content)
        with bounded():
            reader.read(tmp_path / reader.name)


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if reader.honest])
def test_a_value_in_an_honest_file_is_no_trap(tmp_path: Path, name: str) -> None:
    """Each of the first numbers becomes one of 400 digits, a list nested deep, or what is no number."""
    reader = READERS[name]
    path = tmp_path / reader.name
    path.write_text(reader.honest)
    with bounded():
        reader.read(path)
    numbers = list(re.finditer(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?", reader.honest))
    for place in numbers[:: max(1, len(numbers) // 12)]:
        for value in ("1" + "0" * 400, "1" + "0" * 5_000, "1e400", "[" * 900 + "]" * 900, "-1", "NaN", "[]"):
            path.write_text(reader.honest[: place.start()] + value + reader.honest[place.end() :])
            with bounded():
                reader.read(path)


def test_a_stranger_cannot_size_our_arrays(tmp_path: Path) -> None:
    """A spec comes with a run, and decides how large its filters are."""
    for field, value in (
        ("n_mels", "100000000"),
        ("n_fft", "100000000"),
        ("sample_rate", "100000000"),
        ("hop_length", "0.0"),
        ("hop_length", "200.0"),
    ):
        (tmp_path / "config.json").write_text(re.sub(rf'"{field}": \d+', f'"{field}": {value}', ABOUT))
        with pytest.raises(AudiosetToolsError, match="no mel spec"):
            read_config(tmp_path)
    assert np.prod(read_config_of(tmp_path).shape) == 128 * 801


def read_config_of(folder: Path) -> object:
    (folder / "config.json").write_text(ABOUT)
    return read_config(folder)
