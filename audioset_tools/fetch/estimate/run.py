"""What a fetch would take: said from the queues that there are, or would be; nothing is sent, nothing made.

A workspace that is there is looked at, as a reader does. Where it was made from something else, or there is
none yet, the lists say how long the queues of a new one would be.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from ...catalog.official import has_lists
from ...catalog.recipe import Recipe, read_recipe
from ...catalog.run import DEFAULT, own_recipe, select_from
from ...catalog.segment_list import SegmentList
from ...clock import steady
from ...ledger import Ledger
from ...ledger.changes import refuse_damage
from ...sources.connection.connection import Connection
from ...sources.pace import parse_pace, restored
from ...tasks.engine import threads
from ...types import SAMPLE_RATE, Candidate, OnProgress, clip_bytes, message, silent
from ...verify.clips import AT_ONCE, check_clips, refuse_lost_ledger
from ...verify.findings import Look
from ...workspace import Workspace
from ..listed import OtherOrigin, Wanted
from ..prepare import fill, reasons_again
from ..progress import reasons_named
from ..sources import YOUTUBE, Remote, check_way, held_at_hand, named_sources
from ..status import SETTLED_ENOUGH, read_status
from ..summary import SURVIVAL
from .queues import Held, Outlook, Queues, of_ledger, of_list, of_selection

KEPT_BYTES = 270_000
"""What `--keep-source` keeps of a clip of YouTube's, where there are none yet to measure (docs/fetch.md)."""

_MEASURED = 1_000
"""Kept sources of which the mean size is taken."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fetch would come to, and what it would take.

    Args:
        parts: the classes, or the splits where there are too many classes and all is wanted.
        of: the word for what these are.
        survival: the share of candidates that are taken to live.
        measured: whether that is what was found in this workspace so far.
        rate: requests an hour to YouTube that it begins with; None if that is not asked.
        sample_rate: hertz of the clips.
        kept_bytes: of what is kept beside each clip; None where that cannot be known.
        of_list: whether all candidates are wanted, so that none can take another's place.
        at_hand: whether only those candidates are counted that the sources have something of.
    """

    parts: tuple[Outlook, ...]
    of: str
    survival: float
    measured: bool
    rate: float | None
    sample_rate: int
    kept_bytes: int | None
    of_list: bool
    at_hand: bool = False

    def to_come(self, part: Outlook) -> int:
        """How many clips are likely: no more than there are candidates alive."""
        return min(part.lacking, math.floor(part.queued * self.survival))

    def requests(self, part: Outlook) -> int:
        """How many candidates are asked for, until nothing is lacking or the queue is spent."""
        needed = math.ceil(part.lacking / self.survival) if self.survival else part.queued
        return min(part.queued, needed) if part.lacking else 0

    def size(self, clips: int) -> int:
        """Bytes of so many clips, and of what is kept beside them."""
        return clips * (clip_bytes(self.sample_rate) + (self.kept_bytes or 0))


