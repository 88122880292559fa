"""A network without weights, and recordings that it tells apart."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from audioset_tools.predict.timeline import Recording, Timeline
from audioset_tools.shards.spec import MelSpec
from audioset_tools.types import SAMPLE_RATE

RATE = 16_000

SPEC = MelSpec(n_mels=32, hop_length=4_000)

CLASSES = ("Tone", "Noise")


@dataclass
class Ears:
    """Hears a tone where one band holds most of the power, else noise; keeps the mels that it was given."""

    spec: MelSpec = SPEC
    class_names: tuple[str, ...] = CLASSES
    multi_label: bool = False
    seen: list[np.ndarray] = field(default_factory=list)
    embedder: None = None

    @property
    def about(self) -> SimpleNamespace:
        return SimpleNamespace(
            class_names=self.class_names,
            multi_label=self.multi_label,
            spec=self.spec,
            spec_digest=self.spec.digest,
            shape=self.spec.shape,
        )

    def probabilities(self, mels: np.ndarray) -> np.ndarray:
        self.seen += list(mels.copy())
        bands = mels.sum(axis=2, dtype=np.float64)
        tone = np.sort(bands, axis=1)[:, -3:].sum(axis=1) / bands.sum(axis=1)
        return np.stack([tone, 1 - tone], axis=1)


def tone(seconds: float, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def noise(seconds: float) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))


@pytest.fixture
def ears() -> Ears:
    return Ears()


def write(path: Path, *parts: np.ndarray) -> Path:
    """A recording of some parts, in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.concatenate(parts), SAMPLE_RATE)
    return path


def heard(*answers: tuple[float, ...], multi_label: bool = False, unsure_below: float = 0.0) -> Timeline:
    """Answers on windows of ten seconds that follow one another."""
    return Timeline(
        recording=Recording(Path("a/b\n.wav"), Path("b\n.wav")),
        class_names=("Piano", "Drums", "Flute"),
        multi_label=multi_label,
        sample_rate=RATE,
        windows=tuple((10 * RATE * n, 10 * RATE * (n + 1)) for n in range(len(answers))),
        probability=np.array(answers),
        notes=(),
        unsure_below=unsure_below,
    )
