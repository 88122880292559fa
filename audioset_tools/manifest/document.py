"""The manifest of a data set: a JSON document that anybody can hand on, without a sound in it.

It is written a record a line, so that it can be compared, searched and read a line at a time, and the same
data set gives the same bytes. It is read as a stranger's: in that form only, each line bounded before it is
parsed, each value checked, and nothing is taken from one that is damaged.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ..audio.fingerprint import FINGERPRINT_BYTES
from ..catalog.list_rows import CLIP_MS, checked_size
from ..catalog.segment_list import SUBSET, SegmentList, check_classes
from ..exceptions import DataMismatch, EnvironmentProblem
from ..files import open_file, parse_json, remedy_of, write_beside
from ..installing import upgrade
from ..shards.placements import SPLITS
from ..types import KEY, SAMPLE_RATES, Candidate, Reason, Splits
from ..workspace import printable

FORMAT = 1

MOST_BYTES = 2**33
"""A clip takes some 2.6 kB: three million of them, and AudioSet has two."""

MOST_OF_A_LINE = 2**16
MOST_OF_THE_HEAD = 2**22
"""Characters of a record, and of what the data set was made from, a recipe among it."""

_LONGEST_TEXT = 2_000

_FIRST = '{"audioset-tools manifest": %d,'
_MADE_FROM, _CLIPS, _LEFT_OUT, _END = '"made from": ', '"clips": [', '"left out": [', "]}"

Noun = TypeVar("Noun")

_REMEDY = "Get the manifest again as `audioset-tools freeze` wrote it: a record a line."


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a data set was made from, and by what.

    Args:
        recipe: its name, or the list's.
        recipe_digest: as the ledger has it; "" of a list.
        recipe_text: the TOML file, where it was kept.
        lists_digest: of AudioSet's lists and ontology, or of what a list says.
        of_list: whether it was made from a list.
        class_names: in the order of their labels in the shards.
        seed, splits: what drew the splits.
        least_ms: the least length of a segment.
        sample_rate: of every clip, in hertz.
        versions: of this tool and of what it works with, where the manifest was written.
    """

    recipe: str
    recipe_digest: str
    recipe_text: str
    lists_digest: str
    of_list: bool
    multi_label: bool
    class_names: tuple[str, ...]
    seed: int
    splits: tuple[int, int, int]
    least_ms: int
    sample_rate: int
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ManifestClip:
    """One clip.

    Args:
        key: names video and start; the segment ends at `end_ms` of the video.
        class_name: the one it was drawn for, and `also` those that it carries besides.
        labels: all that the lists say of it.
        split: "" where the splits were not frozen yet.
        sha256: of the samples, 16 bits each, the lower byte first.
        fingerprint: of the sound; empty where there is none.
        source: where it came from, in which form.
        cut: who cut the segment: `time stamps`, ours, to 50 ms; or `copy`, whoever made the copy.
        decoder: what decoded and resampled it.
    """

    key: str
    end_ms: int
    class_name: str
    also: tuple[str, ...]
    labels: tuple[str, ...]
    split: str
    sha256: str
    fingerprint: bytes
    source: str
    cut: str
    decoder: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A candidate that gave no clip, why, and when that was found, in UTC: `2026-11-24T14:05:00Z`."""

    key: str
    class_name: str
    reason: str
    tried_at: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A data set as a document: clips by class and rank, and the candidates left out."""

    made_from: MadeFrom
    clips: tuple[ManifestClip, ...]
    left_out: tuple[LeftOut, ...]

    def segment_list(self) -> SegmentList:
        """Its clips as a list, from which the same data set can be fetched."""
        ranks = dict.fromkeys(self.made_from.class_names, 0)
        candidates = []
        for one in self.clips:
            rank, ranks[one.class_name] = ranks[one.class_name], ranks[one.class_name] + 1
            segment = one.key[:11], int(one.key[12:]), one.end_ms
            candidates.append(
                Candidate(*segment, one.class_name, 0, rank, SUBSET, one.also, one.labels, one.split)
            )
        order = self.made_from.class_names.index
        return SegmentList(
            name=self.made_from.recipe,
            form="a manifest",
            rows=len(candidates),
            repeated=0,
            class_names=self.made_from.class_names,
            candidates=tuple(sorted(candidates, key=lambda one: (order(one.class_name), one.rank))),
            seed=self.made_from.seed,
            splits=Splits(*self.made_from.splits),
            sample_rate=self.made_from.sample_rate,
        )


