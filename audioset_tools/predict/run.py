"""From recordings to what is active in them: decode, cut, take the mels, ask the model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..audio.clip import Floats
from ..audio.ffmpeg import DecodeError, DecodeFault
from ..audio.recording import Block, decode_all
from ..compiled import saying
from ..exceptions import DataMismatch, UsageError
from ..featurize.mel import LogMel
from ..runs.about import About
from ..runs.evaluation import Mels
from ..runs.folder import Run, find_run
from ..runs.metrics import Probabilities
from ..shards.spec import MelSpec
from ..train.probe.embedder import Embedder
from ..train.step import keep_memory
from ..train.trained import load_run, pick_device
from ..types import CLIP_SECONDS, SAMPLE_RATES, OnProgress, Progress, message, silent
from ..words import duration
from ..workspace import AnyPath, Workspace
from .overview import Overview
from .silence import is_silent
from .summary import csv_of
from .targets import Targets, require_writable, target_paths
from .timeline import UNSURE, Recording, Timeline, Unreadable, Window, cut, find_recordings

if TYPE_CHECKING:
    from .page import PageWriter

SHORTEST_HOP_S = 0.1

_BATCH = 16
"""Windows that the model is asked about at once."""

Answer = Timeline | Unreadable


class Model(Protocol):
    """A trained model, as `train.trained.Trained` is one."""

    @property
    def about(self) -> About:
        """What it was trained on."""

    @property
    def embedder(self) -> Embedder | None:
        """What gives it the features of sounds, if it does not take their mels."""

    def probabilities(self, mels: Mels) -> Probabilities:
        """Of every class, [B, classes], for mels, [B, bands, frames], or features, [B, features]."""


@dataclass(frozen=True, slots=True)
class PredictConfig:
    """How to predict.

    Args:
        hop_s: seconds from one window to the next.
        unsure: the probability below which no class is named; None for `UNSURE` where a window has one class,
            and for none where it may have several.
        overview: whether to take the whole recording's spectrogram, for a picture.

    Raises:
        UsageError: the hop leaves gaps, or is too short; or there is no such probability.
    """

    hop_s: float = 5.0
    unsure: float | None = None
    overview: bool = False

    def __post_init__(self) -> None:
        if not SHORTEST_HOP_S <= self.hop_s <= CLIP_SECONDS:
            raise UsageError(
                f"no window begins {self.hop_s:g} s after another",
                f"Give --hop in seconds, {SHORTEST_HOP_S:g} to {CLIP_SECONDS}; windows are"
                f" {CLIP_SECONDS} s long.",
            )
        if self.unsure is not None and not 0 <= self.unsure <= 1:
            raise UsageError(
                f"no probability is {self.unsure:g}",
                "Give --unsure a number from 0 (always name a class) to 1.",
            )


def predict(
    recordings: Sequence[AnyPath],
    run: Run | Path | str | None,
    *,
    workspace: Workspace | None = None,
    hop_s: float = 5.0,
    unsure: float | None = None,
    csv: Path | None = None,
    png: Path | None = None,
    html: Path | None = None,
    device: str = "auto",
    embedding: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> list[Answer]:
    """What is active when in recordings of any length and format.

    >>> (timeline,) = predict(["song.mp3"], "audioset/runs/paper")
    >>> timeline.probability.shape  # windows, classes

    Args:
        recordings: files, and folders with all recordings that lie in them; with a workspace, clips' ids too.
        run: one, or the path of its folder; with a workspace its name there, or None for the newest.
        workspace: where runs and clips that are named lie.
        hop_s: seconds from one ten-second window to the next.
        unsure: the probability below which no class is named; 0 to name one always, None for the usual 0.5,
            or, where a window may have several classes, for none.
        csv: where every window's probabilities are written.
        png: where a timeline is drawn; for several recordings, a folder of them.
        html: where a page to listen along with is written; for several recordings, a folder with an index.
        device: auto, cpu, cuda or mps, where a network computes.
        embedding: where a probe's file lies; None for where it lay when the probe was trained.
        on_progress: called after some windows, with recordings done and the time done of the next.

    Returns:
        A `Timeline` for each recording, in order, or an `Unreadable` where it cannot be decoded.

    Raises:
        UsageError: there is no such run or recording, or an option is impossible.
        DataMismatch: the run is damaged, or was trained on mels that no recording can be given.
        EnvironmentProblem: the device is not there.
    """
    found, run = find_recordings(recordings, workspace), find_run(workspace, run)
    answers = each_answer(
        found,
        run,
        PredictConfig(hop_s, unsure),
        targets=Targets(csv, png, html),
        device=device,
        embedding=embedding,
        on_progress=on_progress,
    )
    return list(answers)


def each_answer(
    recordings: Sequence[Recording],
    run: Run | Path | str,
    config: PredictConfig,
    *,
    targets: Targets = Targets(),
    device: str = "auto",
    embedding: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> Iterator[Answer]:
    """`predict`, one recording after the other, so that nobody need keep the answers on thousands of them.

    What is wrong with the run, the settings or the files to be written is raised at once, before the first.
    """
    config = replace(config, overview=targets.png is not None or targets.html is not None)
    pictures = [] if targets.png is None else target_paths(targets.png, recordings, ".png", "--png")
    for first in pictures[:1]:
        require_writable(first)
    pages = None
    if targets.html is not None:
        # Imported here: matplotlib and jinja2 are of an extra, and take long to load.
        from .page import PageWriter

        pages = PageWriter.open(targets.html, recordings)
    keep_memory()
    model = load_run(find_run(None, run), pick_device(device), embedding)
    spec_of(model)
    unsure_below(model, config)
    answers = timelines(recordings, model, config, on_progress)
    return _write_each(answers, model, targets.csv, pictures, pages)


def _write_each(
    answers: Iterable[Answer],
    model: Model,
    csv: Path | None,
    pictures: Sequence[Path],
    pages: "PageWriter | None",
) -> Iterator[Answer]:
    """Hand answers on, each written and drawn before; a spectrogram is dropped once it was drawn."""
    names, spec = model.about.class_names, model.about.spec
    with csv_of(csv, names) as write:
        for number, answer in enumerate(answers):
            if pages is not None:
                pages.write(number, answer, spec)
            if isinstance(answer, Unreadable):
                yield answer
                continue
            write(answer)
            if pictures:
                from .picture import draw

                draw(pictures[number], answer, spec)
            yield replace(answer, spectrogram=None)
    if pages is not None:
        pages.finish(names)


def timelines(
    recordings: Sequence[Recording], model: Model, config: PredictConfig, on_progress: OnProgress = silent
) -> Iterator[Answer]:
    """Ask a model about one recording after the other; one that cannot be decoded does not stop the rest.

    Memory is that of a few windows and of the answers, however long a recording is.

    Args:
        recordings: in the order in which they are answered.
        model: its own spec decides the mels.
        config: hop, and whether spectrograms are wanted.

    Raises:
        DataMismatch: the model was trained on mels that no recording can be given.
    """
    spec = spec_of(model)
    total = len(recordings)
    for done, recording in enumerate(recordings):
        ahead = _Ahead(done, total, on_progress)
        try:
            with saying(ahead.say):
                answer: Answer = timeline_of(recording, model, spec, config, ahead)
        except DecodeError as error:
            answer = Unreadable(recording, _in_words(error))
        on_progress(Progress(done + 1, total))
        yield answer


@dataclass(frozen=True, slots=True)
class _Ahead:
    """Passes on how much of the next recording is done."""

    done: int
    total: int
    on_progress: OnProgress

    def __call__(self, seconds: float) -> None:
        self.on_progress(
            Progress(self.done, self.total, f"{duration(seconds)} into number {self.done + 1:,}")
        )

    def say(self, words: str) -> None:
        self.on_progress(message(words))


def timeline_of(
    recording: Recording, model: Model, spec: MelSpec, config: PredictConfig, on_seconds: _Ahead
) -> Timeline:
    """Ask a model about one recording.

    Raises:
        DecodeError: it cannot be decoded.
    """
    overview = Overview(spec) if config.overview else None
    notes: list[str] = []
    windows: list[tuple[int, int]] = []
    answers: list[Probabilities] = []

    def blocks() -> Iterator[Block]:
        for block in decode_all(recording.path, notes.append, spec.sample_rate):
            if overview is not None:
                overview.add(block.samples, block.start)
            yield block

    engine = engine_of(model, spec)
    hop = round(config.hop_s * spec.sample_rate)
    for batch in _batches(cut(blocks(), spec.clip_samples, hop)):
        answers.append(ask(model, engine, batch))
        windows += [(window.start, window.end) for window in batch]
        on_seconds(windows[-1][1] / spec.sample_rate)
    if windows[0][1] < spec.clip_samples:
        seconds = windows[0][1] / spec.sample_rate
        # A probe hears what there is.
        padded = ": it was padded with silence" if model.embedder is None else ""
        notes.append(f"it is {seconds:.2f} s long, shorter than a window{padded}")
    return Timeline(
        recording=recording,
        class_names=model.about.class_names,
        multi_label=model.about.multi_label,
        sample_rate=spec.sample_rate,
        windows=tuple(windows),
        probability=np.concatenate(answers),
        notes=tuple(notes),
        unsure_below=unsure_below(model, config),
        spectrogram=overview.finish() if overview is not None else None,
    )


Engine = Callable[[Sequence[Floats]], Mels]
"""From sounds, [samples] each, to what a model is given of them."""


def engine_of(model: Model, spec: MelSpec) -> Engine:
    """What a model hears with: the mels of its spec, or the features of its file."""
    embedder = model.embedder
    if embedder is not None:
        return lambda sounds: embedder(sounds, spec.sample_rate)
    mel = LogMel(spec)

    def to_mels(sounds: Sequence[Floats]) -> Mels:
        mels = np.empty((len(sounds), *spec.shape), np.float32)
        for sound, target in zip(sounds, mels, strict=True):
            mel(sound, target)
        return mels

    return to_mels


def ask(model: Model, engine: Engine, windows: Sequence[Window]) -> Probabilities:
    """A model's probabilities for some windows: [windows, classes], NaN where there is silence.

    Each window is heard as featurize would hear it as a clip. A silent one would be no clip (see `silence`),
    and so is no window that a model can say anything about.
    """
    answers = np.full((len(windows), len(model.about.class_names)), np.nan)
    rate = model.about.spec.sample_rate
    audible = [n for n, window in enumerate(windows) if not is_silent(window.samples, rate)]
    if audible:
        sounds = [windows[number].samples * np.float32(2**-15) for number in audible]
        answers[audible] = model.probabilities(engine(sounds))
    return answers


def unsure_below(model: Model, config: PredictConfig) -> float:
    """The probability that a window's best class must have to be named.

    Raises:
        UsageError: one is asked for of a model for which several classes may be active.
    """
    if not model.about.multi_label:
        return UNSURE if config.unsure is None else config.unsure
    if config.unsure:
        raise UsageError(
            "this run lets several classes be active, each above a probability of 0.5, or none",
            "Leave --unsure out: it is for runs where a window has one class.",
        )
    return 0.0


def spec_of(model: Model) -> MelSpec:
    """The mels that a model knows.

    Raises:
        DataMismatch: they are none that this version makes of a recording.
    """
    about, spec = model.about, model.about.spec
    if (spec.digest, spec.shape) != (about.spec_digest, about.shape) or spec.sample_rate not in SAMPLE_RATES:
        raise DataMismatch(
            f"the run was trained on mels {about.spec_digest}, which this version does not make",
            "Use the version of audioset-tools that trained it, or train again.",
        )
    return spec


def _batches(windows: Iterable[Window]) -> Iterator[list[Window]]:
    remaining = iter(windows)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _in_words(error: DecodeError) -> str:
    if error.fault is DecodeFault.NO_SOUND:
        return "there is no sound in it"
    took_long = error.fault is DecodeFault.TIMEOUT
    return error.message if took_long else f"it cannot be decoded ({error.message})"
