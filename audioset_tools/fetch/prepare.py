"""All that happens before the first candidate is asked for: a sound ledger, filled queues, nothing lost.

The queues are filled once, from a selection by a recipe. Later fetches continue with what is there; another
recipe, or other lists, are refused with what sets them apart and how to go on.
"""

import hashlib
import json
import shlex
from collections.abc import Collection, Sequence
from dataclasses import astuple
from itertools import chain, count
from pathlib import Path

from ..catalog.official import LISTS, find_metadata, find_ontology, has_lists, official_files
from ..catalog.ontology import read_ontology
from ..catalog.recipe import SHIPPED, STANDARD, Recipe, read_recipe
from ..catalog.resolve import resolve
from ..catalog.run import own_recipe, select_from
from ..catalog.segment_list import SegmentList
from ..catalog.summary import funnel_json, left_out_line
from ..clock import steady
from ..files import open_file, parse_json
from ..ledger import Ledger, Origin
from ..ledger.changes import mark_unheld, queue_again, refuse_damage
from ..removal.exclusions import Exclusion
from ..removal.run import complete, exclude, excluded_line
from ..sources.local import Local
from ..sources.source import Source
from ..types import SAMPLE_RATE, OnProgress, Reason, message, silent
from ..verify.clips import refuse_lost_ledger, restore_lost
from ..words import counted
from ..workspace import AnyPath, Workspace, folder_name
from .listed import OtherOrigin, Wanted, enqueue_list, refuse_other_rate, refuse_without_list

_OF_A_COPY = {Reason.NOT_IN_SOURCE, Reason.DAMAGED_FILE, Reason.WRONG_LENGTH}
"""What one source lacks another may have."""


def prepare(
    ledger: Ledger,
    workspace: Workspace,
    wanted: Wanted,
    segments: SegmentList | None,
    on_progress: OnProgress,
) -> None:
    """See that the workspace is sound, fill an empty ledger, and queue again what was lost from the disk.

    Args:
        segments: what its list says, if it names one.

    Raises:
        UsageError: there is no such recipe.
        DataMismatch: ledger or lists are damaged, or those of another recipe.
    """
    reading = "reading the lists into" if segments is None else "filling"
    on_progress(message(f"{'continuing' if ledger.class_names else reading} {workspace.root}"))
    refuse_damage(ledger)
    refuse_lost_ledger(ledger, workspace)
    complete(ledger, workspace)
    fill(ledger, workspace, wanted, segments, on_progress)
    for lost in restore_lost(ledger, workspace, steady()):
        on_progress(message(f"{lost}: fetching it again"))


def fill(
    ledger: Ledger,
    workspace: Workspace,
    wanted: Wanted,
    segments: SegmentList | None,
    on_progress: OnProgress,
) -> None:
    """Fill an empty ledger with what is wanted; of a filled one see that it is, which changes nothing.

    Args:
        segments: what the list says, if there is one.

    Raises:
        OtherOrigin: it is of something else.
        UsageError: the recipe uses a label that the ontology lacks, or the lists are not there.
        DataMismatch: the lists are damaged, or the ontology is not AudioSet's.
    """
    refuse_other_rate(ledger, wanted.sample_rate)
    if segments is not None:
        enqueue_list(ledger, segments, wanted.sample_rate, on_progress)
    elif wanted.names_origin or not ledger.class_names:
        refuse_without_list(ledger)
        recipe = read_recipe(wanted.recipe) if wanted.recipe else own_recipe(ledger)
        if ledger.origin() is None:
            enqueue(ledger, recipe, wanted, workspace.metadata, on_progress)
        else:
            refuse_other_recipe(ledger, recipe, wanted.metadata, workspace.metadata)


def change_queues(
    ledger: Ledger,
    workspace: Workspace,
    retry: Collection[Reason],
    listed: Collection[Exclusion] | None,
    sources: Sequence[str],
    on_progress: OnProgress,
) -> None:
    """Queue again what the user names, and what a new source may have; then leave out what is listed.

    Args:
        retry: reasons for which dead candidates are tried again.
        listed: an exclusion list, or None.
        sources: their names; one that was not asked the last time may have what the others lacked.
        on_progress: called with what was changed.
    """
    reasons = reasons_again(ledger, retry, sources)
    ledger.put(_ASKED, json.dumps(sources))
    if retry or reasons:
        found = queue_again(ledger, reasons, steady())
        on_progress(message(f"{counted(found, 'candidate is', 'candidates are')} in the queue again"))
    if listed is not None:
        on_progress(message(excluded_line(exclude(ledger, workspace, listed, steady()))))


