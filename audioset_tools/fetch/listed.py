"""A fetch of a list instead of a recipe: every segment of it is wanted, and what is missing is said.

No place is passed on, as nobody stands behind those of a list. The ledger is filled once; later fetches
continue where they are given what says the same, in whatever order and form.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ..catalog.recipe import read_recipe
from ..catalog.run import DEFAULT
from ..catalog.segment_list import SegmentList, read_segment_list
from ..exceptions import DataMismatch, Shortfall, UsageError
from ..ledger import Ledger, Origin, State, StateCount
from ..manifest.document import is_manifest, read_manifest
from ..types import BY_USER, SAMPLE_RATE, SAMPLE_RATES, OnProgress, message
from ..workspace import AnyPath, Workspace

PER_CLASS = 2400
"""Clips wanted of each class where nobody says: the paper's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fetch is to come to: so many clips of each class of a recipe, or all of a list.

    Args:
        per_class, recipe, metadata: as `fetch` describes them; they make no sense beside a list.
        segment_list: the file of a list of segments.
        sample_rate: hertz of the clips, one of `SAMPLE_RATES`; None for those of the workspace, or 16 kHz.

    Raises:
        UsageError: no workspace can have such a rate.
    """

    per_class: int = PER_CLASS
    recipe: str | None = None
    metadata: AnyPath | None = None
    segment_list: AnyPath | None = None
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        if self.sample_rate not in (None, *SAMPLE_RATES):
            rates = ", ".join(map(str, SAMPLE_RATES))
            raise UsageError(f"no clips have {self.sample_rate} Hz", f"Give --sample-rate one of {rates}.")

    def segments(self) -> SegmentList | None:
        """What the list says; None where there is none.

        Raises:
            UsageError: there is no such file, or a recipe is asked for as well.
            DataMismatch: the list is damaged, or contradicts itself.
        """
        if self.segment_list is None:
            return None
        for of_recipe in fields(self)[:3]:
            if getattr(self, of_recipe.name) != of_recipe.default:
                raise beside_a_list(of_recipe.name)
        path = Path(self.segment_list)
        if not path.is_file() or not is_manifest(path):
            return read_segment_list(path)
        segments = read_manifest(path).segment_list()
        if self.sample_rate not in (None, segments.sample_rate):
            raise UsageError(
                f"the clips of {path} have {segments.sample_rate:,} Hz, not {self.sample_rate:,}",
                "Leave --sample-rate out: the clips get that of the manifest.",
            )
        return segments

    @property
    def names_origin(self) -> bool:
        """Whether it says what a workspace must have been made from; else a filled one just goes on."""
        return self.recipe is not None or self.metadata is not None

    def wants_all(self, segments: SegmentList | None, workspace: Workspace) -> bool:
        """Whether every candidate is wanted: of a list, or of AudioSet's own task.

        Args:
            segments: what the list says, if there is one.
            workspace: it may be there already, and say so itself.

        Raises:
            UsageError: there is no such recipe, or a number of clips is asked for where all are wanted.
            DataMismatch: the ledger is damaged.
        """
        if segments is not None:
            return True
        refusal = refusal_of_number(self.recipe, workspace)
        if refusal and self.per_class != PER_CLASS:
            raise refusal
        return refusal is not None


def refusal_of_number(recipe: str | None, workspace: Workspace) -> UsageError | None:
    """The error of a number of clips of each class, where all are wanted; None where it makes sense.

    Args:
        recipe: the one that is asked for; None for the workspace's own.
        workspace: it need not exist.

    Raises:
        UsageError: there is no such recipe.
        DataMismatch: the ledger is damaged.
    """
    if recipe is None and workspace.ledger.exists():
        with Ledger(workspace.ledger, read_only=True) as ledger:
            origin = ledger.origin()
        if origin is not None:
            of_all = beside_official(origin.recipe) if origin.by_recipe else beside_a_list("per_class")
            return of_all if origin.of_list else None
    found = read_recipe(recipe or DEFAULT)
    return beside_official(found.name) if found.standard else None


def beside_official(recipe: str) -> UsageError:
    """The error of a number of clips beside a recipe of AudioSet's own task."""
    return UsageError(
        f"--per-class and the official recipe {recipe} exclude each other",
        "All clips of its subsets are wanted; a recipe with per_label takes fewer (docs/official.md).",
    )


