"""What a run's weights are of: settings, classes, mels and versions, in `config.json` and in the weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch
from ..files import parse_json
from ..shards.shard import ShardHeader
from ..shards.spec import MOST_VALUES, MelSpec, read_spec

NOT_OURS = "Take the run folder that `audioset-tools train` made, whole, or train again."

FLOAT32, BF16 = "float32", "bfloat16"
"""Precisions of a training, the second mixed with the first."""


@dataclass(frozen=True, slots=True)
class About:
    """What was trained, on what, and by what.

    Args:
        config: the settings, as `TrainConfig` has them.
        class_names: what the outputs count.
        multi_label: whether a clip may have several classes.
        recipe: name of the recipe that decided the classes.
        spec: of the mels; in files as an object of its fields.
        shape: bands and frames of a mel.
        versions: of the packages that decide the numbers.
        threads: how many threads computed.
        precision: `FLOAT32`, or `BF16` where that was mixed in.
    """

    config: Mapping[str, Any]
    class_names: tuple[str, ...]
    multi_label: bool
    recipe: str
    spec: MelSpec
    spec_digest: str
    shape: tuple[int, int]
    versions: Mapping[str, str]
    threads: int
    precision: str

    def json(self, indent: int | None = None) -> str:
        """The one way to write it down: sorted keys, so that equal settings give equal bytes."""
        return json.dumps(asdict(self), sort_keys=True, indent=indent)


def about_run(
    config: Mapping[str, Any],
    header: ShardHeader,
    shape: tuple[int, int],
    versions: Mapping[str, str],
    threads: int,
    precision: str = FLOAT32,
) -> About:
    """What is known of a run before it begins.

    Args:
        shape: bands and frames of their mels.
    """
    return About(
        # As a file gives it back: a tuple becomes a list.
        config=parse_json(json.dumps(dict(config))),
        class_names=header.class_names,
        multi_label=header.multi_label,
        recipe=header.recipe,
        spec=header.spec,
        spec_digest=header.spec_digest,
        shape=shape,
        versions=dict(versions),
        threads=threads,
        precision=precision,
    )


def parse_about(content: object, path: Path) -> About:
    """Check what `About.json` wrote, as JSON gives it back.

    Args:
        content: of a file, which may hold anything.
        path: of that file, for the message.

    Raises:
        DataMismatch: it is something else.
    """
    names = [field.name for field in fields(About)]
    if not isinstance(content, dict) or set(content) != set(names):
        raise DataMismatch(f"{path} holds no settings of a run, or those of another version", NOT_OURS)
    wrong = [name for name in names if not _plausible(name, content[name])]
    if wrong:
        raise DataMismatch(f"{path} has an impossible {wrong[0]} among the settings of its run", NOT_OURS)
    try:
        spec = read_spec(json.dumps(content["spec"], sort_keys=True))
    except DataMismatch as error:
        raise DataMismatch(f"{path} has {error.what} among the settings of its run", NOT_OURS) from error
    class_names, shape = tuple(content["class_names"]), tuple(content["shape"])
    return About(**content | {"spec": spec, "class_names": class_names, "shape": shape})


def _plausible(name: str, value: object) -> bool:
    match name, value:
        case "class_names", [_, *_]:
            return all(map(_is_text, value)) and len(set(value)) == len(value)
        case "shape", [int(bands), int(frames)]:
            return bands > 0 and frames > 0 and bands * frames <= MOST_VALUES
        case "config" | "spec", dict():
            # One level of lists and no more: what is nested a thousand deep breaks whoever writes it again.
            each = [
                part for found in value.values() for part in (found if isinstance(found, list) else [found])
            ]
            return not any(isinstance(part, dict | list) for part in each)
        case "versions", dict():
            return all(map(_is_text, value.values()))
        case "multi_label", bool():
            return True
        case "threads", int():
            return value > 0
        case "precision", str():
            return value in (FLOAT32, BF16)
        case "recipe" | "spec_digest", str():
            return _is_text(value)
    return False


def _is_text(value: object) -> bool:
    """Something that any terminal takes: half of a surrogate pair is not."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def require_same_data(about: About, header: ShardHeader, shape: tuple[int, int], path: Path) -> None:
    """See that weights were made for such shards.

    Args:
        shape: bands and frames of their mels.
        path: of the weights, for the message.

    Raises:
        DataMismatch: their classes or their mels are others.
    """
    if (about.class_names, about.multi_label) != (header.class_names, header.multi_label):
        raise DataMismatch(
            f"{path} tells {_classes(about.class_names, about.multi_label)} apart,"
            f" the shards hold {_classes(header.class_names, header.multi_label)}",
            "Choose shards of the recipe it was trained on, with --workspace or --shards, or train again.",
        )
    if (about.spec_digest, about.shape) != (header.spec_digest, shape):
        raise DataMismatch(
            f"{path} was trained on mels {_mels(about.spec_digest, about.shape)},"
            f" the shards hold {_mels(header.spec_digest, shape)}",
            "Choose the shards with --shards NAME, or featurize with the same settings.",
        )


def _mels(digest: str, shape: tuple[int, int]) -> str:
    return f"{digest} of {shape[0]} x {shape[1]}"


def _classes(names: tuple[str, ...], multi_label: bool) -> str:
    return ", ".join(names) + (" (any number at once)" if multi_label else "")
