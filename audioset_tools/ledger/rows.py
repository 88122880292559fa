"""The rows of candidates and their clips: their columns, their seals, and what is made of them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from ..types import Candidate, Clip, KeptSource, Reason, VideoInfo
from .schema import seal_of, sealed

Row = tuple[Any, ...]

LOADED = "ytid, start_ms, end_ms, class, tier, rank, subset, also, labels, split"

CANDIDATE = f"{LOADED}, candidate.seal"
"""The columns that `Ledger.candidate` makes a candidate of; `also` holds numbers of classes."""

OF_CANDIDATE = CANDIDATE.count(",") + 1
"""So many are they, where others follow."""

OWN = "path, sha256, seconds, peak, source, decoder, fingerprint, kept_path, kept_sha256, kept_begins_ms"

CLIP = f"{OWN}, clip.seal, channel_id, channel, title, video.seal, named_group.name, named_group.seal"
"""The columns that `clip_of` makes a clip of, from the tables `clip` and `BESIDE_CLIP`."""

BESIDE_CLIP = "LEFT JOIN video USING (ytid) LEFT JOIN named_group USING (class, rank)"

STANDING = "state, reason, detail, attempts, retry_at, standing"
"""The columns that `standing_of` reads."""

OF_STANDING = STANDING.count(",") + 1

STANDING_SEAL = (
    "candidate",
    "standing <> seal_of(state, reason, detail, attempts, retry_at)",
    "the states of {:,} candidates are not those that were written",
)

SEALS = (
    ("candidate", f"seal <> seal_of({LOADED})", "{:,} candidates are not those that were loaded"),
    STANDING_SEAL,
    (
        "clip JOIN candidate USING (class, rank)",
        f"clip.seal <> seal_of(ytid, start_ms, {OWN})",
        "{:,} clips are not those that were written",
    ),
    (
        "named_group JOIN candidate USING (class, rank)",
        "named_group.seal <> seal_of(ytid, start_ms, named_group.name)",
        "the groups of {:,} clips are not those that were loaded",
    ),
    (
        "video",
        "seal <> seal_of(ytid, channel_id, channel, title)",
        "{:,} videos are not as they were written",
    ),
    (
        "event",
        "seal <> seal_of(at, class, rank, outcome, reason, detail)",
        "{:,} events are not those that were written",
    ),
    ("meta", "seal <> seal_of(name, value)", "{:,} notes are not those that were written"),
)
"""Tables, which of their rows differ from what was written, and how that is told."""

_LOADED_COLUMNS, _OWN_COLUMNS = LOADED.count(",") + 1, OWN.count(",") + 1
_PRINT = OWN.split(", ").index("fingerprint")

_LOADED_FORM, _BEFORE_FORM, _BEHIND_FORM = (
    "\x1f".join(["%s"] * _LOADED_COLUMNS),
    "%s\x1f" * (2 + _PRINT) + "x",
    "\x1f%s" * (_OWN_COLUMNS - _PRINT - 1),
)
"""What is sealed of a candidate; and of a clip before its fingerprint's digits and behind them."""


class State(StrEnum):
    """Where a candidate stands."""

    QUEUED = "queued"
    """Not tried yet."""
    WAITING = "waiting"
    """Tried, failed for now, holds its place and is tried again at `retry_at`."""
    ACCEPTED = "accepted"
    """Its clip is on disk."""
    DEAD = "dead"
    """Failed for good; the next candidate has its place."""


def clip_of(candidate: Candidate, row: Row) -> Clip:
    """A candidate's clip from the columns `CLIP`.

    Raises:
        ValueError, TypeError: the row is damaged.
    """
    _check_clip(candidate.ytid, candidate.start_ms, row)
    _check_beside(candidate.ytid, candidate.start_ms, row[_OWN_COLUMNS + 1 :])
    own, (_, *video, _, group, _) = row[:_OWN_COLUMNS], row[_OWN_COLUMNS:]
    path, sha256, seconds, peak, source, decoder, fingerprint, kept_path, kept_sha256, begins_ms = own
    kept = None if kept_path is None else KeptSource(str(kept_path), str(kept_sha256), int(begins_ms))
    return Clip(
        candidate.key, candidate.class_name, candidate.rank, str(path), str(sha256), float(seconds),
        float(peak), str(source), candidate.also, str(decoder), bytes(fingerprint),
        None if video[0] is None else VideoInfo(*map(str, video)), candidate.labels, candidate.split, kept,
        str(group or ""),
    )  # fmt: skip


