"""What tests are made of: candidates, clips, ledgers, and a workspace as fetch and featurize leave it."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import soundfile

from audioset_tools.audio.segment import peak_of
from audioset_tools.featurize.run import FeaturizeConfig
from audioset_tools.featurize.run import make_shards as make
from audioset_tools.featurize.task import Classes
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.ledger.rows import SEALS
from audioset_tools.tasks.division import Division
from audioset_tools.tasks.engine import Engine
from audioset_tools.types import (
    CLIP_SAMPLES,
    SAMPLE_RATE,
    Candidate,
    Clip,
    Failure,
    OnProgress,
    Reason,
    silent,
)
from audioset_tools.verify.findings import Look
from audioset_tools.workspace import Workspace

CLASSES = ("Tone", "Noise")
"""Of a featurized workspace."""

DEAD = "deaddeaddeA_30000"
"""The key of a candidate that was found removed."""


def looking(workspace: Workspace, deep: bool = False, on_progress: OnProgress = silent) -> Look:
    """A look at a workspace by this very thread."""
    return Look(workspace, Engine(_at_once, lambda: 1), deep, on_progress=on_progress)


def _at_once(work: Callable[..., object], *args: object) -> Future[object]:
    future: Future[object] = Future()
    future.set_result(work(*args))
    return future


def origin(*class_names: str, splits: tuple[int, int, int] = (10, 1, 1)) -> Origin:
    """What a ledger of the recipe `paper` was begun with, but for its classes."""
    return Origin("paper", "", "", class_names, 0, splits)


def candidate(ytid: str, start_ms: int = 30_000, class_name: str = "Flute", rank: int = 0) -> Candidate:
    """Ten seconds of a video."""
    return Candidate(
        ytid, start_ms, start_ms + 10_000, class_name, 3, rank, "eval", labels=("/m/04rlf", "/m/0l14j_")
    )


def numbered(n: int, class_name: str = "Flute") -> list[Candidate]:
    """A queue of videos `0000000000A`, `0000000001A`, ..., each from its beginning."""
    return [candidate(f"{rank:010}A", 0, class_name, rank) for rank in range(n)]


def loaded(path: Path, n: int = 5) -> Ledger:
    """A ledger with two classes of `n` candidates each (`both`)."""
    ledger = Ledger(path)
    ledger.load(origin("Piano", "Other"), both(n))
    return ledger


def both(n: int) -> list[Candidate]:
    """The candidates of `loaded`: first those of Piano, then those of Other."""
    return [
        candidate(f"{name[0]}{rank:09}A", 0, name, rank) for name in ("Piano", "Other") for rank in range(n)
    ]


def reseal(ledger: Ledger) -> None:
    """Make the checksums those of what a test wrote into a ledger past its methods."""
    sealed = {column: expression for _, which, _ in SEALS for column, expression in [which.split(" <> ")]}
    with ledger.transaction() as execute:
        execute(f"UPDATE candidate SET standing = {sealed['standing']}")
        execute(f"UPDATE candidate SET seal = {SEALS[0][1].partition(' <> ')[2]}")
        its_own = "candidate.class = clip.class AND candidate.rank = clip.rank"
        execute(f"UPDATE clip SET seal = (SELECT {sealed['clip.seal']} FROM candidate WHERE {its_own})")


def clip(candidate: Candidate) -> Clip:
    """A record of a clip that is nowhere on disk."""
    path = f"clips/{candidate.class_name}/Y{candidate.key}.wav"
    return Clip(
        candidate.key, candidate.class_name, candidate.rank, path, "ab" * 32, 10.0, 0.5, "test",
        decoder="ffmpeg 5.1.9 soxr", fingerprint=b"\x00\xff", labels=candidate.labels, split=candidate.split,
    )  # fmt: skip


def sound(class_name: str, number: int) -> np.ndarray:
    """Ten seconds that are easily told apart: a tone of its own pitch, or noise of its own level."""
    if class_name == "Tone":
        time = np.arange(CLIP_SAMPLES) / SAMPLE_RATE
        return 0.4 * np.sin(2 * np.pi * (300 + 40 * number) * time)
    rng = np.random.default_rng(number)
    return (0.05 + 0.01 * (number % 5)) * rng.standard_normal(CLIP_SAMPLES)


def write_clip(workspace: Workspace, class_name: str, number: int) -> Clip:
    """A clip on disk with such a sound, and its record."""
    key = f"{'-' if number % 2 else '_'}{class_name[:1]}{number:08d}A_{1000 * number}"
    path = workspace.clip(class_name, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound(class_name, number), SAMPLE_RATE, subtype="PCM_16")
    return Clip(
        key=key,
        class_name=class_name,
        rank=number,
        path=str(path.relative_to(workspace.root)),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        seconds=10.0,
        peak=peak_of(soundfile.read(path, dtype="int16")[0]),
        source="synthetic",
    )


def featurized(root: Path, preset: str = "paper", per_class: int = 5) -> Workspace:
    """Some clips of each of two classes and a dead candidate, one noise copy, three shards and more."""
    workspace = Workspace(root)
    clips = [write_clip(workspace, name, number) for name in CLASSES for number in range(per_class)]
    queues = [candidate(one.key[:11], int(one.key[12:]), one.class_name, one.rank) for one in clips]
    dead = candidate(DEAD[:11], 30_000, CLASSES[0], rank=per_class)
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin(*CLASSES, splits=(8, 1, 1)), [*queues, dead])
        for one, its_clip in zip(queues, clips, strict=True):
            ledger.accept(one, its_clip, at=1)
        ledger.fail(dead, Failure(DEAD, Reason.REMOVED, "gone \033[31m", 1, None), at=2)
        accepted = [its_clip for _, its_clip in ledger.clips()]
    make_shards(workspace, accepted, preset)
    return workspace


def make_shards(workspace: Workspace, clips: list[Clip], preset: str) -> None:
    """The shards of one preset."""
    make(workspace, clips, Classes("paper", CLASSES), FeaturizeConfig(preset, division=Division(1)))
