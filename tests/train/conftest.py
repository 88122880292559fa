from pathlib import Path

import numpy as np
import pytest

from audioset_tools.featurize.mel import logmel
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards.shard import ShardHeader, write_shard
from audioset_tools.shards.spec import MelSpec
from audioset_tools.train.config import TrainConfig
from audioset_tools.workspace import Workspace

CLASSES = ("Tone", "Noise", "Clicks")
SPEC = MelSpec(n_mels=32, hop_length=4000)
"""32 bands by 41 frames: small enough to train on within a second."""

QUICK = TrainConfig(filters=(8, 8, 16, 16), batch_size=8, epochs=6, lr=0.003, patience=6)


def sound(class_name: str, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(160_000)
    if class_name == "Tone":
        return np.sin(np.arange(160_000) * rng.uniform(0.1, 1.5)) + 0.05 * noise
    if class_name == "Noise":
        return noise
    return (np.arange(160_000) % rng.integers(7_000, 9_000) < 40) * noise


def write_shards(
    folder: Path,
    spec: MelSpec = SPEC,
    *,
    value: float | None = None,
    per_class: int = 12,
    multi_label: bool = False,
    inputs: str = "",
) -> None:
    """A folder of shards as featurize leaves it; with `value` the first train row is filled with that.

    With `multi_label` every second clip carries the class after its own too, and sounds of both.
    """
    rng = np.random.default_rng(0)
    targets = []
    for split, count in (("train", per_class), ("validation", 3), ("test", 4)):
        header = ShardHeader(
            split,
            "synthetic",
            CLASSES,
            spec,
            spec.digest,
            split + inputs,
            "0.1.0",
            "0.11",
            multi_label,
        )
        target = folder / f"{split}-00000.h5"
        targets.append(target)
        with write_shard(target, header, count * len(CLASSES), spec.shape) as writer:
            for row in range(count * len(CLASSES)):
                label = row % len(CLASSES)
                also = [(label + 1) % len(CLASSES)] if multi_label and row % 2 else []
                heard = sum((sound(CLASSES[each], rng) for each in also), sound(CLASSES[label], rng))
                picture = logmel(heard, spec)
                if row == 0 and split == "train" and value is not None:
                    picture[:] = value
                writer.add(picture, label=label, key=f"-{split}_{row}", noise=0, sha256="0" * 64, also=also)
    finish_folder(folder, targets)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one folder of shards."""
    workspace = Workspace(tmp_path / "workspace")
    write_shards(workspace.shards / "small-1")
    return workspace
