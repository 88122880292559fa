"""What a run got wrong on the test split, or what an audit suspects; which of it people are asked about."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audit.suspects import read_suspects
from ..catalog.lists import read_catalog
from ..catalog.official import find_metadata, find_ontology, has_lists
from ..catalog.ontology import read_ontology
from ..exceptions import DataMismatch
from ..runs.folder import read_predictions
from ..types import KEY, join_classes

_AGAIN = "Take the run folder whole, as `audioset-tools train` left it, or train again."


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip of the test split that the model got wrong, or one whose label an audit suspects.

    Args:
        actual, predicted: as they stand in the file: a class, or several, or none, with `;` between.
        classes: the actual ones, in which an analysis counts the clip.
        probability: of every class, in the order of the file.
    """

    key: str
    actual: str
    predicted: str
    classes: tuple[str, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Mistakes:
    """All mistakes of a run, or all suspects of an audit.

    Args:
        class_names: in the order of the file.
        clips: how many the file has.
        wrong: those that the model got wrong; where several classes may sound, in any of them.
        multi_label: whether in some clip several sound, or none does.
        audited: whether they are an audit's, the most suspicious first.
    """

    class_names: tuple[str, ...]
    clips: int
    wrong: tuple[Mistake, ...]
    multi_label: bool
    audited: bool = False

    @property
    def by_key(self) -> dict[str, Mistake]:
        return {one.key: one for one in self.wrong}


def read_mistakes(path: Path) -> Mistakes:
    """Read what a run predicted from its `predictions.csv`, and keep what is wrong.

    Raises:
        DataMismatch: it is missing, damaged or foreign; see `read_predictions`.
    """
    stored = read_predictions(path)
    names, wrong, several = stored.class_names, [], False
    for row in stored.rows:
        if not KEY.fullmatch(row.key):
            raise DataMismatch(f"{path} has no clip's key: {row.key!r}", _AGAIN)
        actual, predicted = (tuple(names[n] for n in numbers) for numbers in (row.actual, row.predicted))
        several |= len(actual) != 1 or len(predicted) != 1
        if actual != predicted:
            cells = join_classes(actual), join_classes(predicted)
            wrong.append(Mistake(row.key, *cells, actual, row.probability))
    return Mistakes(names, len(stored.rows), tuple(wrong), several)


def read_audited(path: Path) -> Mistakes:
    """Read what an audit suspects from its `audit.csv`: what it suggests stands for what a run predicts.

    Raises:
        DataMismatch: it is missing, damaged or foreign; see `read_suspects`.
    """
    stored = read_suspects(path)
    wrong = tuple(
        Mistake(one.key, join_classes(one.classes), join_classes(one.suggested), one.classes, one.of_classes)
        for one in sorted(stored.suspects, key=lambda one: one.rank)
    )
    several = any(len(one.classes) != 1 or len(one.suggested) != 1 for one in stored.suspects)
    return Mistakes(stored.class_names, len(wrong), wrong, several, audited=True)


def draw(mistakes: Mistakes, per_class: int, seed: int) -> tuple[Mistake, ...]:
    """Draw so many mistakes of each actual class, or all where there are fewer; class by class.

    A clip's turn depends on its key and the seed alone, or, of an audit's, on how suspicious it is: a larger
    `per_class` gives the same clips and more. A clip of several classes is drawn once.
    """
    queue = list(mistakes.wrong)
    if not mistakes.audited:
        queue.sort(key=lambda one: hashlib.sha256(f"{seed} {one.key}".encode()).digest())
    drawn: dict[str, Mistake] = {}
    for name in mistakes.class_names:
        drawn |= {one.key: one for one in [one for one in queue if name in one.classes][:per_class]}
    return tuple(drawn.values())


def label_names(
    keys: Collection[str], given: Path | None, workspace_copy: Path
) -> dict[str, tuple[str, ...]] | None:
    """The names of AudioSet's labels for each clip that the lists hold; None where there are no lists.

    The lists must be on this machine already: nothing is ever downloaded for this.

    Args:
        given: the folder that somebody named; None for
        workspace_copy: the workspace's own, which may lack some of them.

    Raises:
        UsageError: the folder given lacks a file.
        DataMismatch: a list is damaged or foreign.
    """
    if given is None and not has_lists(workspace_copy):
        return None
    folder = find_metadata(given, workspace_copy)
    ontology, catalog = read_ontology(find_ontology(folder)), read_catalog(folder)
    ytids = np.array(sorted({key[:11] for key in keys}), dtype=catalog.ytid.dtype)
    found = map(catalog.segment, np.flatnonzero(np.isin(catalog.ytid, ytids)).tolist())
    return {one.key: tuple(sorted(map(ontology.name, one.mids))) for one in found if one.key in keys}
