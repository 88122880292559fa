"""The page of an error analysis: what it asks, and the sounds and pictures beside it."""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..pages import write_page
from ..report.axes import hertz_marks
from ..report.media import ClipFile, ClipMedia, make_media, shown_spec, sweep
from ..shards.dataset import read_datasets
from ..types import CLIP_SECONDS, split_classes
from ..workspace import Workspace, printable
from .answers import FORMAT, NAME_LONGEST, NOTE_LONGEST, Cause
from .mistakes import Mistake, Mistakes

INDEX = "index.html"

MOST_CHANCES = 6
"""Classes whose probabilities are shown, besides the actual ones."""


@dataclass(frozen=True, slots=True)
class Made:
    """A page on disk, in a folder of its own.

    Args:
        clips: how many it asks about.
        files: the sounds and pictures it shows, as paths below the folder.
        remarks: what it cannot show, in words, which stand in it as well.
    """

    folder: Path
    clips: int
    files: frozenset[str]
    remarks: tuple[str, ...]


def make_page(
    folder: Path,
    workspace: Workspace,
    run: str,
    mistakes: Mistakes,
    drawn: Sequence[Mistake],
    annotators: Sequence[str] = (),
    labels: Mapping[str, tuple[str, ...]] | None = None,
) -> Made:
    """Write the page, and what of its sounds and pictures is not there yet; the same input, the same bytes.

    Args:
        folder: where; sounds and pictures of clips that it shows no longer are deleted there.
        run: the name that the page shows.
        mistakes: all of the run.
        drawn: those to ask about.
        annotators: names to choose from.
        labels: names of AudioSet's labels for each clip; None where the lists are not here.

    Raises:
        DataMismatch: `dataset.csv` is damaged.
    """
    media = _media(drawn, workspace, folder)
    remarks = _remarks(mistakes, drawn, media, labels)
    write_page(
        folder / INDEX,
        "errors.html",
        scripts=["errors-answers.js", "errors.js"],
        data={
            "format": FORMAT,
            "run": digest(mistakes.wrong),
            "causes": list(map(str, Cause)),
            "annotators": list(annotators),
            "longest_name": NAME_LONGEST,
            "clips": [_clip(one, mistakes, media[one.key], labels) for one in drawn],
        },
        serves="connect-src 'self'",
        title="Is the label right?" if mistakes.audited else "Why was the model wrong?",
        audited=mistakes.audited,
        run=run,
        clips=len(drawn),
        remarks=remarks,
        annotators=annotators,
        causes=list(Cause),
        longest_name=NAME_LONGEST,
        longest_note=NOTE_LONGEST,
        hertz=hertz_marks(shown_spec(workspace)),
        seconds=range(0, CLIP_SECONDS + 1, 2),
    )
    sweep(folder, media.values())
    files = {name for one in media.values() for name in (one.sound, one.mel) if name}
    return Made(folder, len(drawn), frozenset(files), remarks)


def digest(wrong: Collection[Mistake]) -> str:
    """A short name of a run's mistakes: answers to others are kept apart in a browser."""
    text = "\n".join(sorted(f"{one.key},{one.actual},{one.predicted}" for one in wrong))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _media(drawn: Sequence[Mistake], workspace: Workspace, folder: Path) -> dict[str, ClipMedia]:
    keys = {one.key for one in drawn}
    placed = read_datasets(workspace.datasets()).values()
    sources = [ClipFile(one.key, one.path, one.sha256) for one in placed if one.key in keys]
    unknown = "the workspace knows no such clip"
    return {key: ClipMedia(key, "", "", unknown) for key in keys} | make_media(sources, workspace, folder)


def _remarks(
    mistakes: Mistakes,
    drawn: Sequence[Mistake],
    media: Mapping[str, ClipMedia],
    labels: Mapping[str, tuple[str, ...]] | None,
) -> tuple[str, ...]:
    remarks = []
    if mistakes.multi_label:
        remarks.append("Several classes may sound in a clip; here is every clip with any of them wrong.")
    if few := [name for name in mistakes.class_names if not any(name in one.classes for one in drawn)]:
        what = "is suspect" if mistakes.audited else "was misclassified"
        remarks.append(f"Nothing of {', '.join(map(printable, few))} {what}.")
    if silent := sum(not media[one.key].sound for one in drawn):
        remarks.append(f"{silent:,} of the clips cannot be heard here: their files are gone or damaged.")
    if drawn and labels is None:
        remarks.append("AudioSet's labels are not shown: its lists are neither in the workspace nor named.")
    return tuple(remarks)


def _clip(
    one: Mistake, mistakes: Mistakes, media: ClipMedia, labels: Mapping[str, tuple[str, ...]] | None
) -> dict[str, Any]:
    names = mistakes.class_names
    chances = list(zip(names, one.probability, strict=True))
    by_size = sorted(chances, key=lambda each: (math.isnan(each[1]), -each[1] if each[1] == each[1] else 0))
    shown = [
        {"name": printable(name), "probability": None if math.isnan(probability) else probability}
        for rank, (name, probability) in enumerate(by_size)
        if rank < MOST_CHANCES or name in one.classes
    ]
    return {
        "key": one.key,
        "actual": one.actual,
        "predicted": one.predicted,
        "labelled": _words(one.classes),
        "guessed": _words((one.predicted,) if one.predicted in names else split_classes(one.predicted)),
        "chances": shown,
        "labels": None if labels is None else list(map(printable, labels.get(one.key, ()))),
        "sound": media.sound,
        "mel": media.mel,
        "trouble": media.trouble or "the workspace lacks the clip",
    }


def _words(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names)) or "nothing"
