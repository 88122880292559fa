"""From recordings to what a run hears in them: decode, cut, take the mels, ask the model."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch, UsageError
from ..featurize.mel import LogMel
from ..featurize.spec import CLIP_SECONDS, MelSpec, read_spec
from ..fetch.listen import listen
from ..fetch.source import FetchError
from ..fetch.transcode import SILENT_PEAK, peak_of
from ..train.about import About
from ..types import SAMPLE_RATE, Reason
from .files import Recording
from .heard import Doubles, Heard, Unheard
from .overview import Overview
from .windows import Samples, Window, cut

SHORTEST_HOP_S = 0.1

_BATCH = 16
"""Windows that the model is asked about at once."""


class Network(Protocol):
    """A trained model, as `train.trained.Trained` is one."""

    @property
    def about(self) -> About:
        """What it was trained on."""

    def probabilities(self, mels: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Of every class, [B, classes], for mels, [B, bands, frames]."""


@dataclass(frozen=True, slots=True)
class PredictConfig:
    """How to listen.

    Args:
        hop_s: seconds from one window to the next.
        overview: whether to take the whole recording's spectrogram, for a picture.

    Raises:
        UsageError: it leaves gaps, or is too short.
    """

    hop_s: float = 5.0
    overview: bool = False

    def __post_init__(self) -> None:
        if not SHORTEST_HOP_S <= self.hop_s <= CLIP_SECONDS:
            raise UsageError(
                f"no window begins {self.hop_s:g} s after another",
                f"Give --hop in seconds, {SHORTEST_HOP_S:g} to {CLIP_SECONDS}; windows are"
                f" {CLIP_SECONDS} s long.",
            )


def predict(
    recordings: Sequence[Recording],
    network: Network,
    config: PredictConfig,
    on_progress: Callable[[int, float], None] = lambda done, seconds: None,
) -> Iterator[Heard | Unheard]:
    """Listen to one recording after the other; one that cannot be heard does not stop the rest.

    Memory is that of a few windows and of the answers, however long a recording is.

    Args:
        recordings: what to listen to.
        network: the trained model; its own spec decides the mels.
        config: how.
        on_progress: told how many recordings are done, and how many seconds of the next.

    Yields:
        What was heard, in the order of the recordings.

    Raises:
        DataMismatch: the network was trained on mels that no recording can be given.
    """
    spec = spec_of(network)
    for done, recording in enumerate(recordings):
        try:
            answer: Heard | Unheard = hear(recording, network, spec, config, partial(on_progress, done))
        except FetchError as error:
            answer = Unheard(recording, _in_words(error))
        on_progress(done + 1, 0)
        yield answer


def hear(
    recording: Recording,
    network: Network,
    spec: MelSpec,
    config: PredictConfig,
    on_seconds: Callable[[float], None],
) -> Heard:
    """Listen to one recording.

    Args:
        recording: which.
        network, spec: the trained model, and the mels that it knows.
        config: how.
        on_seconds: told how far it is.

    Raises:
        FetchError: it cannot be decoded.
    """
    overview = Overview(spec) if config.overview else None
    notes: list[str] = []
    windows: list[tuple[int, int]] = []
    answers: list[Doubles] = []

    def blocks() -> Iterator[Samples]:
        for block in listen(recording.path, notes.append):
            if overview is not None:
                overview.add(block)
            yield block

    engine = LogMel(spec)
    hop = round(config.hop_s * SAMPLE_RATE)
    for batch in _batches(cut(blocks(), spec.clip_samples, hop)):
        answers.append(ask(network, engine, batch))
        windows += [(window.start, window.end) for window in batch]
        on_seconds(windows[-1][1] / SAMPLE_RATE)
    return Heard(
        recording=recording,
        class_names=network.about.class_names,
        multi_label=network.about.multi_label,
        windows=tuple(windows),
        probability=np.concatenate(answers),
        notes=tuple(notes),
        spectrogram=overview.finish() if overview is not None else None,
    )


def ask(network: Network, engine: LogMel, windows: Sequence[Window]) -> Doubles:
    """What a model says about some windows: [windows, classes], NaN where there is nothing to hear.

    Each window becomes the mel that featurize would make of it as a clip. A silent one would be no clip, and
    so is no window that a model can say anything about.
    """
    answers = np.full((len(windows), len(network.about.class_names)), np.nan)
    audible = [n for n, window in enumerate(windows) if peak_of(window.samples) >= SILENT_PEAK]
    if audible:
        mels = np.empty((len(audible), *engine.spec.shape), np.float32)
        for row, number in enumerate(audible):
            engine(windows[number].samples * np.float32(2**-15), mels[row])
        answers[audible] = network.probabilities(mels)
    return answers


def spec_of(network: Network) -> MelSpec:
    """The mels that a model knows.

    Raises:
        DataMismatch: they are none that this version makes of a recording.
    """
    about = network.about
    spec = read_spec(json.dumps(dict(about.spec)))
    if (spec.digest, spec.shape, spec.sample_rate) != (about.spec_digest, about.shape, SAMPLE_RATE):
        raise DataMismatch(
            f"the run was trained on mels {about.spec_digest}, which this version does not make",
            "Use the version of audioset-tools that trained it, or train again.",
        )
    return spec


def _batches(windows: Iterable[Window]) -> Iterator[list[Window]]:
    remaining = iter(windows)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _in_words(error: FetchError) -> str:
    if error.reason is Reason.NO_AUDIO:
        return "there is no sound in it"
    return f"it cannot be decoded ({error.detail})" if error.reason is Reason.DECODE else error.detail