def check_columns(columns: Sequence[Sequence[Any]]) -> None:
    """See that some rows of the columns `CANDIDATE` and `CLIP`, column by column, are as their seals say.

    Raises:
        ValueError, TypeError: one is not.
    """
    # Here, as most of a second passes with numba's import, which nearly no command needs.
    from .seals import seals

    video, clip = columns[:2], columns[OF_CANDIDATE:]
    before, prints, behind = clip[:_PRINT], clip[_PRINT], clip[_PRINT + 1 : _OWN_COLUMNS]
    nothing = [b""] * len(prints), [""] * len(prints)
    loaded = seals(_texts(_LOADED_FORM, columns[:_LOADED_COLUMNS]), *nothing)
    written = seals(_texts(_BEFORE_FORM, [*video, *before]), prints, _texts(_BEHIND_FORM, behind))
    if loaded.tolist() != [*columns[_LOADED_COLUMNS]] or written.tolist() != [*clip[_OWN_COLUMNS]]:
        for row in zip(*columns, strict=True):
            check_candidate(row)
            _check_clip(row[0], row[1], row[OF_CANDIDATE:])
    if any(map(any, clip[_OWN_COLUMNS + 1 :])):
        for ytid, start_ms, *beside in zip(*video, *clip[_OWN_COLUMNS + 1 :], strict=True):
            _check_beside(ytid, start_ms, beside)


def _texts(form: str, columns: Sequence[Sequence[Any]]) -> list[str]:
    return [*map(form.__mod__, zip(*columns, strict=True))]


def check_candidate(row: Row) -> None:
    """See that a row that begins with the columns `CANDIDATE` is as its seal says.

    Raises:
        ValueError: it is not.
    """
    if row[_LOADED_COLUMNS] != sealed(_LOADED_FORM % row[:_LOADED_COLUMNS]):
        raise ValueError(f"the candidate {row[0]!r:.40} is not the one that was loaded")


def _check_clip(ytid: str, start_ms: int, row: Row) -> None:
    before, behind = _BEFORE_FORM % (ytid, start_ms, *row[:_PRINT]), row[_PRINT + 1 : _OWN_COLUMNS]
    if row[_OWN_COLUMNS] != sealed(before + bytes.hex(row[_PRINT]) + _BEHIND_FORM % behind):
        raise ValueError(f"the clip {ytid!r:.40} at {start_ms!r:.20} ms is not the one that was written")


def _check_beside(ytid: str, start_ms: int, row: Sequence[Any]) -> None:
    """See that the video and the group of a clip, the last columns of `CLIP`, are as their seals say."""
    channel_id, channel, title, video_seal, group, group_seal = row
    if channel_id is not None and video_seal != seal_of(ytid, channel_id, channel, title):
        raise ValueError(f"the video {ytid!r:.40} is not as it was written")
    if group is not None and group_seal != seal_of(ytid, start_ms, group):
        raise ValueError(f"the group of {ytid!r:.40} at {start_ms!r:.20} ms is not the one that was loaded")


def standing_of(row: Row) -> tuple[State, Reason | None, str, int, float | None]:
    """Where a candidate stands, from the columns `STANDING`.

    Raises:
        ValueError, TypeError: the row is damaged.
    """
    *said, seal = row
    state, reason, detail, attempts, retry_at = said
    if seal != seal_of(*said):
        raise ValueError(f"the state {state!r:.20} of a candidate is not the one that was written")
    return State(state), Reason(reason) if reason else None, str(detail), int(attempts), retry_at
