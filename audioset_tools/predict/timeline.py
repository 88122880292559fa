"""A recording cut into windows, what is active in each, and what follows: over time, and altogether."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, groupby, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..audio.recording import Block
from ..exceptions import UsageError
from ..ledger import Ledger
from ..ledger.changes import candidates_of
from ..ledger.queries import Standing, standing
from ..runs.metrics import THRESHOLD, Probabilities, Rates
from ..types import ClipId, parse_id
from ..workspace import AnyPath, Workspace, printable
from .overview import Spectrogram

_SOUND = (
    "3ga aac ac3 aif aifc aiff amr ape au caf dts eac3 flac gsm m4a m4b mka mp1 mp2 mp3 mpc oga ogg opus ra"
    " snd spx tak tta voc w64 wav wma wv"
)
_PICTURES = "3g2 3gp asf avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv rm rmvb ts vob webm wmv"

SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_SOUND} {_PICTURES}".split())
"""What is tried in a folder; a file that is named itself may be called anything."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file with sound.

    Args:
        name: its path below the folder that was named, or its own name; for what is written about it.
    """

    path: Path
    name: Path


def find_recordings(given: Sequence[AnyPath], workspace: Workspace | None = None) -> list[Recording]:
    """All recordings, each once, in the order given, those of a folder by path.

    Hidden files and folders are passed over, symbolic links to folders are not followed.

    Args:
        given: files, folders, and ids of clips; a file of that name comes first.
        workspace: whose clips the ids mean.

    Raises:
        UsageError: one of them does not exist, or a folder holds no recording.
        DataMismatch: the workspace's ledger is damaged.
    """
    found: dict[Path, Recording] = {}
    for text, path in ((os.fspath(each), Path(each)) for each in given):
        if path.is_dir():
            inside = sorted(_inside(path))
            if not inside:
                raise UsageError(
                    f"there is no recording in the folder {printable(path)}",
                    "Name another, or the file itself: in a folder only usual suffixes are tried.",
                )
            for one in inside:
                found.setdefault(one, Recording(one, one.relative_to(path)))
        elif path.exists():
            found.setdefault(path, Recording(path, Path(path.name)))
        elif workspace is not None and (meant := parse_id(text)):
            for path in _clips_meant(meant, workspace):
                found.setdefault(path, Recording(path, Path(path.name)))
        else:
            raise UsageError(f"there is no file {printable(text)}", "Name files or folders that exist.")
    return list(found.values())


def _clips_meant(meant: ClipId, workspace: Workspace) -> list[Path]:
    """The files of the clips of a workspace that are meant.

    Raises:
        UsageError: there is none.
        DataMismatch: the ledger is damaged.
    """
    known: list[Standing | None] = []
    if workspace.ledger.exists():
        with Ledger(workspace.ledger, read_only=True) as ledger:
            keys = dict.fromkeys(one.key for one in candidates_of(ledger, [meant.ytid]))
            known = [standing(ledger, key) for key in keys if meant.holds(key)]
    clips = [workspace.root / one.clip.path for one in known if one and one.clip]
    if not clips:
        raise UsageError(
            f"{meant} is neither a file nor a clip of {printable(workspace.root)}",
            "Name files or folders that exist, or clips of the --workspace; `audioset-tools inspect ID` says"
            " what became of one.",
        )
    return clips


def _inside(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and path.is_file():
                yield path


Samples = npt.NDArray[np.int16]

UNSURE = 0.5
"""Below which probability no class is named unless another threshold is asked for: it is then more probably
another one."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a recording, `samples`, [at most a window's length], from the sample `start` on."""

    start: int
    samples: Samples

    @property
    def end(self) -> int:
        """The sample behind its last."""
        return self.start + len(self.samples)


def cut(blocks: Iterable[Block], length: int, hop: int) -> Iterator[Window]:
    """Cut windows out of a recording as it comes; no more than one and a block is kept.

    They begin every `hop` samples. The last one ends with the recording and so may begin sooner; only a
    recording that is shorter than a window gives a shorter one. So it is on either side of a hole, within
    which no window lies.

    Args:
        blocks: the recording, in any pieces; where one begins behind the end of the last there is a hole.
        length: samples of a window.
        hop: samples from one to the next, 1 to `length`.
    """
    kept, start, done = np.zeros(0, np.int16), 0, 0
    for block in blocks:
        if block.start != start + len(kept):
            yield from _last(kept, start, done, length)
            kept, start, done = np.zeros(0, np.int16), block.start, 0
        kept = np.concatenate([kept, block.samples])
        while len(kept) >= length + (hop if done else 0):
            # The window before is kept: the last may need to begin inside it.
            if done:
                kept, start = kept[hop:], start + hop
            done = start + length
            yield Window(start, kept[:length])
    yield from _last(kept, start, done, length)


def _last(kept: Samples, start: int, done: int, length: int) -> Iterator[Window]:
    if len(kept) and start + len(kept) > done:
        last = kept[-length:]
        yield Window(start + len(kept) - len(last), last)