def write_manifest(manifest: Manifest, target: Path) -> None:
    """Write a manifest whole or not at all; the same one gives the same bytes.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    try:
        with write_beside(target) as temporary, temporary.open("w", encoding="ascii", newline="\n") as handle:
            handle.writelines(f"{line}\n" for line in _lines(manifest))
    except OSError as error:
        raise EnvironmentProblem(f"{target} cannot be written: {error.strerror}", remedy_of(error)) from error


def manifest_text(manifest: Manifest) -> str:
    """All that `write_manifest` writes."""
    return "".join(f"{line}\n" for line in _lines(manifest))


def _lines(manifest: Manifest) -> Iterator[str]:
    yield _FIRST % FORMAT
    yield f"{_MADE_FROM}{json.dumps(asdict(manifest.made_from), sort_keys=True)},"
    yield _CLIPS
    yield from _records(_record(one) for one in manifest.clips)
    yield "],"
    yield _LEFT_OUT
    yield from _records(asdict(one) for one in manifest.left_out)
    yield _END


def _record(one: ManifestClip) -> dict[str, Any]:
    """A clip as JSON can hold it; `asdict` would copy every text once more."""
    record = {field.name: getattr(one, field.name) for field in fields(one)}
    return {**record, "fingerprint": b64encode(one.fingerprint).decode()}


def _records(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each on a line, a comma behind all but the last."""
    before = None
    for record in records:
        if before is not None:
            yield f"{before},"
        before = json.dumps(record)
    if before is not None:
        yield before


def is_manifest(path: Path) -> bool:
    """Whether a file begins as a manifest does; False where it cannot be read."""
    try:
        with open_file(path) as handle:
            return handle.read(1) == b"{"
    except OSError:
        return False


def read_manifest(path: Path) -> Manifest:
    """Read a manifest: all of it, or nothing.

    Raises:
        UsageError: there is no such file.
        DataMismatch: it is damaged, or of another version; the message has the line.
        EnvironmentProblem: it cannot be read.
    """
    checked_size(path, MOST_BYTES)
    try:
        with open_file(path) as handle:
            return _Reader(handle, printable(path)).read()
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}", remedy_of(error)) from error


class _Reader:
    """A manifest being read, a line at a time."""

    def __init__(self, handle: BinaryIO, name: str) -> None:
        self._handle = handle
        self._name = name
        self._line = 0
        self._known: set[str] = set()

    def read(self) -> Manifest:
        first = self._next(MOST_OF_A_LINE)
        if first != _FIRST % FORMAT:
            begins, _, version = _FIRST.partition("%d")
            other = first.removeprefix(begins).removesuffix(version)
            if first.startswith(begins) and other.isdecimal():
                raise DataMismatch(
                    f"{self._name} was written by another audioset-tools (manifest version {other[:9]})",
                    upgrade(),
                )
            raise self._damaged("this is no manifest")
        head = self._next(MOST_OF_THE_HEAD)
        if not (head.startswith(_MADE_FROM) and head.endswith(",")):
            raise self._damaged("what it was made from is missing")
        made_from = self._parsed(head.removeprefix(_MADE_FROM)[:-1], _made_from)
        clips = tuple(self._all(_CLIPS, "],", lambda record: self._clip(record, made_from)))
        left_out = tuple(self._all(_LEFT_OUT, _END, lambda record: _left_out(record, made_from)))
        if self._handle.read(1):
            raise self._damaged("something follows its end")
        if not clips:
            raise DataMismatch(f"{self._name} names no clip", _REMEDY)
        return Manifest(made_from, clips, left_out)

    def _next(self, most: int) -> str:
        raw = self._handle.readline(most + 1)
        self._line += 1
        if not raw.endswith(b"\n"):
            raise self._damaged("the line is too long" if len(raw) > most else "the file ends too soon")
        try:
            return raw[:-1].decode("ascii")
        except UnicodeDecodeError as error:
            raise self._damaged("it holds what is no ASCII") from error

    def _all(self, opening: str, closing: str, parse: Callable[[dict[str, Any]], Noun]) -> Iterator[Noun]:
        """The records between two lines."""
        if self._next(MOST_OF_A_LINE) != opening:
            raise self._damaged(f"{opening} is expected here")
        n, follows = 0, True
        while (line := self._next(MOST_OF_A_LINE)) != closing:
            if not follows:
                raise self._damaged(f"{closing} is expected here, or a comma in the line before")
            n, follows = n + 1, line.endswith(",")
            yield self._parsed(line.removesuffix(","), parse)
        if n and follows:
            raise self._damaged("a record is missing behind the comma")

    def _parsed(self, text: str, parse: Callable[[dict[str, Any]], Noun]) -> Noun:
        try:
            record = parse_json(text, strict=True)
            if not isinstance(record, dict):
                raise ValueError("this is no record")
            return parse(record)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            trouble = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            raise self._damaged(printable(trouble[:200])) from error

    def _clip(self, record: dict[str, Any], made_from: MadeFrom) -> ManifestClip:
        clip = _clip(record, made_from)
        if clip.key in self._known:
            raise ValueError(f"the clip {clip.key} stands there twice")
        self._known.add(clip.key)
        return clip

    def _damaged(self, trouble: str) -> DataMismatch:
        return DataMismatch(f"{self._name}, line {self._line:,}: {trouble}", _REMEDY)


