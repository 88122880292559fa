"""Accepted clips as columns: of two million of them, what making objects would cost is most of the time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import chain, compress
from typing import Any, NamedTuple

from ..types import YTID, Clip, Splits, clip_key, split_classes
from .ledger import Ledger
from .rows import OF_CANDIDATE
from .schema import reading

_ID = 11
_IDS = re.compile(rf"(?:{YTID.pattern})*")
"""The ids of many videos, one behind the other."""

_SHA256 = 64
_SPLITS = {"", *(split.name for split in fields(Splits))}

Told = tuple[str, tuple[str, ...], tuple[str, ...]]
"""The class of a clip, its other classes and its labels."""


class ClipColumns(NamedTuple):
    """Some accepted clips: of each a value in every column, as a `Clip` has it.

    Args:
        key, path, sha256, split: what it is called, where it lies, and where it is to go.
        seconds, peak, source, decoder: as a `Clip` has them.
        classes: its class, the others and its labels, all that many clips have in common.
        rank, fingerprint: its place in its class's queue, and what it sounds like.
        channel_id, group: "" where none is known.
    """

    key: Sequence[str]
    path: Sequence[str]
    sha256: Sequence[str]
    split: Sequence[str]
    classes: Sequence[Told]
    rank: Sequence[int]
    fingerprint: Sequence[bytes]
    channel_id: Sequence[str]
    group: Sequence[str]
    seconds: Sequence[float]
    peak: Sequence[float]
    source: Sequence[str]
    decoder: Sequence[str]

    def only(self, which: Sequence[bool]) -> "ClipColumns":
        """Some of them."""
        some: list[Any] = [[*compress(column, which)] for column in self]
        return ClipColumns(*some)


class _Told(dict[tuple[int, str, str], Told]):
    """The classes and labels of clips, by how a ledger has them: few, which many clips have in common."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __missing__(self, about: tuple[int, str, str]) -> Told:
        number, also, labels = about
        name, *others = self._ledger.classes(number, also)
        self[about] = name, tuple(others), split_classes(labels)
        return self[about]


def columns_of(clips: Sequence[Clip]) -> ClipColumns:
    """Clips that are objects already."""
    return ClipColumns(
        [one.key for one in clips],
        [one.path for one in clips],
        [one.sha256 for one in clips],
        [one.split for one in clips],
        [(one.class_name, one.also, one.labels) for one in clips],
        [one.rank for one in clips],
        [one.fingerprint for one in clips],
        [one.video.channel_id if one.video else "" for one in clips],
        [one.group for one in clips],
        [one.seconds for one in clips],
        [one.peak for one in clips],
        [one.source for one in clips],
        [one.decoder for one in clips],
    )


def _keys(ytid: Sequence[str], start_ms: Sequence[int]) -> list[str]:
    """What `clip_key` makes of each: all ids are looked at together, and one by one where one is none."""
    if {*map(len, ytid)} == {_ID} and _IDS.fullmatch("".join(ytid)):
        return [f"{one}_{start}" for one, start in zip(ytid, start_ms, strict=True)]
    return [*map(clip_key, ytid, start_ms)]


def clip_columns(ledger: Ledger) -> Iterator[ClipColumns]:
    """The accepted clips by class and rank, some at a time; meanwhile the ledger may be written to."""
    classes = _Told(ledger)
    for every in ledger.checked_columns():
        with reading(ledger.path):
            ytid, start_ms, _, number, _, rank, _, also, labels, split, _ = every[:OF_CANDIDATE]
            path, sha256, seconds, peak, source, decoder, fingerprint, *_, channel_id, _, _, _, group, _ = (
                every[OF_CANDIDATE:]
            )
            _require(str, ytid, also, labels, split, path, sha256, source, decoder)
            _require(int, start_ms, number, rank)
            _require(float, seconds, peak)
            if not _SPLITS.issuperset(split):
                raise ValueError("a clip of no split")
            if max(map(len, sha256)) > _SHA256 or not "".join(sha256).isascii():
                raise ValueError("a sha256 that is none")
            columns = ClipColumns(
                _keys(ytid, start_ms), path, sha256, split,
                [classes[about] for about in zip(number, also, labels, strict=True)],
                rank, fingerprint, [str(one or "") for one in channel_id], [str(one or "") for one in group],
                seconds, peak, source, decoder,
            )  # fmt: skip
        yield columns


def _require(kind: type, *columns: Sequence[Any]) -> None:
    """See that all values are of a kind: SQLite keeps any in any column."""
    if {*map(type, chain.from_iterable(columns))} != {kind}:
        raise TypeError(f"a value that is no {kind.__name__}")