def intervals(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretch that each window speaks for: all of a recording, each part once.

    It reaches half way to the neighbours' middles, and at either end to the recording's end. Of a hole each
    side speaks for half: both are silent there.

    Args:
        windows: first sample of each, and the one behind its last; in order.
    """
    middles = [(start + end) // 2 for start, end in windows]
    borders = [(one + next) // 2 for one, next in pairwise(middles)]
    first, last = windows[0][0], windows[-1][1]
    return list(zip([first, *borders], [*borders, last], strict=True))


Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run's predictions for one recording.

    Args:
        class_names: what the probabilities are of.
        multi_label: whether several classes may be active at once.
        sample_rate: in which the windows are counted, in hertz.
        windows: first sample of each, and the one behind its last; in order.
        probability: of every class, [windows, classes]; NaN for a silent window.
        notes: what the user should know of the file.
        unsure_below: the probability that a window's best class must have; 0 where several may be active.
        spectrogram: of all of it, if it was asked for.
    """

    recording: Recording
    class_names: tuple[str, ...]
    multi_label: bool
    sample_rate: int
    windows: tuple[tuple[int, int], ...]
    probability: Probabilities
    notes: tuple[str, ...]
    unsure_below: float = 0.0
    spectrogram: Spectrogram | None = None

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return self.windows[-1][1] / self.sample_rate

    @property
    def silent(self) -> npt.NDArray[np.bool_]:
        """Which windows are silent, [windows]."""
        return np.isnan(self.probability[:, 0])

    @property
    def unsure(self) -> npt.NDArray[np.bool_]:
        """In which windows no class is probable enough to be named, [windows]."""
        unsure: npt.NDArray[np.bool_] = self.probability.max(axis=1) < self.unsure_below
        return unsure

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        """Which classes are predicted in each window, [windows, classes].

        The most probable one, or, where several may be active, all above `THRESHOLD`; none in silence, and
        none where the model is unsure.
        """
        if self.multi_label:
            return self.probability > THRESHOLD
        winners = self.probability == self.probability.max(axis=1, keepdims=True)
        # Of equals the first, as everywhere.
        first: npt.NDArray[np.bool_] = winners & (winners.cumsum(axis=1) == 1)
        return first & ~self.unsure[:, np.newaxis]

    @property
    def intervals(self) -> list[tuple[int, int]]:
        """The samples that each window speaks for; see `intervals`."""
        return intervals(self.windows)

    @property
    def durations(self) -> Seconds:
        """How many seconds each window speaks for, [windows]."""
        return np.array([(end - start) / self.sample_rate for start, end in self.intervals])


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A recording that could not be decoded, and why."""

    recording: Recording
    why: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What a recording holds altogether.

    Args:
        dominant: the class with the largest mean probability; None where all is silent, or that is too small
            to name it.
        mean: of every class's probabilities over the time that is not silent, [classes]; zeros where all is.
        share: of the whole time, silence included, in which each class is active, [classes].
        silent, unsure: the shares of the time that is silent, and in which no class was named.
    """

    dominant: str | None
    mean: Probabilities
    share: Rates
    silent: float
    unsure: float


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring windows with the same answer.

    Args:
        start_s, end_s: what they speak for, seconds.
        active: the classes, as in `Timeline.active`.
        silent, unsure: then there are none.
        probability: the mean of those classes' probabilities; None where there is no such class.
    """

    start_s: float
    end_s: float
    active: tuple[str, ...]
    silent: bool
    unsure: bool
    probability: float | None


def summary(timeline: Timeline) -> Summary:
    """Sum a recording up; every window counts by the time that it speaks for."""
    durations, silent = timeline.durations, timeline.silent
    total = durations.sum()
    share = durations @ timeline.active / total
    if silent.all():
        return Summary(None, np.zeros(len(share)), share, 1.0, 0.0)
    audible = durations[~silent]
    mean = audible @ timeline.probability[~silent] / audible.sum()
    return Summary(
        dominant=timeline.class_names[int(mean.argmax())] if mean.max() >= timeline.unsure_below else None,
        mean=mean,
        share=share,
        silent=float(durations[silent].sum() / total),
        unsure=float(durations[timeline.unsure].sum() / total),
    )


def passages(timeline: Timeline) -> list[Passage]:
    """A recording from beginning to end, windows with the same answer together."""
    found = []
    durations, spoken = timeline.durations, timeline.intervals
    active = map(tuple, timeline.active.tolist())
    answers = list(zip(timeline.silent.tolist(), timeline.unsure.tolist(), active, strict=True))
    for (silent, unsure, classes), members in groupby(range(len(answers)), key=answers.__getitem__):
        which = list(members)
        chosen = np.array(classes)
        probability = None
        if chosen.any():
            means = timeline.probability[which][:, chosen].mean(axis=1)
            probability = float(np.average(means, weights=durations[which]))
        found.append(
            Passage(
                start_s=spoken[which[0]][0] / timeline.sample_rate,
                end_s=spoken[which[-1]][1] / timeline.sample_rate,
                active=names_of(timeline, chosen),
                silent=silent,
                unsure=unsure,
                probability=probability,
            )
        )
    return found


def names_of(timeline: Timeline, active: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """The names of those classes of a timeline that are active, [classes]."""
    return tuple(compress(timeline.class_names, active))
