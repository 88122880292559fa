"""Deciding the splits of a workspace's clips, for good: what is in `dataset.csv` never changes its split."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ..csvfile import write_csv
from ..exceptions import DataMismatch, UsageError
from ..ledger import Ledger, Origin, State
from ..ledger.columns import ClipColumns, clip_columns
from ..ledger.queries import fingerprints
from ..removal.exclusions import HEADER
from ..removal.run import refuse_incomplete
from ..shards.dataset import read_dataset, write_dataset
from ..shards.placements import SPLITS, Numbers, Placements
from ..shards.splits import Assignment, assign
from ..shards.table import ClipTable
from ..types import Clip, Splits
from ..workspace import Workspace
from .task import Classes


def classes_of(origin: Origin | None) -> Classes:
    """The classes of a ledger; none where nothing was fetched yet."""
    if origin is None:
        return Classes("", ())
    return Classes(origin.recipe, origin.class_names, origin.multi_label, origin.of_list)


def placed(workspace: Workspace) -> Placements:
    """The placements of a workspace, whose splits are decided now if they are not.

    Raises:
        UsageError: there is no such workspace.
        DataMismatch: no clips, too few, a damaged `dataset.csv`, a list that puts one sound into several
            splits, or a removal that was interrupted.
        EnvironmentProblem: the disk is full, or another process writes to the workspace.
    """
    workspace.require_ledger()
    if frozen := read_dataset(workspace.dataset):
        return frozen
    # Whoever decides at the same time decides the same.
    with workspace.lock(shared=True), Ledger(workspace.ledger, read_only=True) as ledger:
        refuse_incomplete(ledger, workspace)
        origin = ledger.origin()
        splits = Splits(*origin.splits) if origin else Splits()
        seed = origin.seed if origin else 0
        decided = place(workspace, clips_of(ledger), classes_of(origin), splits, seed)
    return decided.placements


def clips_of(ledger: Ledger, per_class: int | None = None, frozen: Placements | None = None) -> ClipTable:
    """The clips of a ledger, to be placed while it is open.

    Args:
        per_class: take so many of each class alone: those that are frozen, then the first by rank.
        frozen: what was placed of so many clips before.
    """
    number = {(name,): n for n, name in enumerate(ledger.class_names)}
    kept = {one.key for one in frozen or ()}
    room = Counter(dict.fromkeys(ledger.class_names, per_class or 0))
    room.subtract(one.class_name for one in frozen or ())

    def belongs(key: str, class_name: str) -> bool:
        if key in kept:
            return True
        room[class_name] -= 1
        return room[class_name] >= 0

    def some() -> Iterator[ClipColumns]:
        for columns in clip_columns(ledger):
            if per_class is not None:
                which = [
                    belongs(key, name) for key, (name, *_) in zip(columns.key, columns.classes, strict=True)
                ]
                columns = columns.only(which)
            yield columns

    def prints(numbers: Numbers) -> list[bytes]:
        classes, ranks = table.clips.take(numbers).of_kinds(number), table.rank[numbers]
        return fingerprints(ledger, [*zip(classes.tolist(), ranks.tolist(), strict=True)])

    table = ClipTable.gathered(some(), prints)
    return table


def refuse_too_many(ledger: Ledger, per_class: int | None) -> None:
    """See that there are so many clips of each class, if a smaller set of them is asked for.

    Raises:
        UsageError: a class has fewer, or none could fill three splits, or all clips are wanted.
    """
    if per_class is None:
        return
    if per_class < len(SPLITS):
        raise UsageError(f"--per-class {per_class} is too few", "Give at least 3: one for each split.")
    origin = ledger.origin()
    if origin is not None and origin.of_list:
        raise UsageError(
            f"--per-class makes no sense in {ledger.path.parent}: all clips of {origin.recipe} belong to it",
            "Leave --per-class out.",
        )
    accepted = Counter(dict.fromkeys(ledger.class_names, 0))
    for tally in ledger.tallies():
        accepted[tally.class_name] += tally.n * (tally.state is State.ACCEPTED)
    few = [f"{name} has {n:,}" for name, n in accepted.items() if n < per_class]
    if few or not accepted:
        raise UsageError(
            f"there are not {per_class:,} clips of each class: {', '.join(few) or 'there are none'}",
            "Ask for fewer, or fetch more with `audioset-tools fetch`.",
        )


def place(
    workspace: Workspace,
    clips: ClipTable | Sequence[Clip],
    classes: Classes,
    splits: Splits,
    seed: int,
    per_class: int | None = None,
) -> Assignment:
    """Give every clip its split; the caller holds the workspace's lock.

    Args:
        workspace: whose `dataset.csv` is read, and written if there is something new.
        clips: all that were accepted, in any order; of a smaller set those that it takes.
        classes: those that the clips are of, and whether a list has named them.
        splits: the proportions in which clips are shared out.
        seed: decides which group comes first.
        per_class: of a smaller set how many clips of each class; it has a table of its own.

    Raises:
        DataMismatch: no clips, too few, a damaged `dataset.csv`, or a list that puts one sound into several
            splits.
    """
    table = clips if isinstance(clips, ClipTable) else ClipTable.of(clips)
    if not len(table.clips):
        raise DataMismatch(f"no clips in {workspace.root}", "Run `audioset-tools fetch` first.")
    table_of = workspace.dataset_of(per_class)
    frozen = read_dataset(table_of)
    assignment = assign(frozen, table, classes.names, splits, seed, classes.of_list)
    if classes.of_list:
        _refuse_twins(assignment, workspace)
    if assignment.placements != frozen:
        write_dataset(table_of, assignment.placements)
    return assignment


def _refuse_twins(assignment: Assignment, workspace: Workspace) -> None:
    """See that a list puts no sound into several splits, which its own splits may do.

    Raises:
        DataMismatch: it does; whom to leave out is written to an exclusion list.
    """
    if not assignment.twins:
        return
    named = {key.encode() for keys in assignment.twins for key in keys}
    twins = np.flatnonzero([key in named for key in assignment.placements.key.tolist()])
    split_of = {placement.key: placement.split for placement in assignment.placements.take(twins)}
    rows = []
    for keys in assignment.twins:
        # The test stays whole as long as it can.
        kept = max((key for key in keys if key in split_of), key=lambda key: SPLITS.index(split_of[key]))
        rows += [
            (key, "same sound", f"in {split_of[key]}, as {kept} in {split_of[kept]}")
            for key in keys
            if key in split_of and split_of[key] != split_of[kept]
        ]
    write_csv(workspace.same_sound, HEADER, rows)
    first, _, note = rows[0]
    raise DataMismatch(
        f"the list puts {len(assignment.twins):,} sounds into several splits, such as {first} {note}",
        f"Look through {workspace.same_sound}, which names {len(rows):,} clips to leave out, and then run:"
        f" audioset-tools featurize --exclude {workspace.same_sound}",
    )
