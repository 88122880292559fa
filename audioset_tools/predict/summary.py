"""What was heard, as tables for people, and as JSON and CSV for programs."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..types import SAMPLE_RATE, Table
from ..workspace import printable, write_beside
from .heard import Heard, Overall, Passage, Unheard, names_of, overall, passages

SILENCE = "silence"


def headline(heard: Heard) -> str:
    """One recording in a line."""
    return f"{printable(heard.recording.path)}, {_clock(heard.seconds)}: {dominant_words(overall(heard))}"


def recording_tables(heard: Heard) -> list[Table]:
    """One recording: altogether, and from beginning to end."""
    found = overall(heard)
    classes = zip(heard.class_names, found.mean, found.share, strict=True)
    rows = [(printable(name), f"{mean:.2f}", _percent(share)) for name, mean, share in classes]
    if found.silent:
        rows.append((SILENCE, "", _percent(found.silent)))
    over_time = tuple(
        (
            _clock(passage.start_s),
            _clock(passage.end_s),
            _passage_words(passage),
            "" if passage.probability is None else f"{passage.probability:.2f}",
        )
        for passage in passages(heard)
    )
    return [
        Table("Altogether", ("class", "mean probability", "of the time"), tuple(rows)),
        Table("From beginning to end", ("from", "to", "heard", "probability"), over_time),
    ]


def recording_row(heard: Heard) -> tuple[str, ...]:
    """A line of `recordings_table`."""
    found = overall(heard)
    shares = sorted(zip(found.share, heard.class_names, strict=True), key=lambda pair: -pair[0])
    sounding = [f"{printable(name)} {_percent(share)}" for share, name in shares if share]
    if found.silent:
        sounding.append(f"{SILENCE} {_percent(found.silent)}")
    dominant = printable(found.dominant) if found.dominant else SILENCE
    probability = f"{found.mean.max():.2f}" if found.dominant else ""
    path = printable(heard.recording.path)
    return path, _clock(heard.seconds), dominant, probability, ", ".join(sounding)


def recordings_table(rows: Sequence[tuple[str, ...]]) -> Table:
    """Several recordings, a line each, as `recording_row` makes them."""
    header = ("recording", "length", "dominant", "mean probability", "of the time")
    return Table(f"{len(rows):,} recordings", header, tuple(rows))


def heard_json(answer: Heard | Unheard) -> dict[str, Any]:
    """All that was heard in one recording, or why nothing was."""
    path = str(answer.recording.path)
    if isinstance(answer, Unheard):
        return {"path": path, "error": answer.why}
    found = overall(answer)
    windows = zip(answer.windows, answer.sounding, answer.silent, answer.probability, strict=True)
    return {
        "path": path,
        "seconds": answer.seconds,
        "notes": list(answer.notes),
        "dominant": found.dominant,
        "mean_probability": _by_class(answer, found.mean),
        "share_of_time": _by_class(answer, found.share),
        "silent_share_of_time": found.silent,
        "windows": [
            {
                "start_s": start / SAMPLE_RATE,
                "end_s": end / SAMPLE_RATE,
                "predicted": list(names_of(answer, sounding)),
                "silent": bool(silent),
                "probability": None if silent else _by_class(answer, probability),
            }
            for (start, end), sounding, silent, probability in windows
        ],
    }


@contextmanager
def csv_of(target: Path | None, class_names: Sequence[str]) -> Iterator[Callable[[Heard], None]]:
    """Give what writes a recording's windows, a row each, to a CSV file that is there once all is written.

    A window with nothing to hear has neither a class nor probabilities; several classes are joined by `;`.
    Paths are written byte for byte as they are.

    Args:
        target: the file; None for none.
        class_names: of the run.
    """
    if target is None:
        yield lambda heard: None
        return
    with (
        write_beside(target) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as handle,
    ):
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(["path", "start_s", "end_s", "predicted", *class_names])
        yield lambda heard: table.writerows(_csv_rows(heard))


def dominant_words(found: Overall) -> str:
    """Which class dominates a recording, and how probable it is on average."""
    if found.dominant is None:
        return SILENCE
    return f"mostly {printable(found.dominant)} ({found.mean.max():.2f})"


def _csv_rows(heard: Heard) -> Iterator[list[str]]:
    windows = zip(heard.windows, heard.sounding, heard.silent, heard.probability, strict=True)
    for (start, end), sounding, silent, probability in windows:
        yield [
            str(heard.recording.path),
            f"{start / SAMPLE_RATE:.3f}",
            f"{end / SAMPLE_RATE:.3f}",
            ";".join(names_of(heard, sounding)),
            *("" if silent else f"{value:.6f}" for value in probability),
        ]


def _passage_words(passage: Passage) -> str:
    if passage.silent:
        return SILENCE
    return " + ".join(map(printable, passage.sounding)) or "none of the classes"


def _by_class(heard: Heard, values: Any) -> Mapping[str, float]:
    return dict(zip(heard.class_names, map(float, values), strict=True))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _clock(seconds: float) -> str:
    """`0:05`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
