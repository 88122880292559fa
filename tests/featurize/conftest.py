import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Clip
from audioset_tools.workspace import Workspace

CLASSES = ("Tone", "Noise")


def sound(class_name: str, number: int) -> np.ndarray:
    """Ten seconds that are easily told apart: a tone of its own pitch, or noise of its own level."""
    if class_name == "Tone":
        time = np.arange(CLIP_SAMPLES) / SAMPLE_RATE
        return 0.4 * np.sin(2 * np.pi * (300 + 40 * number) * time)
    rng = np.random.default_rng(number)
    return (0.05 + 0.01 * (number % 5)) * rng.standard_normal(CLIP_SAMPLES)


def write_clip(workspace: Workspace, class_name: str, number: int) -> Clip:
    key = f"{'-' if number % 2 else '_'}{class_name[:1]}{number:08d}A_{1000 * number}"
    path = workspace.clip(class_name, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sound(class_name, number)
    soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    return Clip(
        key=key,
        class_name=class_name,
        rank=number,
        path=str(path.relative_to(workspace.root)),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        seconds=10.0,
        peak=float(np.abs(samples).max()),
        source="synthetic",
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def make_clips(workspace: Workspace) -> Callable[[int], Sequence[Clip]]:
    """Clips of every class, numbered from 0."""
    return lambda per_class: [write_clip(workspace, name, n) for name in CLASSES for n in range(per_class)]