def reasons_again(ledger: Ledger, retry: Collection[Reason], sources: Sequence[str]) -> set[Reason]:
    """For which of the reasons that candidates are out they are to be tried again.

    Args:
        retry: reasons that the user names.
        sources: their names; one that was not asked the last time may have what the others lacked.
    """
    of_a_copy = set() if {*sources} <= _asked(ledger) else _OF_A_COPY
    met = {tally.reason for tally in ledger.tallies() if tally.reason}
    return {*retry, *of_a_copy} & met


_ASKED = "sources"


def _asked(ledger: Ledger) -> set[str]:
    """The sources of the last fetch; none where nothing sensible was noted."""
    try:
        return set(map(str, parse_json(ledger.get(_ASKED) or "[]")))
    except (ValueError, TypeError):
        return set()


def pass_over(ledger: Ledger, sources: Sequence[Source], on_progress: OnProgress) -> None:
    """Pass over all candidates of videos that no source has anything of, where all sources know theirs."""
    known = [videos for source in sources if (videos := source.videos()) is not None]
    if len(known) == len(sources):
        n = mark_unheld(ledger, chain.from_iterable(known), steady())
        if n:
            on_progress(
                message(f"{counted(n, 'candidate is', 'candidates are')} of videos that no source has")
            )


def look_ahead(ledger: Ledger, sources: Sequence[Source], per_class: int) -> None:
    """Tell a source that unpacks sounds along with others which will be asked for: some more than wanted."""
    for source in sources:
        if isinstance(source, Local):
            source.expect(ledger.next_videos(per_class * 5 // 4))


def enqueue(
    ledger: Ledger, recipe: Recipe, wanted: Wanted, workspace_copy: Path, on_progress: OnProgress = silent
) -> None:
    """Fill an empty ledger with the recipe's queues.

    Args:
        recipe: what the classes are.
        wanted: where the lists are, and the rate of the clips to come.
        workspace_copy: where the workspace keeps lists of its own.
        on_progress: called with the labels that are left out, if any.

    Raises:
        UsageError: the recipe uses a label that the ontology lacks, or the lists are not there.
        DataMismatch: the lists are damaged, or the ontology is not AudioSet's.
    """
    folder, selection = select_from(recipe, wanted.metadata, workspace_copy, wanted.any_ontology)
    recipe = selection.recipe
    if selection.left_out:
        on_progress(message(left_out_line(selection)))
    origin = Origin(
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        lists_digest=lists_digest(folder),
        class_names=recipe.class_names,
        seed=recipe.seed,
        splits=astuple(recipe.splits),
        multi_label=recipe.multi_label,
        least_ms=recipe.least_ms,
        label_digests=recipe.label_digests,
        of_list=recipe.standard is not None,
        sample_rate=wanted.sample_rate or SAMPLE_RATE,
    )
    candidates = chain.from_iterable(map(selection.candidates, selection.queues))
    # With the account of the rows left out, which the queues alone no longer tell.
    ledger.load(origin, candidates, funnel=json.dumps(funnel_json(selection)), recipe_text=recipe.text)


def refuse_other_recipe(
    ledger: Ledger, recipe: Recipe, metadata: AnyPath | None, workspace_copy: Path
) -> None:
    """See that a filled ledger is of a recipe, and of the lists in a folder, if one is given.

    Args:
        recipe: the one that is asked for.
        metadata: `--metadata`; nothing is downloaded to compare.
        workspace_copy: where the workspace keeps lists of its own.

    Raises:
        OtherOrigin: it is of another recipe, or of other lists.
        UsageError: the lists are not there.
    """
    origin, workspace = ledger.origin(), Workspace(ledger.path.parent)
    assert origin is not None
    lists, changes = None if metadata is None else Path(metadata), []
    # Where it is to the letter the one that filled the ledger, no ontology is needed to know its names.
    unchanged = not recipe.resolved and recipe.text == ledger.get("recipe_text")
    if not unchanged:
        recipe = _resolved(recipe, workspace, lists, workspace_copy)
    if not unchanged and origin.recipe_digest != recipe.digest:
        parts = "; ".join(differences(origin, recipe))
        changes.append(f"was made with another recipe than {recipe.given} as it is now ({parts})")
    if lists is not None and lists_digest(find_metadata(lists, workspace_copy)) != origin.lists_digest:
        changes.append(f"was made from other lists than those in {lists}")
    if changes:
        raise OtherOrigin(
            f"{workspace.root} {' and '.join(changes)}", way_on(workspace, origin, recipe, lists)
        )


def _resolved(recipe: Recipe, workspace: Workspace, metadata: Path | None, workspace_copy: Path) -> Recipe:
    """The recipe without names, by the ontology at hand: nothing is downloaded to compare.

    Raises:
        OtherOrigin: it has names, and there is no ontology at hand.
    """
    if recipe.resolved:
        return recipe
    if metadata is None and not has_lists(workspace_copy):
        raise OtherOrigin(
            f"{recipe.given} is not written as it was when {workspace.root} was made",
            "Whether it still means the same the ontology says: add --metadata with the folder of the lists.",
        )
    return resolve(recipe, read_ontology(find_ontology(find_metadata(metadata, workspace_copy))))


def lists_digest(folder: Path) -> str:
    """A sha256 over the lists and the ontology in a folder."""
    digest = hashlib.sha256()
    files = official_files()
    for name in LISTS:
        with open_file(folder / files[name].file) as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()


_NAMED = 4
"""So many classes are named; the others are counted."""


def differences(origin: Origin, recipe: Recipe) -> list[str]:
    """In words, each with what the workspace has (`there`) and what the recipe says (`here`).

    Args:
        origin: what the workspace was made from.
        recipe: the one asked for now.
    """
    settings = [
        ("name", origin.recipe, recipe.name),
        ("seed", str(origin.seed), str(recipe.seed)),
        ("multi_label", str(origin.multi_label).lower(), str(recipe.multi_label).lower()),
        ("splits", _parted(origin.splits), _parted(astuple(recipe.splits))),
        ("least_seconds", _seconds(origin.least_ms), _seconds(recipe.least_ms)),
    ]
    changes = [f"{word} ({there} there, {here} here)" for word, there, here in settings if there != here]
    parts = [
        part
        for part, digest in recipe.label_digests.items()
        if origin.label_digests.get(part, digest) != digest
    ]
    if recipe.standard:
        # Its classes are known once the lists are read.
        return [*changes, f"the keys {', '.join(parts)}"] if parts else changes
    only = [
        f"{_few(names)} only {where}"
        for names, where in (
            ([name for name in origin.class_names if name not in recipe.class_names], "there"),
            ([name for name in recipe.class_names if name not in origin.class_names], "here"),
        )
        if names
    ]
    if only:
        changes.append(f"the classes ({', '.join(only)})")
    elif origin.class_names != recipe.class_names:
        changes.append("the order of the classes")
    if parts:
        changes.append(f"the labels of {_few(parts)}")
    # No other setting is left.
    return changes or [f"propagate ({str(recipe.propagate).lower()} here)"]


def way_on(workspace: Workspace, origin: Origin, recipe: Recipe, metadata: Path | None) -> str:
    """What to do, as a command: nothing that was fetched need be fetched again.

    Args:
        workspace: the one that is there.
        origin: what it was made from.
        recipe: the one asked for now.
        metadata: `--metadata`, if it was given.
    """
    own = (
        f" (--recipe {origin.recipe})"
        if origin.recipe in (*SHIPPED, *STANDARD) and origin.recipe != recipe.name
        else ""
    )
    stay = f"Go on with its own recipe{own} and lists"
    if not workspace.clips.is_dir():
        return f"{stay}, or choose another --workspace."
    lists = metadata or (workspace.metadata if has_lists(workspace.metadata) else None)
    words = [
        *("audioset-tools", "fetch", "--recipe", recipe.given),
        *(("--metadata", str(lists)) if lists else ()),
        *("--workspace", str(_free(workspace.root, recipe))),
        *("--source", f"local:{workspace.clips}"),
    ]
    return (
        f"{stay}, or make a new data set from its clips, with your --per-class: `{shlex.join(words)}`;"
        " then the same without --source, for what they lack."
    )


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g}" if milliseconds else "none"


def _parted(numbers: Sequence[int]) -> str:
    return "/".join(map(str, numbers))


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _free(root: Path, recipe: Recipe) -> Path:
    """A folder beside a workspace that is not there yet."""
    beside = root if root.name not in ("", "..") else root.resolve()
    named = beside.with_name(f"{beside.name}-{folder_name(recipe.name)}")
    others = (named.with_name(f"{named.name}-{n}") for n in count(2))
    return named if not named.exists() else next(path for path in others if not path.exists())
