"""What a run heard in a recording, and what follows from that: per window, over time, and altogether."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from ..types import SAMPLE_RATE
from .files import Recording
from .overview import Spectrogram
from .windows import stretches

Doubles = npt.NDArray[np.float64]

THRESHOLD = 0.5
"""Where several classes may sound at once, those more probable than this do."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A run's answers on one recording.

    Args:
        recording: which.
        class_names: what the probabilities are of.
        multi_label: whether several classes may sound at once.
        windows: first sample of each, and the one behind its last; in order.
        probability: of every class, [windows, classes]; NaN for a window with nothing to hear.
        notes: what the user should know of the file.
        spectrogram: of all of it, if it was asked for.
    """

    recording: Recording
    class_names: tuple[str, ...]
    multi_label: bool
    windows: tuple[tuple[int, int], ...]
    probability: Doubles
    notes: tuple[str, ...]
    spectrogram: Spectrogram | None = None

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return self.windows[-1][1] / SAMPLE_RATE

    @property
    def silent(self) -> npt.NDArray[np.bool_]:
        """Which windows hold nothing to hear, [windows]."""
        return np.isnan(self.probability[:, 0])

    @property
    def sounding(self) -> npt.NDArray[np.bool_]:
        """Which classes sound in each window, [windows, classes].

        The most probable one, or, where several may sound at once, all above `THRESHOLD`; none in silence.
        """
        if self.multi_label:
            return self.probability > THRESHOLD
        winners = self.probability == self.probability.max(axis=1, keepdims=True)
        # Of equals the first, as everywhere.
        first: npt.NDArray[np.bool_] = winners & (winners.cumsum(axis=1) == 1)
        return first

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """The samples that each window speaks for; see `windows.stretches`."""
        return stretches(self.windows)

    @property
    def weights(self) -> Doubles:
        """How many seconds each window speaks for, [windows]."""
        return np.array([(end - start) / SAMPLE_RATE for start, end in self.stretches])


@dataclass(frozen=True, slots=True)
class Unheard:
    """A recording that could not be listened to, and why."""

    recording: Recording
    why: str


@dataclass(frozen=True, slots=True)
class Overall:
    """What a recording holds altogether.

    Args:
        dominant: the class with the largest mean probability; None where all is silent.
        mean: of every class's probabilities over the time that is not silent, [classes]; zeros where all is.
        share: of the whole time, silence included, that each class sounds, [classes].
        silent: the share of the time with nothing to hear.
    """

    dominant: str | None
    mean: Doubles
    share: Doubles
    silent: float


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring windows with the same answer.

    Args:
        start_s, end_s: what they speak for, seconds.
        sounding: the classes, as in `Heard.sounding`.
        silent: whether there was nothing to hear.
        probability: the mean of those classes' probabilities; None where there is no such class.
    """

    start_s: float
    end_s: float
    sounding: tuple[str, ...]
    silent: bool
    probability: float | None


def overall(heard: Heard) -> Overall:
    """Sum a recording up; every window counts by the time that it speaks for."""
    weights, silent = heard.weights, heard.silent
    total = weights.sum()
    share = weights @ heard.sounding / total
    if silent.all():
        return Overall(None, np.zeros(len(share)), share, 1.0)
    audible = weights[~silent]
    mean = audible @ heard.probability[~silent] / audible.sum()
    return Overall(heard.class_names[int(mean.argmax())], mean, share, float(weights[silent].sum() / total))


def passages(heard: Heard) -> list[Passage]:
    """A recording from beginning to end, windows with the same answer together."""
    found = []
    sounding, silent, weights, spoken = heard.sounding, heard.silent, heard.weights, heard.stretches
    answers = [
        (bool(quiet), tuple(classes)) for quiet, classes in zip(silent, sounding.tolist(), strict=True)
    ]
    for (quiet, classes), members in groupby(range(len(answers)), key=answers.__getitem__):
        which = list(members)
        chosen = np.array(classes)
        probability = None
        if chosen.any():
            means = heard.probability[which][:, chosen].mean(axis=1)
            probability = float(np.average(means, weights=weights[which]))
        found.append(
            Passage(
                start_s=spoken[which[0]][0] / SAMPLE_RATE,
                end_s=spoken[which[-1]][1] / SAMPLE_RATE,
                sounding=names_of(heard, chosen),
                silent=quiet,
                probability=probability,
            )
        )
    return found


def names_of(heard: Heard, sounding: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """The names of the classes that sound, [classes]."""
    return tuple(name for name, sounds in zip(heard.class_names, sounding, strict=True) if sounds)
