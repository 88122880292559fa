"""AudioSet's ontology: the labels, their names, and what lies below each.

It is a directed acyclic graph, not a tree: 38 of its 632 nodes have several parents.
Source: https://github.com/audioset/ontology (CC BY-SA 4.0).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import DataMismatch
from ..files import parse_json, read_file
from .official import GENUINE


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

    def most_specific(self, mids: frozenset[str]) -> frozenset[str]:
        """Those of `mids` that have none of the others below them."""
        if len(mids) < 2:
            return mids
        return frozenset(mid for mid in mids if not (self.subtree(mid) - {mid}) & mids)

    def name(self, mid: str) -> str:
        """The display name of `mid`, or `mid` itself where the ontology lacks it."""
        return self.names.get(mid, mid)

    def described(self, mids: Iterable[str]) -> str:
        """Display names, sorted and joined, for a person to read."""
        return "; ".join(sorted(self.name(mid) for mid in mids))


def read_ontology(path: Path) -> Ontology:
    """Read `ontology.json`.

    Raises:
        DataMismatch: it is not the official file's form.
    """
    try:
        nodes = parse_json(read_file(path))
        names = {str(node["id"]): str(node["name"]) for node in nodes}
        children = {str(node["id"]): tuple(map(str, node["child_ids"])) for node in nodes}
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", GENUINE) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataMismatch(f"{path} is not AudioSet's ontology: {error!r}", GENUINE) from error
    lost = sorted({child for below in children.values() for child in below} - names.keys())
    if lost or not names:
        raise DataMismatch(f"{path} is incomplete: it refers to {lost[:3]} but does not define them", GENUINE)
    return Ontology(names, children)
