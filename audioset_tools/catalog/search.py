"""A search of AudioSet's labels: their names, where each stands, how often it occurs, how right it is."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..csvfile import read_csv
from ..exceptions import UsageError
from ..workspace import AnyPath, Workspace, printable
from .lists import Catalog, read_catalog
from .official import SUBSETS, find_metadata, find_ontology
from .ontology import Ontology, folded, read_ontology

QUALITY = "qa_true_counts.csv"
"""What people said who listened to some clips of each label, where it lies beside the lists."""

_QUALITY_FROM = "http://storage.googleapis.com/us_audioset/youtube_corpus/v1/qa/"
_WIDTH, _MARGIN, _NAMED = 79, 14, 12


@dataclass(frozen=True, slots=True)
class FoundLabel:
    """What is known of one label.

    Args:
        way: the names from the top of the ontology down to it, without its own; of several ways the shortest.
        parents: the names of all directly above it.
        below: the names of all below it, sorted.
        subsets: segments of each official subset that carry it.
        reached: segments that carry it or a label below.
        alone: those of them that carry nothing else, but what lies above it.
        rated: of how many clips people said whether the label is right; None where that is not at hand.
        true: for how many they said it is.
    """

    mid: str
    name: str
    way: tuple[str, ...]
    parents: tuple[str, ...]
    below: tuple[str, ...]
    subsets: Mapping[str, int]
    reached: int
    alone: int
    rated: int | None
    true: int | None

    @property
    def segments(self) -> int:
        return sum(self.subsets.values())


def search_labels(
    workspace: Workspace, word: str, *, metadata: AnyPath | None = None, any_ontology: bool = False
) -> list[FoundLabel]:
    """The labels in whose names a word stands, those first that are called so; "" finds all.

    Args:
        workspace: keeps the lists, once they are downloaded.
        word: a name or part of one, in any case, or a `mid`.
        metadata: folder with the lists and the ontology; nothing is downloaded then.
        any_ontology: take an ontology that is not AudioSet's own.

    Raises:
        UsageError: no label is called so, or `metadata` lacks a file.
        DataMismatch: the lists, the ontology or the ratings are damaged.
        EnvironmentProblem: a download failed.
    """
    folder = find_metadata(None if metadata is None else Path(metadata), workspace.metadata)
    ontology = read_ontology(find_ontology(folder), genuine=not any_ontology)
    called, wanted = ontology.called(word), folded(word)
    holding = [mid for mid, name in ontology.names.items() if wanted in folded(name) and mid not in called]
    found = [*called, *sorted(holding, key=ontology.name)]
    if not found:
        similar = " or ".join(ontology.similar(word))
        raise UsageError(
            f"no label has {word[:80]!r} in its name",
            f"Perhaps {similar}?" if similar else "Try a shorter part of it; --labels '' shows all.",
        )
    ratings = _ratings(folder / QUALITY) if (folder / QUALITY).is_file() else {}
    return list(_counted(found, ontology, read_catalog(folder), ratings))


def _counted(
    mids: Sequence[str], ontology: Ontology, catalog: Catalog, ratings: Mapping[str, tuple[int, int]]
) -> Iterator[FoundLabel]:
    rows = catalog.rows_by_set()
    holding: dict[str, list[int]] = {mid: [] for mid in ontology.names}
    for number, held in enumerate(catalog.label_sets):
        for mid in held:
            # The lists may have one that the ontology lacks; nobody asked for it.
            holding.setdefault(mid, []).append(number)
    parents = ontology.parents()
    for mid in mids:
        below = ontology.subtree(mid)
        excused = below | ontology.above(mid)
        reached = sorted({number for one in below for number in holding[one]})
        alone = [number for number in reached if catalog.label_sets[number] <= excused]
        rated, true = ratings.get(mid, (None, None))
        yield FoundLabel(
            mid=mid,
            name=ontology.name(mid),
            way=tuple(map(ontology.name, ontology.way(mid))),
            parents=tuple(map(ontology.name, parents.get(mid, ()))),
            below=tuple(sorted(map(ontology.name, below - {mid}))),
            subsets={subset: int(rows[number, holding[mid]].sum()) for number, subset in enumerate(SUBSETS)},
            reached=int(rows[:, reached].sum()),
            alone=int(rows[:, alone].sum()),
            rated=rated,
            true=true,
        )


def _ratings(path: Path) -> dict[str, tuple[int, int]]:
    """How many clips of each `mid` were rated, and how many of them had it."""

    def parse(row: dict[str, str]) -> tuple[str, tuple[int, int]]:
        rated, true = row["num_rated"], row["num_true"]
        if not (rated.isdecimal() and true.isdecimal() and len(rated) < 10 and int(true) <= int(rated)):
            raise ValueError(f"{true[:20]!a} of {rated[:20]!a} are no counts")
        return row["label_id"], (int(rated), int(true))

    remedy = f"The genuine file is in {_QUALITY_FROM}; without it the labels are shown without their quality."
    return dict(read_csv(path, ["label_id", "num_rated", "num_true"], parse, remedy))


def label_lines(labels: Sequence[FoundLabel]) -> Iterator[str]:
    """The labels for a person, in lines of less than 80 characters."""
    for label in labels:
        yield from textwrap.wrap(f"{printable(label.name)}  {label.mid}", _WIDTH, subsequent_indent="  ")
        if label.way:
            others = [name for name in label.parents if name != label.way[-1]]
            besides = f" (also below {'; '.join(others)})" if others else ""
            yield from _line("above it", f"{' > '.join(label.way)}{besides}")
        subsets = ", ".join(f"{n:,} {subset.replace('_', ' ')}" for subset, n in label.subsets.items())
        yield from _line("segments", f"{label.segments:,}: {subsets}")
        if label.below:
            more = len(label.below) - _NAMED
            named = "; ".join(label.below[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            yield from _line("below it", f"{named}: with these {label.reached:,} segments")
        yield from _line("alone", f"{label.alone:,} of them carry nothing else, but what is above")
        if label.rated is not None:
            words = (
                f"{label.true} of {label.rated} that people rated are right" if label.rated else "not rated"
            )
            yield from _line("quality", words)
        yield ""
    if all(label.rated is None for label in labels):
        yield f"For their quality put {QUALITY} beside the lists; it is in"
        yield _QUALITY_FROM


def _line(head: str, text: str) -> list[str]:
    begin = f"  {head}".ljust(_MARGIN)
    return textwrap.wrap(printable(text), _WIDTH, initial_indent=begin, subsequent_indent=" " * _MARGIN)


def labels_json(word: str, labels: Sequence[FoundLabel]) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "word": word,
        "labels": [
            {
                "mid": label.mid,
                "name": label.name,
                "path": [*label.way, label.name],
                "parents": label.parents,
                "below": label.below,
                "segments": label.segments,
                "subsets": dict(label.subsets),
                "with_below": label.reached,
                "alone": label.alone,
                "rated": label.rated,
                "rated_true": label.true,
            }
            for label in labels
        ],
    }
