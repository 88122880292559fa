"""Timelines as tables for people, and as JSON and CSV for programs."""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..csvfile import csv_beside
from ..types import Table, join_classes
from ..words import MOST_ROWS, counted
from ..workspace import printable
from .timeline import Passage, Summary, Timeline, Unreadable, names_of, passages, summary

SILENCE, UNSURE_WORD = "silence", "unsure"


def headline(timeline: Timeline) -> str:
    """One recording in a line."""
    length = clock(timeline.seconds)
    return f"{printable(timeline.recording.path)}, {length}: {dominant_words(summary(timeline))}"


def recording_tables(timeline: Timeline) -> list[Table]:
    """One recording: altogether, and from beginning to end."""
    found = summary(timeline)
    classes = [*zip(timeline.class_names, found.mean, found.share, strict=True)]
    more = len(classes) - MOST_ROWS
    if more > 0:
        classes = sorted(classes, key=lambda one: (-one[2], -one[1]))[:MOST_ROWS]
    rows = [(printable(name), f"{mean:.2f}", _percent(share)) for name, mean, share in classes]
    rows += [(f"... {more:,} more", "", "")] if more > 0 else []
    rows += [(word, "", _percent(share)) for word, share in _without_class(found)]
    over_time = tuple(
        (
            clock(passage.start_s),
            clock(passage.end_s),
            passage_words(passage),
            "" if passage.probability is None else f"{passage.probability:.2f}",
        )
        for passage in passages(timeline)
    )
    return [
        Table("Altogether", ("class", "mean probability", "of the time"), tuple(rows)),
        Table("From beginning to end", ("from", "to", "active", "probability"), over_time),
    ]


def recording_row(timeline: Timeline) -> tuple[str, ...]:
    """A line of `recordings_table`."""
    found = summary(timeline)
    shares = sorted(zip(found.share, timeline.class_names, strict=True), key=lambda pair: -pair[0])
    active = [f"{printable(name)} {_percent(share)}" for share, name in shares if share]
    active += [f"{word} {_percent(share)}" for word, share in _without_class(found)]
    dominant = printable(found.dominant) if found.dominant else _silence_or_unsure(found)
    probability = f"{found.mean.max():.2f}" if found.silent < 1 else ""
    path = printable(timeline.recording.path)
    return path, clock(timeline.seconds), dominant, probability, ", ".join(active)


def recordings_table(rows: Sequence[tuple[str, ...]]) -> Table:
    """Several recordings, a line each, as `recording_row` makes them."""
    header = ("recording", "length", "dominant", "mean probability", "of the time")
    title, folders = counted(len(rows), "recording"), {posixpath.dirname(path) for path, *_ in rows}
    # Where all lie below one folder, its name need not stand in every row.
    relative = bool(rows) and len({posixpath.isabs(folder) for folder in folders}) == 1
    if relative and (shared := posixpath.commonpath(folders)) not in ("", "/"):
        title = f"{title} in {shared}"
        rows = [(posixpath.relpath(path, shared), *cells) for path, *cells in rows]
    return Table(title, header, tuple(rows), optional=((3,),))


def answer_json(answer: Timeline | Unreadable) -> dict[str, Any]:
    """All about one recording, or why it could not be decoded."""
    path = str(answer.recording.path)
    if isinstance(answer, Unreadable):
        return {"path": path, "error": answer.why}
    found = summary(answer)
    windows = zip(
        answer.windows, answer.active, answer.silent, answer.unsure, answer.probability, strict=True
    )
    return {
        "path": path,
        "seconds": answer.seconds,
        "notes": list(answer.notes),
        "dominant": found.dominant,
        "mean_probability": _by_class(answer, found.mean),
        "share_of_time": _by_class(answer, found.share),
        "silent_share_of_time": found.silent,
        "unsure_share_of_time": found.unsure,
        "unsure_below": answer.unsure_below,
        "windows": [
            {
                "start_s": start / answer.sample_rate,
                "end_s": end / answer.sample_rate,
                "predicted": list(names_of(answer, active)),
                "silent": bool(silent),
                "unsure": bool(unsure),
                "probability": None if silent else _by_class(answer, probability),
            }
            for (start, end), active, silent, unsure, probability in windows
        ],
    }


@contextmanager
def csv_of(target: Path | None, class_names: Sequence[str]) -> Iterator[Callable[[Timeline], None]]:
    """Give what writes a recording's windows, a row each, to a CSV file that is there once all is written.

    A silent window has neither a class nor probabilities; one of which the model is unsure says so. Texts are
    written by the rule of `csvfile`.

    Args:
        target: the file; None to write nothing.
        class_names: those of the run, each a column.
    """
    if target is None:
        yield lambda timeline: None
        return
    with csv_beside(target, ["path", "start_s", "end_s", "predicted", *class_names]) as write_row:

        def write(timeline: Timeline) -> None:
            for row in _csv_rows(timeline):
                write_row(row)

        yield write


def dominant_words(found: Summary) -> str:
    """Which class dominates a recording, and how probable it is on average."""
    if found.dominant is None:
        return SILENCE if found.silent == 1 else f"{UNSURE_WORD} (at best {found.mean.max():.2f})"
    return f"mostly {printable(found.dominant)} ({found.mean.max():.2f})"


def _csv_rows(timeline: Timeline) -> Iterator[list[str]]:
    windows = zip(
        timeline.windows, timeline.active, timeline.silent, timeline.unsure, timeline.probability, strict=True
    )
    for (start, end), active, silent, unsure, probability in windows:
        yield [
            str(timeline.recording.path),
            f"{start / timeline.sample_rate:.3f}",
            f"{end / timeline.sample_rate:.3f}",
            UNSURE_WORD if unsure else join_classes(names_of(timeline, active)),
            *("" if silent else f"{value:.6f}" for value in probability),
        ]


def passage_words(passage: Passage) -> str:
    """What is active in a passage."""
    if passage.silent or passage.unsure:
        return SILENCE if passage.silent else UNSURE_WORD
    return " + ".join(map(printable, passage.active)) or "none of the classes"


def _without_class(found: Summary) -> list[tuple[str, float]]:
    """In words and as shares of the time what has no class, as far as there is any."""
    return [(word, share) for word, share in ((UNSURE_WORD, found.unsure), (SILENCE, found.silent)) if share]


def _silence_or_unsure(found: Summary) -> str:
    return SILENCE if found.silent == 1 else UNSURE_WORD


def _by_class(timeline: Timeline, values: Any) -> Mapping[str, float]:
    return dict(zip(timeline.class_names, map(float, values), strict=True))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def clock(seconds: float) -> str:
    """`0:05`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
