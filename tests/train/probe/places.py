"""A workspace whose classes a small tagger tells apart."""

from pathlib import Path

import numpy as np
from taggers import PITCHES

from audioset_tools.audio.clip import write_clip
from audioset_tools.featurize.run import FeaturizeConfig, make_shards
from audioset_tools.featurize.task import Classes
from audioset_tools.tasks.division import Division
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Clip, Splits
from audioset_tools.workspace import Workspace

CLASSES = ("Low", "Middle", "High")
BANDS = {"Low": (0, 1), "Middle": (3, 4), "High": (6, 7)}
"""Which pitches of the taggers a class has."""


def sound(class_names: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """Ten seconds of noise, in which a second of a tone of each class comes at some time."""
    samples = 0.05 * rng.standard_normal(CLIP_SAMPLES)
    for name in class_names:
        start = rng.integers(0, 9) * SAMPLE_RATE
        hertz = PITCHES[rng.choice(BANDS[name])]
        samples[start : start + SAMPLE_RATE] += 0.15 * np.sin(
            2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE
        )
    return np.clip(samples * 2**15, -(2**15), 2**15 - 1).astype(np.int16)


def place(root: Path, multi_label: bool = False) -> Workspace:
    """Eight clips of each class with a noise copy of those of the train split; multi-label, every second has
    the next class too."""
    workspace, rng, clips = Workspace(root), np.random.default_rng(0), []
    for rank in range(8):
        for place, name in enumerate(CLASSES):
            also = (CLASSES[(place + 1) % 3],) if multi_label and rank % 2 else ()
            key = f"{name:_<10.10}{'AEIMQUYc'[rank]}_{rank}000"
            sha256 = write_clip(sound((name, *also), rng), workspace.clip(name, key))
            path = str(workspace.clip(name, key).relative_to(workspace.root))
            clips.append(Clip(key, name, rank, path, sha256, 10.0, 0.3, "synthetic", also=also))
    config = FeaturizeConfig(division=Division(1), splits=Splits(4, 2, 2))
    make_shards(workspace, clips, Classes("paper", CLASSES, multi_label), config)
    return workspace