def estimate(
    workspace: Workspace,
    wanted: Wanted,
    *,
    source: str | Iterable[str] = YOUTUBE,
    pace: str = "guest",
    connection: Connection | None = None,
    retry: Iterable[str] = (),
    keep_source: bool = False,
    on_progress: OnProgress = silent,
) -> Estimate:
    """What `fetch` would fetch of what is wanted; sends YouTube nothing, and leaves nothing behind.

        estimate(Workspace("audioset"), Wanted(per_class=2400, recipe="clean")).parts

    Args:
        workspace: as it is; it need not be there, and may have been made from something else.
        wanted: what the fetch is to come to.
        source, pace, connection, retry, keep_source: what the fetch would be told.
        on_progress: called with what is read, and what is found.

    Raises:
        UsageError: an argument makes no sense.
        DataMismatch: the workspace, its list or the lists are damaged.
        EnvironmentProblem: something cannot be read, or the lists cannot be downloaded.
    """
    names, policy, reasons = named_sources(source), parse_pace(pace), reasons_named(retry)
    remote = Remote(policy, connection or Connection())
    check_way(names, remote.connection)
    segments = wanted.segments()
    everything = wanted.wants_all(segments, workspace)
    held = held_at_hand(names, workspace.indices, remote, on_progress)
    found = Estimate(
        parts=(),
        of="class",
        # Files that are there need not be alive.
        survival=SURVIVAL if held is None else 1.0,
        measured=False,
        rate=policy.start if YOUTUBE in names else None,
        sample_rate=wanted.sample_rate or (segments and segments.sample_rate) or SAMPLE_RATE,
        kept_bytes=_kept_bytes(workspace, YOUTUBE in names) if keep_source else 0,
        of_list=everything,
        at_hand=held is not None,
    )
    again = set(reasons)
    with _looked_at(workspace) as ledger:
        if ledger is not None and (seen := read_status(ledger)).settled >= SETTLED_ENOUGH:
            found = replace(found, survival=seen.survival, measured=True)
        if ledger is not None and _is_of(ledger, workspace, wanted, segments, on_progress):
            again = reasons_again(ledger, reasons, names)
            if found.rate is not None:
                rate = restored(ledger.get("pace"), policy, steady()).rate
                found = replace(found, rate=rate)
            found = replace(found, sample_rate=ledger.sample_rate)
            queues = of_ledger(ledger, held, _lost(ledger, workspace, on_progress))
        elif segments is not None:
            queues = of_list(segments, held)
        else:
            recipe = _recipe(wanted, ledger)
            queues = _of_recipe(recipe, workspace, wanted, held, on_progress)
        of, parts = queues.parts(None if everything else wanted.per_class, again)
    return replace(found, of=of, parts=parts)


@contextmanager
def _looked_at(workspace: Workspace) -> Iterator[Ledger | None]:
    """The ledger of a workspace, to be read; None where nothing was fetched into it yet."""
    there = (
        Ledger(workspace.ledger, read_only=True, apart=True) if workspace.ledger.exists() else nullcontext()
    )
    with there as ledger:
        refuse_lost_ledger(ledger, workspace)
        if ledger is not None:
            refuse_damage(ledger)
        yield ledger if ledger is not None and ledger.class_names else None


def _is_of(
    ledger: Ledger,
    workspace: Workspace,
    wanted: Wanted,
    segments: SegmentList | None,
    on_progress: OnProgress,
) -> bool:
    """Whether a workspace was made from what is wanted; says so if it was not."""
    try:
        fill(ledger, workspace, wanted, segments, silent)
    except OtherOrigin as other:
        on_progress(message(f"{other.what}; this is what a workspace of its own would take"))
        return False
    return True


def _lost(ledger: Ledger, workspace: Workspace, on_progress: OnProgress) -> list[Candidate]:
    """The candidates whose clips a fetch would find gone or changed."""
    with threads(AT_ONCE) as by:
        lost = [one for one in check_clips(ledger, Look(workspace, by, deep=True)) if one.file]
    for one in lost:
        assert one.file is not None
        on_progress(message(f"{one.file.path} {one.file.detail}: it would be fetched again"))
    return [one.candidate for one in lost]


def _recipe(wanted: Wanted, ledger: Ledger | None) -> Recipe:
    """The recipe that is asked for, or else that of a workspace."""
    if wanted.recipe is None and ledger is not None:
        return own_recipe(ledger)
    return read_recipe(wanted.recipe or DEFAULT)


def _of_recipe(
    recipe: Recipe, workspace: Workspace, wanted: Wanted, held: Held, on_progress: OnProgress
) -> Queues:
    """The queues of a recipe, by lists of which none is kept."""
    with TemporaryDirectory(prefix="audioset-tools-") as folder:
        kept = workspace.metadata
        if wanted.metadata is None and not has_lists(kept):
            kept = Path(folder)
            on_progress(message("downloading AudioSet's lists for this look alone; --metadata takes yours"))
        else:
            on_progress(message(f"reading the lists in {wanted.metadata or kept}"))
        _, selection = select_from(recipe, wanted.metadata, kept, wanted.any_ontology)
    return of_selection(selection, held)


def _kept_bytes(workspace: Workspace, of_youtube: bool) -> int | None:
    """What is kept of a clip's source: the mean of some that there are, else that of YouTube's."""
    sizes = [path.stat().st_size for path in islice(workspace.sources.glob("*/Y*.*"), _MEASURED)]
    if sizes:
        return sum(sizes) // len(sizes)
    return KEPT_BYTES if of_youtube else None
