"""Lhotse: recordings, supervisions and cuts of each split as JSON lines, and the clips in `audio/`.

Source: https://lhotse.readthedocs.io, version 1.33. Its data set for audio tagging reads `audio_event` of a
supervision: the numbers of its targets between semicolons. The paths of recordings are relative, so that a
folder may be moved and is the same bytes anywhere: the reader prefixes them with where it lies.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch
from ..files import open_file, parse_json
from ..types import CLIP_SECONDS
from .examples import Example, Exported
from .folder import AUDIO
from .part import ExportPart, ExportPlan, about, digest_of, json_part

KINDS = ("recordings", "supervisions", "cuts")

_FORM = "lhotse 1"

_LEVEL = 6
"""Of compression; the bytes depend on it, and on who compresses."""


def plan(data: Exported) -> ExportPlan:
    """Three files a split, and what the targets count; the clips are linked."""
    parts = [
        ExportPart(
            name=f"{kind}_{split}.jsonl.gz",
            inputs=digest_of(
                _FORM, kind, data.sample_rate, _LEVEL, zlib.ZLIB_RUNTIME_VERSION, about(examples)
            ),
            clips=0,
            make=partial(_make, kind, examples, data.sample_rate),
            check=partial(_check, kind, examples, data.sample_rate),
        )
        for split, examples in data.splits.items()
        for kind in KINDS
    ]
    names = json_part("targets.json", {"names": data.target_names, "mids": data.target_mids})
    return ExportPlan([names, *parts])


def _make(kind: str, examples: Sequence[Example], sample_rate: int, path: Path) -> None:
    with (
        path.open("wb") as handle,
        gzip.GzipFile("", "wb", _LEVEL, handle, mtime=0) as packed,
    ):
        for one in examples:
            packed.write(json.dumps(_described(kind, one, sample_rate), ensure_ascii=False).encode() + b"\n")


def _described(kind: str, one: Example, sample_rate: int) -> dict[str, Any]:
    """A line of a file of that kind."""
    recording = {
        "id": one.name,
        "sources": [{"type": "file", "channels": [0], "source": f"{AUDIO}/{one.name}.wav"}],
        "sampling_rate": sample_rate,
        "num_samples": CLIP_SECONDS * sample_rate,
        "duration": float(CLIP_SECONDS),
        "channel_ids": [0],
    }
    supervision = {
        "id": one.name,
        "recording_id": one.name,
        "start": 0.0,
        "duration": float(CLIP_SECONDS),
        "channel": 0,
        "custom": {"audio_event": ";".join(map(str, one.targets)), "classes": list(one.classes)} | one.told(),
    }
    if kind == "recordings":
        return recording
    if kind == "supervisions":
        return supervision
    return {
        "id": one.name,
        "start": 0.0,
        "duration": float(CLIP_SECONDS),
        "channel": 0,
        "supervisions": [supervision],
        "recording": recording,
        "type": "MonoCut",
    }


def _check(kind: str, examples: Sequence[Example], sample_rate: int, path: Path) -> None:
    try:
        for one, line in zip_longest(examples, _lines(path)):
            if one is None or line is None or parse_json(line) != _described(kind, one, sample_rate):
                raise ValueError("another line")
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataMismatch(f"{path} is not what was written", "See to the disk, and export again.") from error


def _lines(path: Path) -> Iterator[bytes]:
    with open_file(path) as handle, gzip.GzipFile(fileobj=handle) as unpacked:
        yield from unpacked