def _made_from(record: dict[str, Any]) -> MadeFrom:
    _only(record, MadeFrom)
    class_names = _texts(record["class_names"])
    folders: dict[str, str] = {}
    check_classes(class_names, folders)
    if len(folders) != len(record["class_names"]) or not class_names:
        raise ValueError("the classes are none, or one of them stands there twice")
    numbers = record["splits"]
    if not isinstance(numbers, list) or len(numbers) != len(SPLITS):
        raise ValueError("the splits are no three numbers")
    train, validation, test = (_number(n, 1, 10**9) for n in numbers)
    recipe_text = record["recipe_text"]
    if not isinstance(recipe_text, str):
        raise ValueError("the recipe is no text")
    return MadeFrom(
        recipe=_text(record["recipe"], 200),
        recipe_digest=_text(record["recipe_digest"], 64),
        recipe_text=recipe_text,
        lists_digest=_text(record["lists_digest"], 64),
        of_list=_flag(record["of_list"]),
        multi_label=_flag(record["multi_label"]),
        class_names=class_names,
        seed=_number(record["seed"], 0, 2**32 - 1),
        splits=(train, validation, test),
        least_ms=_number(record["least_ms"], 0, CLIP_MS),
        sample_rate=_rate(record["sample_rate"]),
        versions={_text(name, 100): _text(value, 200) for name, value in record["versions"].items()},
    )


def _clip(record: dict[str, Any], made_from: MadeFrom) -> ManifestClip:
    _only(record, ManifestClip)
    key = _key(record["key"])
    start_ms = int(key[12:])
    class_name, also = _class(record["class_name"], made_from), _texts(record["also"])
    for name in also:
        _class(name, made_from)
    if class_name in also or len(set(also)) < len(also):
        raise ValueError(f"{key} carries a class twice")
    if record["split"] not in ("", *SPLITS):
        raise ValueError(f"no such split: {str(record['split'])[:40]!a}")
    fingerprint = b64decode(_text(record["fingerprint"], 4_000), validate=True)
    if len(fingerprint) not in (0, FINGERPRINT_BYTES):
        raise ValueError(f"the fingerprint of {key} has {len(fingerprint)} bytes")
    sha256 = _text(record["sha256"], 64)
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ValueError(f"no sha256: {sha256!a}")
    return ManifestClip(
        key=key,
        end_ms=_number(record["end_ms"], start_ms + 1, start_ms + CLIP_MS),
        class_name=class_name,
        also=also,
        labels=_texts(record["labels"]),
        split=record["split"],
        sha256=sha256,
        fingerprint=fingerprint,
        source=_text(record["source"]),
        cut=_text(record["cut"]),
        decoder=_text(record["decoder"]),
    )


def _left_out(record: dict[str, Any], made_from: MadeFrom) -> LeftOut:
    _only(record, LeftOut)
    return LeftOut(
        _key(record["key"]),
        _class(record["class_name"], made_from),
        str(Reason(_text(record["reason"]))),
        _text(record["tried_at"], 40),
    )


def _only(record: Mapping[str, Any], what: type) -> None:
    """See that a record has the names of a noun's fields, and no others."""
    names = {field.name for field in fields(what)}
    if odd := sorted(record.keys() ^ names):
        raise ValueError(
            f"{', '.join(odd)[:100]} should " + ("not be here" if odd[0] in record else "be here")
        )


def _key(value: object) -> str:
    if not isinstance(value, str) or not KEY.fullmatch(value):
        raise ValueError(f"no clip's key: {str(value)[:40]!a}")
    return value


def _class(value: object, made_from: MadeFrom) -> str:
    if value not in made_from.class_names:
        raise ValueError(f"no such class: {str(value)[:60]!a}")
    return str(value)


def _text(value: object, most: int = _LONGEST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise ValueError(f"no text of at most {most:,} plain characters: {str(value)[:40]!a}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"no list of texts: {str(value)[:40]!a}")
    return tuple(text for text in (_text(one, 200) for one in value) if _whole(text))


def _whole(text: str) -> bool:
    """Whether a text can stand among others in a cell; it is an error where not."""
    if not text or ";" in text:
        raise ValueError(f"an empty text, or one with a semicolon: {text[:40]!a}")
    return True


def _number(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"no whole number from {least:,} to {most:,}: {str(value)[:40]!a}")
    return value


def _rate(value: object) -> int:
    if value not in SAMPLE_RATES:
        raise ValueError(f"no sample rate of a clip: {str(value)[:40]!a}")
    return _number(value, min(SAMPLE_RATES), max(SAMPLE_RATES))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"neither true nor false: {str(value)[:40]!a}")
    return value
