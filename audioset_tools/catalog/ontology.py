"""AudioSet's ontology: the labels, their names, and what lies below each.

It is a directed acyclic graph, not a tree: 38 of its 632 nodes have several parents.
Source: https://github.com/audioset/ontology (CC BY-SA 4.0).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch
from ..files import parse_json, read_file
from .official import GENUINE, official_files, unread


@dataclass(frozen=True, slots=True)
class Ontology:
    """The labels by `mid`.

    Args:
        names: `mid` to display name.
        children: `mid` to the `mid`s directly below it.
    """

    names: Mapping[str, str]
    children: Mapping[str, tuple[str, ...]]

    def subtree(self, *roots: str) -> frozenset[str]:
        """The given `mid`s and everything below them."""
        found: set[str] = set()
        pending = list(roots)
        while pending:
            mid = pending.pop()
            if mid not in found:
                found.add(mid)
                pending.extend(self.children.get(mid, ()))
        return frozenset(found)

    def above(self, *mids: str) -> frozenset[str]:
        """Everything above the given `mid`s, on every way up, without themselves."""
        parents, found, pending = self.parents(), set[str](), list(mids)
        while pending:
            new = set(parents.get(pending.pop(), ())) - found
            found |= new
            pending.extend(new)
        return frozenset(found.difference(mids))

    def way(self, mid: str) -> list[str]:
        """The shortest way from the top down to a label, without itself; of several the ontology's first."""
        parents, lower, pending = self.parents(), {mid: mid}, [mid]
        for one in pending:
            if one not in parents:
                way = [one]
                while way[-1] != mid:
                    way.append(lower[way[-1]])
                return way[:-1]
            new = [parent for parent in parents[one] if parent not in lower]
            lower |= dict.fromkeys(new, one)
            pending.extend(new)
        # A circle has no top.
        return []

    def parents(self) -> dict[str, list[str]]:
        """`mid` to the `mid`s directly above it, in the ontology's order; the topmost are no keys."""
        parents: dict[str, list[str]] = {}
        for mid, children in self.children.items():
            for child in children:
                parents.setdefault(child, []).append(mid)
        return parents

    def most_specific(self, mids: frozenset[str]) -> frozenset[str]:
        """Those of `mids` that have none of the others below them."""
        if len(mids) < 2:
            return mids
        return frozenset(mid for mid in mids if not (self.subtree(mid) - {mid}) & mids)

    def name(self, mid: str) -> str:
        """The display name of `mid`, or `mid` itself where the ontology lacks it."""
        return self.names.get(mid, mid)

    def called(self, word: str) -> list[str]:
        """The `mid`s that a person means by a `mid` or a display name in any case; mostly one or none."""
        if word in self.names:
            return [word]
        wanted = folded(word)
        return [mid for mid, name in self.names.items() if folded(name) == wanted]

    def similar(self, word: str) -> list[str]:
        """Display names that a word which is none may stand for, likeliest first."""
        wanted, by_name = folded(word[:_LONGEST]), {folded(name): name for name in self.names.values()}
        close = get_close_matches(wanted, by_name, n=_MOST_SIMILAR, cutoff=0.6)
        parts = set(_words(wanted))
        holding = [name for name in sorted(by_name, key=len) if parts and parts <= set(_words(name))]
        return [by_name[name] for name in dict.fromkeys([*holding[:_MOST_SIMILAR], *close])][:_MOST_SIMILAR]

    def described(self, mids: Iterable[str]) -> str:
        """Display names, sorted and joined, for a person to read."""
        return "; ".join(sorted(self.name(mid) for mid in mids))


_LONGEST, _MOST_SIMILAR = 80, 4
"""Of a word that is looked up by likeness, and of the names that are like it."""


def folded(name: str) -> str:
    """A name without what people write this way or that: capitals and spaces."""
    return " ".join(name.casefold().split())


def _words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text).split()


def ontology_of(nodes: Any) -> Ontology:
    """The ontology from the nodes of `ontology.json`.

    Raises:
        ValueError, KeyError, TypeError: they are not of the official form.
    """
    names = {str(node["id"]): str(node["name"]) for node in nodes}
    return Ontology(names, {str(node["id"]): tuple(map(str, node["child_ids"])) for node in nodes})


def read_ontology(path: Path, genuine: bool = False) -> Ontology:
    """Read `ontology.json`.

    Args:
        genuine: whether it must be AudioSet's own, to the byte; the demo's will do.

    Raises:
        DataMismatch: it is not the official file's form, or not that file.
        EnvironmentProblem: it cannot be read.
    """
    try:
        content = read_file(path)
        ontology = ontology_of(parse_json(content))
    except OSError as error:
        raise unread(path, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataMismatch(f"{path} is not AudioSet's ontology: {error!r}", GENUINE) from error
    lost = sorted({child for below in ontology.children.values() for child in below} - ontology.names.keys())
    if lost or not ontology.names:
        raise DataMismatch(f"{path} is incomplete: it refers to {lost[:3]} but does not define them", GENUINE)
    if genuine:
        _refuse_another(path, content)
    return ontology


OF_THE_DEMO = "1f893a60b0ce647dc0cadfac63826151b38b574e95f3f5aa9f0486eeb9421334"
"""The sha256 of the small ontology that the demo's own lists come with."""


def _refuse_another(path: Path, content: bytes) -> None:
    """See that an ontology is AudioSet's own.

    The lists cannot be changed unnoticed, and an edge less in the ontology changes classes by thousands.
    """
    found, own = hashlib.sha256(content).hexdigest(), official_files()["ontology"]
    if found not in (own.sha256, OF_THE_DEMO):
        raise DataMismatch(
            f"{path} is another ontology than AudioSet's (sha256 {found[:12]}..., not {own.sha256[:12]}...)",
            f"It decides what the classes are. Put AudioSet's in its place, from {own.url}; if you mean this"
            " one, add --any-ontology.",
        )
