"""A recipe says what a class is.

**Single-instrument** (the paper's "at most one instrument"): a clip belongs to a class if it has one of the
class's labels, none of another class's, and every other label below Musical instrument is *transparent*: an
ancestor such as Keyboard (musical) is not a second instrument beside Piano. Ancestors are not reliably
labelled: counting them as other instruments would cost half of all Flute clips. A recipe without
`[instruments]` has nothing to be alone among but its own classes.

**Multi-label**: a clip carries every class of which it has a label; other instruments besides do not matter,
but a label that might be a class which the clip does not carry keeps it out: of a bare "Guitar" it is not
known whether it is the electric one.

Either way a segment must have a least length, ten seconds unless the recipe says less.

Labels are written as display names or `mid`s. Which `mid` a name is, and what lies below a label, the
ontology says: `resolve` in `resolve.py`.

**Official** (`kind = "official"`): AudioSet's own task, of which `standard.py` has what it says. Its classes
are known once the lists are read.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..exceptions import UsageError
from ..files import parse_toml, read_file
from ..types import CLASS_SEPARATOR, CLIP_SECONDS, Splits
from ..workspace import folder_name
from .official import manifest
from .standard import StandardTask, parse_standard

SHIPPED = ("paper", "clean", "instruments", "keyboards", "several")
"""The recipes that come with the package, as manifests/<name>.toml."""

STANDARD = ("audioset-20k", "audioset-500k", "audioset-2m")
"""Those of AudioSet's own task, likewise."""

LEAST_SECONDS = float(CLIP_SECONDS)
"""The least length of a segment where a recipe names none: that of a clip, so that none has to be padded."""

_SWITCHES = {"multi_label": False, "descendants": True, "propagate": False}
"""What a recipe answers with true or false, and how where it says nothing."""

_KEYS = {"name", "seed", "least_seconds", "splits", "instruments", "tiers", "classes", *_SWITCHES}
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


