"""A recipe says what a class is.

**Single-instrument** (the paper's "at most one instrument"): a clip belongs to a class if it has one of the
class's labels, none of another class's, and every other label below Musical instrument is *transparent*: an
ancestor such as Keyboard (musical) is not a second instrument beside Piano. Ancestors are not reliably
labelled: counting them as other instruments would cost half of all Flute clips.

**Multi-label**: a clip carries every class of which it has a label; other instruments besides do not matter,
but a label that might be a class which the clip does not carry keeps it out: of a bare "Guitar" it is not
known whether it is the electric one.

Either way a segment must have a least length, ten seconds unless the recipe says less.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..exceptions import UsageError
from ..files import parse_toml, read_file
from ..types import CLASS_SEPARATOR, CLIP_SECONDS, Splits
from ..workspace import folder_name
from .official import manifest

SHIPPED = ("paper", "clean", "instruments", "keyboards", "several")
"""The recipes that come with the package, as manifests/<name>.toml."""

LEAST_SECONDS = float(CLIP_SECONDS)
"""The least length of a segment where a recipe names none: that of a clip, so that none has to be padded."""

_KEYS = {"name", "seed", "multi_label", "least_seconds", "splits", "instruments", "tiers", "classes"}
_SHORTEST_S = 0.1
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Pool:
    """One source of clips for a class without labels of its own; several are drawn from in turn.

    Args:
        name: as the account of the selection prints it.
        instruments: how many most specific instrument labels there may be, least and most.
        music: False rejects every label of the music subtree.
        vocal: False rejects every vocal label.
    """

    name: str
    instruments: tuple[int, int] = (0, 1_000)
    music: bool = True
    vocal: bool = True


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What one class is.

    Args:
        name: as it is printed and written everywhere.
        include: the `mid`s of which a clip needs one; empty for the class of everything else.
        transparent: ancestors of those that are not another instrument.
        pools: where the class of everything else is drawn from.
    """

    name: str
    include: frozenset[str] = frozenset()
    transparent: frozenset[str] = frozenset()
    pools: tuple[Pool, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; the sets of `mid`s are as the file gives them, not yet expanded by the ontology.

    `given` is what it was asked for by: the name of a shipped one, or a path. `least_ms` is the least length
    of a segment, `text` the whole file.
    """

    given: str
    name: str
    seed: int
    multi_label: bool
    least_ms: int
    classes: tuple[ClassRule, ...]
    instrument_root: str
    transparent: frozenset[str]
    rejected: frozenset[str]
    music: frozenset[str]
    speech: frozenset[str]
    vocal: frozenset[str]
    splits: Splits
    text: str = field(default="", repr=False, compare=False)

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(rule.name for rule in self.classes)

    @cached_property
    def label_digests(self) -> dict[str, str]:
        """A short digest of the labels that each part of the recipe names, by the part's name in words."""
        instruments = [self.instrument_root, sorted(self.transparent), sorted(self.rejected)]
        tiers = [sorted(self.music), sorted(self.speech), sorted(self.vocal)]
        parts: dict[str, Any] = {"[instruments]": instruments, "[tiers]": tiers}
        for rule in self.classes:
            pools = [astuple(pool) for pool in rule.pools]
            parts[f"class {rule.name}"] = [sorted(rule.include), sorted(rule.transparent), pools]
        return {part: _sha256(held)[:16] for part, held in parts.items()}

    @cached_property
    def digest(self) -> str:
        """A sha256 of what the recipe means, however it is written."""
        settings = [self.name, self.seed, self.multi_label, self.least_ms, astuple(self.splits)]
        return _sha256([settings, self.class_names, self.label_digests])


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe that the package ships, by its name, or a TOML file.

    Raises:
        UsageError: there is no such recipe, or it makes no sense.
    """
    shipped = re.fullmatch(r"[a-z0-9-]+", name_or_path)
    path = manifest(f"{name_or_path}.toml") if shipped else Path(name_or_path)
    if not path.is_file():
        raise UsageError(
            f"there is no recipe {name_or_path}", f"Use {', '.join(SHIPPED)}, or the path of a TOML file."
        )
    try:
        # As text is read: with the ends of lines that Windows gives them, a recipe is the same.
        text = read_file(path, _MOST_BYTES).decode().replace("\r\n", "\n")
        return replace(_parse(parse_toml(text), name_or_path), text=text)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        problem = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{path} is not a recipe: {problem}",
            "Start from a copy of manifests/paper.toml; docs/select.md explains it.",
        ) from error


def _parse(table: Mapping[str, Any], given: str) -> Recipe:
    if unknown := sorted(table.keys() - _KEYS):
        raise ValueError(f"a recipe knows nothing of {', '.join(unknown)}")
    if not isinstance(table.get("multi_label", False), bool):
        raise ValueError("multi_label is neither true nor false")
    instruments, tiers = table["instruments"], table["tiers"]
    recipe = Recipe(
        given=given,
        name=str(table["name"]),
        seed=int(table["seed"]),
        multi_label=table.get("multi_label", False),
        least_ms=_parse_least(table.get("least_seconds", LEAST_SECONDS)),
        classes=tuple(_parse_class(entry) for entry in table["classes"]),
        instrument_root=_mid(instruments["root"]),
        transparent=_mids(instruments["transparent"]),
        rejected=_mids(instruments["rejected"]),
        music=_mids(tiers["music"]),
        speech=_mids(tiers["speech"]),
        vocal=_mids(tiers["vocal"]),
        splits=Splits(**table.get("splits", {})),
    )
    if not 0 <= recipe.seed < 1 << 32:
        raise ValueError("the seed must lie between 0 and 4,294,967,295")
    if len(set(recipe.class_names)) != len(recipe.classes) or len(recipe.classes) < 2:
        raise ValueError("two or more classes of different names are needed")
    if any(CLASS_SEPARATOR in name for name in recipe.class_names):
        raise ValueError("the name of a class holds a semicolon, which parts the names in dataset.csv")
    if len(set(map(folder_name, recipe.class_names))) != len(recipe.classes):
        raise ValueError("the names of two classes would give the same folder")
    if sum(not rule.include for rule in recipe.classes) > 1:
        raise ValueError("only one class may go without include: the class of everything else")
    if sum(len(rule.include) for rule in recipe.classes) != len(_all_included(recipe)):
        raise ValueError("a label is included by two classes")
    return recipe


def _parse_least(seconds: Any) -> int:
    """The least length in milliseconds, the unit of the lists."""
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not _SHORTEST_S <= seconds <= LEAST_SECONDS:
        raise ValueError(
            f"least_seconds must be a number from {_SHORTEST_S:g} to {LEAST_SECONDS:g}, the length of a clip"
        )
    return round(float(seconds) * 1000)


def _parse_class(entry: Mapping[str, Any]) -> ClassRule:
    known = {field.name for field in fields(ClassRule)}
    if unknown := sorted(entry.keys() - known):
        raise ValueError(f"a class knows nothing of {', '.join(unknown)}")
    rule = ClassRule(
        name=str(entry["name"]),
        include=_mids(entry.get("include", [])),
        transparent=_mids(entry.get("transparent", [])),
        pools=tuple(_parse_pool(pool) for pool in entry.get("pools", ())),
    )
    if bool(rule.include) == bool(rule.pools):
        raise ValueError(f"class {rule.name} needs either include or pools")
    return rule


def _mid(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"no label: {str(value)[:40]!a}")
    return value


def _mids(values: Any) -> frozenset[str]:
    if not isinstance(values, list):
        raise ValueError(f"no list of labels: {str(values)[:40]!a}")
    return frozenset(map(_mid, values))


def _parse_pool(entry: Mapping[str, Any]) -> Pool:
    pool = Pool(**entry)
    return replace(pool, instruments=(int(pool.instruments[0]), int(pool.instruments[1])))


def _sha256(meaning: object) -> str:
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()


def _all_included(recipe: Recipe) -> frozenset[str]:
    return frozenset().union(*(rule.include for rule in recipe.classes))
