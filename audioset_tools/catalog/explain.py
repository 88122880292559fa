"""Why one clip is in or out of each class, in words."""

from collections.abc import Iterator

import numpy as np

from ..errors import UsageError
from ..types import YTID
from .judge import Judge, Outcome
from .select import Selection


def explain_clip(selection: Selection, ytid: str) -> Iterator[str]:
    """Lines that say what a clip is labelled and what each class makes of it.

    Args:
        selection: whose lists and recipe.
        ytid: any video of the lists.

    Raises:
        UsageError: it is no video id, or not in the lists.
    """
    if not YTID.fullmatch(ytid):
        raise UsageError(
            f"{ytid!r} is not a video id",
            "An id has 11 characters of A-Z a-z 0-9 - _; write --explain=ID if it begins with -.",
        )
    rows = list(selection.catalog.find(ytid))
    if not rows:
        raise UsageError(f"{ytid} is not in the lists", "AudioSet has one segment each of 2,084,320 videos.")
    ontology = selection.ontology
    judge = Judge(selection.recipe, ontology)
    for row in rows:
        segment = selection.catalog.segment(row)
        yield f"{segment.key}  {segment.start_ms / 1000:g} to {segment.end_ms / 1000:g} s, {segment.subset}"
        yield f"  labels: {ontology.described(segment.mids)}"
        length_ms, least_ms = segment.end_ms - segment.start_ms, selection.recipe.least_ms
        carried: list[str] = []
        for number, rule in enumerate(selection.recipe.classes):
            verdict = judge.verdict(segment.mids, rule)
            if verdict.outcome is Outcome.KEPT and length_ms < least_ms:
                lengths = f"{length_ms / 1000:g} s, where the recipe takes {least_ms / 1000:g} s at least"
                yield f"  {rule.name}: out, {Outcome.TOO_SHORT}: {lengths}"
            elif verdict.outcome is Outcome.KEPT:
                yield f"  {rule.name}: in, {_place(selection, number, row)}"
                carried.append(rule.name)
            else:
                because = f": {ontology.described(verdict.because)}" if verdict.because else ""
                yield f"  {rule.name}: out, {verdict.outcome}{because}"
        if selection.recipe.multi_label:
            yield f"  carries: {', '.join(carried) or 'no class'}"


def _place(selection: Selection, number: int, row: int) -> str:
    queue = selection.queues[number]
    found = np.flatnonzero(queue.rows == row)
    if not len(found):
        return str(Outcome.RARER_CLASS)
    rank = int(found[0])
    tier = f"tier L{queue.tiers[rank]}, " if selection.recipe.classes[number].include else ""
    return f"{tier}rank {rank:,} of {len(queue):,}"