_ANY = Pool("everything else")
"""What a class with neither labels nor pools is drawn from."""


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What one class is.

    Args:
        name: as it is printed and written everywhere.
        include: the labels of which a clip needs one; empty for the class of everything else.
        transparent: ancestors of those that are not another instrument.
        pools: where the class of everything else is drawn from.
    """

    name: str
    include: frozenset[str] = frozenset()
    transparent: frozenset[str] = frozenset()
    pools: tuple[Pool, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; the sets of labels are as the file gives them until `resolve` makes `mid`s of them.

    `given` is what it was asked for by: the name of a shipped one, or a path. `least_ms` is the least length
    of a segment, `text` the whole file. With `descendants` a label stands for all below it too; with
    `propagate` a clip carries also the classes above those it carries. `standard` is what
    it says of AudioSet's own task, where that is its kind: its classes are known once the lists are read.
    """

    given: str
    name: str
    seed: int
    multi_label: bool
    descendants: bool
    propagate: bool
    least_ms: int
    classes: tuple[ClassRule, ...]
    instrument_root: str | None
    transparent: frozenset[str]
    rejected: frozenset[str]
    music: frozenset[str]
    speech: frozenset[str]
    vocal: frozenset[str]
    splits: Splits
    standard: StandardTask | None = None
    text: str = field(default="", repr=False, compare=False)

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(rule.name for rule in self.classes)

    @property
    def tiered(self) -> bool:
        """Whether it says which clips are the cleanest."""
        return bool(self.music | self.speech | self.vocal)

    @property
    def resolved(self) -> bool:
        """Whether its labels are `mid`s that stand for themselves: no ontology is needed to know them."""
        return not self.descendants and all(label.startswith("/") for label in self.labels)

    @property
    def labels(self) -> frozenset[str]:
        """All labels that it uses."""
        of_classes = [labels for rule in self.classes for labels in (rule.include, rule.transparent)]
        root = () if self.instrument_root is None else (self.instrument_root,)
        return self.music.union(root, self.speech, self.vocal, self.transparent, self.rejected, *of_classes)

    @cached_property
    def label_digests(self) -> dict[str, str]:
        """A short digest of the labels that each part of the recipe names, by the part's name in words."""
        if self.standard:
            return {key: _sha256(said)[:16] for key, said in asdict(self.standard).items()}
        instruments = [self.instrument_root, sorted(self.transparent), sorted(self.rejected)]
        tiers = [sorted(self.music), sorted(self.speech), sorted(self.vocal)]
        parts: dict[str, Any] = {"[instruments]": instruments, "[tiers]": tiers}
        for rule in self.classes:
            pools = [astuple(pool) for pool in rule.pools]
            parts[f"class {rule.name}"] = [sorted(rule.include), sorted(rule.transparent), pools]
        return {part: _sha256(held)[:16] for part, held in parts.items()}

    @cached_property
    def digest(self) -> str:
        """A sha256 of what the recipe means, however it is written; of names only `resolve` says that."""
        settings = [self.name, self.seed, self.multi_label, self.least_ms, astuple(self.splits)]
        settings += ["propagate"] if self.propagate else []
        # The classes of an official one are not known before the lists are.
        class_names = () if self.standard else self.class_names
        return _sha256([settings, class_names, self.label_digests])


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe that the package ships, by its name, or a TOML file.

    Raises:
        UsageError: there is no such recipe, or it makes no sense.
    """
    shipped = re.fullmatch(r"[a-z0-9-]+", name_or_path)
    path = manifest(f"{name_or_path}.toml") if shipped else Path(name_or_path)
    if not path.is_file():
        raise UsageError(
            f"there is no recipe {name_or_path}",
            f"Use {', '.join((*SHIPPED, *STANDARD))}, or the path of a TOML file.",
        )
    try:
        # As text is read: with the ends of lines that Windows gives them, a recipe is the same.
        text = read_file(path, _MOST_BYTES).decode().replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise _no_recipe(name_or_path, str(error)) from error
    return parse_recipe(text, name_or_path)


def parse_recipe(text: str, given: str) -> Recipe:
    """The recipe that a text in TOML is, which is asked for by `given`.

    Raises:
        UsageError: it makes no sense.
    """
    try:
        return replace(_parse(parse_toml(text), given), text=text)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        problem = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise _no_recipe(given, problem) from error


def _no_recipe(given: str, problem: str) -> UsageError:
    return UsageError(
        f"{given} is not a recipe: {problem}",
        "Begin with `audioset-tools select --init FILE --class NAME`; docs/classes.md explains it.",
    )


def _parse(table: Mapping[str, Any], given: str) -> Recipe:
    if "kind" in table:
        return _parse_official(table, given)
    if unknown := sorted(table.keys() - _KEYS):
        raise ValueError(f"a recipe knows nothing of {', '.join(unknown)}")
    instruments = _part(table, "instruments", {"root", "transparent", "rejected"})
    tiers = _part(table, "tiers", {"music", "speech", "vocal"})
    switches = _parse_switches(table)
    recipe = Recipe(
        given=given,
        name=str(table["name"]),
        seed=_parse_seed(table["seed"]),
        multi_label=switches["multi_label"],
        descendants=switches["descendants"],
        propagate=switches["propagate"],
        least_ms=_parse_least(table.get("least_seconds", LEAST_SECONDS)),
        classes=tuple(_parse_class(entry) for entry in table["classes"]),
        instrument_root=_label(instruments["root"]) if "root" in instruments else None,
        transparent=_labels(instruments.get("transparent", [])),
        rejected=_labels(instruments.get("rejected", [])),
        music=_labels(tiers.get("music", [])),
        speech=_labels(tiers.get("speech", [])),
        vocal=_labels(tiers.get("vocal", [])),
        splits=Splits(**table.get("splits", {})),
    )
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    """See that a recipe makes sense as far as that can be told without the ontology.

    Raises:
        ValueError: it does not.
    """
    if len(set(recipe.class_names)) != len(recipe.classes) or len(recipe.classes) < 2:
        raise ValueError(
            "two or more classes of different names are needed; one without include takes everything else"
        )
    if any(CLASS_SEPARATOR in name for name in recipe.class_names):
        raise ValueError("the name of a class holds a semicolon, which parts the names in dataset.csv")
    if len(set(map(folder_name, recipe.class_names))) != len(recipe.classes):
        raise ValueError("the names of two classes would give the same folder")
    if sum(not rule.include for rule in recipe.classes) > 1:
        raise ValueError("only one class may go without include: the class of everything else")
    refuse_included_twice(recipe)
    for pool in (pool for rule in recipe.classes for pool in rule.pools):
        if pool.instruments != _ANY.instruments and recipe.instrument_root is None:
            raise ValueError(f"pool {pool.name} counts instruments, and [instruments] has no root")
        if (not pool.music and not recipe.music) or (not pool.vocal and not recipe.vocal):
            raise ValueError(f"pool {pool.name} leaves out music or voices, and [tiers] does not say what is")


def refuse_included_twice(recipe: Recipe) -> None:
    """See that no label makes a clip one of two classes.

    Raises:
        ValueError: one does.
    """
    seen: set[str] = set()
    for rule in recipe.classes:
        if twice := seen & rule.include:
            raise ValueError(f"a label is included by two classes: {min(twice)[:40]!a}")
        seen |= rule.include


def _part(table: Mapping[str, Any], name: str, known: Collection[str]) -> dict[str, Any]:
    """A table that may be left out, and so may each of its keys."""
    part = table.get(name, {})
    if not isinstance(part, dict):
        raise ValueError(f"[{name}] is no table")
    if unknown := sorted(part.keys() - known):
        raise ValueError(f"[{name}] knows nothing of {', '.join(unknown)}")
    return part


def _parse_switches(table: Mapping[str, Any]) -> dict[str, bool]:
    switches = {name: table.get(name, default) for name, default in _SWITCHES.items()}
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name} is neither true nor false")
    if switches["propagate"] and not (switches["multi_label"] and switches["descendants"]):
        raise ValueError("propagate needs multi_label = true, and no descendants = false")
    return switches


def _parse_official(table: Mapping[str, Any], given: str) -> Recipe:
    """A recipe of AudioSet's own task: of segments of any length, where it does not say otherwise."""
    task, nothing = parse_standard(table), frozenset[str]()
    return Recipe(
        given=given,
        name=str(table["name"]),
        seed=_parse_seed(table["seed"]),
        multi_label=True,
        descendants=False,
        propagate=False,
        least_ms=_parse_least(table["least_seconds"]) if "least_seconds" in table else 0,
        classes=(),
        instrument_root=None,
        transparent=nothing,
        rejected=nothing,
        music=nothing,
        speech=nothing,
        vocal=nothing,
        splits=Splits(**table.get("splits", {})),
        standard=task,
    )


def _parse_seed(value: Any) -> int:
    seed = int(value)
    if not 0 <= seed < 1 << 32:
        raise ValueError("the seed must lie between 0 and 4,294,967,295")
    return seed


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
        include=_labels(entry.get("include", [])),
        transparent=_labels(entry.get("transparent", [])),
        pools=tuple(_parse_pool(pool) for pool in entry.get("pools", ())),
    )
    if "include" in entry and (rule.pools or not rule.include):
        raise ValueError(
            f"class {rule.name} has labels in include, or pools, or neither and takes what is left"
        )
    return rule if rule.include or rule.pools else replace(rule, pools=(_ANY,))


def _label(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"no label: {str(value)[:40]!a}")
    return value


def _labels(values: Any) -> frozenset[str]:
    if not isinstance(values, list):
        raise ValueError(f"no list of labels: {str(values)[:40]!a}")
    return frozenset(map(_label, values))


def _parse_pool(entry: Mapping[str, Any]) -> Pool:
    pool = Pool(**entry)
    return replace(pool, instruments=(int(pool.instruments[0]), int(pool.instruments[1])))


def _sha256(meaning: object) -> str:
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()
