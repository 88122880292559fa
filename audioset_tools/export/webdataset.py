"""WebDataset: tars of a split, in which the files of a clip lie together, to be read in one stream.

Source: https://github.com/webdataset/webdataset. A clip is `NAME.wav`, `NAME.cls` with its target's number,
and `NAME.json` with all that is known of it. Readers cut a name at its first dot. `cls` is read as one
number: where clips may have several targets there is none, and the list `targets` of the JSON has them.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ..exceptions import DataMismatch
from ..files import open_file, parse_json
from .examples import Example, Exported
from .part import ExportPart, ExportPlan, about, digest_of, json_part, wav_bytes

CLIPS_A_TAR = 1_000
"""320 MB of clips at 16 kHz."""

_FORM = "webdataset 1"


def plan(data: Exported) -> ExportPlan:
    """A tar for every thousand clips of a split, and what the targets count."""
    parts = [
        ExportPart(
            name=f"{split}-{number:06}.tar",
            inputs=digest_of(_FORM, data.multi_label, about(examples)),
            clips=len(examples),
            make=partial(_make, examples, data.multi_label),
            check=partial(_check, examples, data.multi_label),
        )
        for split, number, examples in data.chunks(CLIPS_A_TAR)
    ]
    names = json_part("targets.json", {"names": data.target_names, "mids": data.target_mids})
    notes = ["the targets of a clip are in its JSON: `cls` has room for one"] if data.multi_label else []
    return ExportPlan([names, *parts], notes)


def _make(examples: Sequence[Example], multi_label: bool, path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for one in examples:
            for name, content in [(f"{one.name}.wav", wav_bytes(one)), *_beside(one, multi_label)]:
                # All else in its header is what nobody's machine or day has put there: 0.
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def _beside(one: Example, multi_label: bool) -> Iterator[tuple[str, bytes]]:
    """The small files of a clip."""
    if not multi_label:
        yield f"{one.name}.cls", str(one.targets[0]).encode()
    yield f"{one.name}.json", json.dumps(_told(one), ensure_ascii=False).encode()


def _told(one: Example) -> dict[str, object]:
    return one.told() | {"split": one.split, "classes": list(one.classes), "targets": list(one.targets)}


def _check(examples: Sequence[Example], multi_label: bool, path: Path) -> None:
    suffixes = ("wav", "json") if multi_label else ("wav", "cls", "json")
    expected = ((one, suffix) for one in examples for suffix in suffixes)
    try:
        with open_file(path) as handle, tarfile.open(fileobj=handle, mode="r:") as archive:
            for member in archive:
                one, suffix = next(expected, (None, ""))
                file = archive.extractfile(member)
                content = b"" if file is None else file.read()
                if (
                    one is None
                    or member.name != f"{one.name}.{suffix}"
                    or not _is_right(one, suffix, content)
                ):
                    raise ValueError(f"{member.name} is another")
        if next(expected, None) is not None:
            raise ValueError("it is cut off")
    except (ValueError, tarfile.TarError) as error:
        raise DataMismatch(
            f"{path} is not what was written: {error}", "See to the disk, and export again."
        ) from error


def _is_right(one: Example, suffix: str, content: bytes) -> bool:
    if suffix == "wav":
        return hashlib.sha256(content).hexdigest() == one.sha256
    if suffix == "cls":
        return one.targets == (int(content),)
    return bool(parse_json(content) == _told(one))
