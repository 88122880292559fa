"""Mels of a few bands whose classes can be told apart, written at once: no sound is made or analysed."""

import sys
from pathlib import Path

import numpy as np

from audioset_tools.featurize.run import finish_folder
from audioset_tools.runs.about import About
from audioset_tools.shards.shard import ShardHeader, write_shard
from audioset_tools.shards.spec import MelSpec
from audioset_tools.train.baselines import CLASSICAL
from audioset_tools.workspace import Workspace

CLASSES = ("Piano", "Drums", "Flute")
FITTED = [name for name in CLASSICAL if sys.version_info < (3, 14) or not CLASSICAL[name].library]
"""The baselines that can be fitted here: there is no hmmlearn for Python 3.14."""

SHAPE = (12, 24)
SPEC = MelSpec(log=True)


def mel(classes: list[int], rng: np.random.Generator, noise: float = 2) -> np.ndarray:
    """Decibels: each class lifts its own bands, and makes them swing at its own pace."""
    picture = rng.normal(-60, noise, SHAPE)
    for one in classes:
        swing = 8 * np.sin(np.arange(SHAPE[1]) * (0.3 + 0.5 * one) + rng.uniform(0, 6))
        picture[one::4] += 20 + swing
    return picture.astype(np.float32)


def targets(split: str, count: int, multi_label: bool, rng: np.random.Generator) -> list[list[int]]:
    """The classes of some clips; multi-label, each has one, two or all of them."""
    singles = [[row % len(CLASSES)] for row in range(count)]
    if not multi_label:
        return singles
    return [sorted({*single, *np.flatnonzero(rng.random(len(CLASSES)) < 0.4).tolist()}) for single in singles]


def write(
    folder: Path,
    *,
    multi_label: bool = False,
    noise_copies: int = 0,
    clips: tuple[int, int, int] = (30, 12, 15),
    noise: float = 2,
    class_names: tuple[str, ...] = CLASSES,
    digest: str = "small",
) -> Path:
    """A folder of shards as featurize leaves it; only the train split has noise copies, and louder ones."""
    rng = np.random.default_rng(0)
    shards = []
    for split, count in zip(("train", "validation", "test"), clips, strict=True):
        copies = noise_copies if split == "train" else 0
        header = ShardHeader(split, "paper", class_names, SPEC, digest, split, "0.1.0", "0.11", multi_label)
        shards.append(folder / f"{split}-00000.h5")
        with write_shard(shards[-1], header, count * (1 + copies), SHAPE) as writer:
            for row, classes in enumerate(targets(split, count, multi_label, rng)):
                for copy in range(1 + copies):
                    writer.add(
                        mel(classes, rng, noise * (1 + copy)),
                        label=classes[0],
                        also=classes[1:],
                        key=f"-{split}_{row}",
                        noise=copy,
                        sha256="0" * 64,
                    )
    finish_folder(folder, shards)
    return folder


def place(root: Path, **kwargs: object) -> Workspace:
    """A workspace with one folder of such shards."""
    workspace = Workspace(root)
    write(workspace.shards / "small", **kwargs)  # type: ignore[arg-type]
    return workspace


def about(**changes: object) -> About:
    """What a run of these shards is about."""
    content: dict[str, object] = {
        "config": {"model": "svm", "seed": 0},
        "class_names": CLASSES,
        "multi_label": False,
        "recipe": "paper",
        "spec": SPEC,
        "spec_digest": "small",
        "shape": SHAPE,
        "versions": {"audioset_tools": "0.1.0"},
        "threads": 1,
        "precision": "float32",
    }
    return About(**{**content, **changes})  # type: ignore[arg-type]