def beside_a_list(name: str) -> UsageError:
    """The error of an argument that makes no sense beside a list."""
    return UsageError(
        f"--list and --{name.replace('_', '-')} exclude each other",
        "A list names every clip by itself; leave the other one out.",
    )


def refuse_other_rate(ledger: Ledger, rate: int | None) -> None:
    """See that a filled ledger has clips of the rate asked for, if one is.

    Raises:
        DataMismatch: its clips have another.
    """
    if ledger.class_names and rate not in (None, ledger.sample_rate):
        root = ledger.path.parent
        raise DataMismatch(
            f"the clips of {root} have {ledger.sample_rate:,} Hz, not {rate:,}: a workspace has one rate",
            "Go on without --sample-rate, or choose another --workspace;"
            f" --source kept:{root} takes what --keep-source kept here.",
        )


def enqueue_list(ledger: Ledger, segments: SegmentList, rate: int | None, on_progress: OnProgress) -> None:
    """Fill an empty ledger with a list, or see that a filled one was made from what says the same.

    Raises:
        DataMismatch: the workspace belongs to a recipe, or to another list.
    """
    on_progress(message(str(segments)))
    origin = ledger.origin()
    if origin is None:
        made = _origin(segments, rate or segments.sample_rate or SAMPLE_RATE)
        ledger.load(made, segments.candidates, funnel=json.dumps(_account(segments)))
        return
    refuse_other_rate(ledger, segments.sample_rate)
    root = ledger.path.parent
    if origin.by_recipe:
        raise DataMismatch(
            f"{root} was made by the recipe {origin.recipe}, not from a list",
            "Choose another --workspace for the list, or go on without --list.",
        )
    if origin.lists_digest != segments.digest:
        clips = Workspace(root).clips
        raise DataMismatch(
            f"{root} was made from another list than this one ({origin.recipe})",
            f"Go on with its own, or choose another --workspace; --source local:{clips} brings its clips.",
        )


def refuse_without_list(ledger: Ledger) -> None:
    """See that no recipe is asked for where a list was.

    Raises:
        DataMismatch: the ledger is of a list.
    """
    origin = ledger.origin()
    if origin is not None and not origin.by_recipe:
        raise DataMismatch(
            f"{ledger.path.parent} was made from a list ({origin.recipe}), not by a recipe",
            "Go on with --list and the same list, or choose another --workspace.",
        )


def list_shortfall(tallies: Iterable[StateCount], given_up: int) -> Shortfall:
    """What a list lacks, and why.

    Args:
        tallies: the candidates by state and reason.
        given_up: how many of them may live after all.
    """
    dead: Counter[str] = Counter()
    wanted = 0
    for tally in tallies:
        if tally.reason not in BY_USER:
            wanted += tally.n
            if tally.state is State.DEAD:
                dead[str(tally.reason)] += tally.n
    why = ", ".join(f"{n:,} {reason}" for reason, n in dead.most_common())
    retry = f" {given_up:,} may live after all: add --retry passing." if given_up else ""
    return Shortfall(
        f"the list lacks {dead.total():,} of {wanted:,}: {why}",
        "All others are there; another --source may have them. `audioset-tools status --failures` names"
        f" them.{retry}",
    )


def _origin(segments: SegmentList, rate: int) -> Origin:
    return Origin(
        recipe=segments.name,
        recipe_digest="",
        lists_digest=segments.digest,
        class_names=segments.class_names,
        seed=segments.seed,
        splits=astuple(segments.splits),
        multi_label=segments.multi_label,
        of_list=True,
        sample_rate=rate,
    )


def _account(segments: SegmentList) -> dict[str, object]:
    """What became of the list's rows, as a selection tells of AudioSet's."""
    kept = Counter(one.class_name for one in segments.candidates)
    carried = kept + Counter(name for one in segments.candidates for name in one.also)
    return {
        "recipe": segments.name,
        "rows": segments.rows,
        "classes": {
            name: {
                "carried": carried[name],
                "outcomes": {"kept": kept[name], "drawn for a rarer class": carried[name] - kept[name]},
                "subsets": {},
                "tiers": {},
                "pools": {},
            }
            for name in segments.class_names
        },
    }
