"""A sample of clips from two sources, compared: by how much the one's cut lies beside the other's."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles

from ..audio.segment import Sound
from ..clock import steady
from ..exceptions import DataMismatch, Paused, UsageError
from ..fetch.progress import pace_note
from ..fetch.sources import Remote, check_way, named_sources, opened
from ..fetch.worker import decoded
from ..ledger import Ledger
from ..ledger.rows import CANDIDATE
from ..sources.connection.connection import Connection
from ..sources.pace import parse_pace
from ..sources.source import Excerpt, FetchError, Source
from ..types import Candidate, OnProgress, Progress, Scope, silent
from ..workspace import Workspace
from .correlate import Offset, offset_between

LEAST_CLEAR = 5
"""Of fewer pairs with a clear peak nothing is concluded."""

_TRIED = 8
"""So many candidates for each pair that is wanted are tried at most: most mirrors hold 84 to 94 %."""


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """One candidate that both sources gave."""

    candidate: Candidate
    offset: Offset
    origins: tuple[str, str]


@dataclass(frozen=True, slots=True)
class OffsetEstimate:
    """What a sample tells of two sources.

    Args:
        sources: their names; offsets are of the second, against the first.
        pairs: the candidates that both gave.
        lacked: how many candidates were tried that one of them did not give.
    """

    sources: tuple[str, str]
    pairs: tuple[ComparedPair, ...]
    lacked: int

    @property
    def clear(self) -> list[float]:
        """The offsets of the pairs that have a clear one, in milliseconds, sorted."""
        return sorted(pair.offset.ms for pair in self.pairs if pair.offset.is_clear)

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """Of the clear offsets; None where these are too few to say anything."""
        clear = self.clear
        if len(clear) < LEAST_CLEAR:
            return None
        low, median, high = quantiles(clear, n=4, method="inclusive")
        return low, median, high

    def within(self, ms: float) -> int:
        """How many clear offsets lie so near the median."""
        quartiles = self.quartiles
        return sum(abs(one - quartiles[1]) <= ms for one in self.clear) if quartiles else 0


def estimate_offset(
    workspace: Workspace,
    first: str,
    second: str,
    *,
    sample: int = 50,
    pace: str = "guest",
    connection: Connection | None = None,
    on_progress: OnProgress = silent,
) -> OffsetEstimate:
    """Compare where two sources cut the candidates of a workspace; writes no clip.

    Args:
        workspace: one that `fetch` has filled with candidates.
        first, second: sources as `fetch` takes them.
        sample: of how many candidates that both sources give.
        connection: how YouTube is reached.

    Raises:
        UsageError: a source or a number makes no sense.
        DataMismatch: the workspace holds no candidates.
        Paused: a remote refuses, before anything can be said.
        EnvironmentProblem: a source cannot be read or reached.
    """
    if sample < 1:
        raise UsageError(f"--sample must be at least 1, not {sample}", "50 tell enough.")
    names, stop = named_sources((first, second)), threading.Event()
    remote = Remote(parse_pace(pace), connection or Connection())
    check_way(names, remote.connection)
    with (
        workspace.begun().lock(),
        Ledger(workspace.ledger) as ledger,
        opened(names, ledger, workspace, remote, stop, on_progress) as sources,
    ):
        try:
            pairs, lacked, refused = _pairs(ledger, (sources[0], sources[1]), sample, on_progress)
        finally:
            for source in sources:
                if source.pace:
                    ledger.put(pace_note(source.name), source.pace.to_json())
    if refused and len(pairs) < LEAST_CLEAR:
        raise Paused(
            f"{refused.reason} after {len(pairs)} of {sample} pairs: {refused.detail[:200]}",
            "Run the same command again later; nothing is lost.",
        ) from refused
    return OffsetEstimate((first, second), tuple(pairs), lacked)


def _pairs(
    ledger: Ledger, sources: tuple[Source, Source], sample: int, on_progress: OnProgress
) -> tuple[list[ComparedPair], int, FetchError | None]:
    """The pairs, how many candidates one of the two lacked, and the refusal that ended it early, if any."""
    pairs: list[ComparedPair] = []
    lacked = 0
    for candidate in _candidates(ledger):
        if len(pairs) == sample or lacked > _TRIED * sample:
            break
        if not all(source.holds(candidate) for source in sources):
            continue
        on_progress(Progress(len(pairs), sample, "comparing"))
        found = _sounds(candidate, sources)
        if not isinstance(found, FetchError):
            (one, its), (other, others) = found
            offset = offset_between(one.samples, other.samples)
            pairs.append(ComparedPair(candidate, offset, (its.origin, others.origin)))
        elif found.reason.scope is Scope.RUN:
            return pairs, lacked, found
        else:
            lacked += 1
    return pairs, lacked, None


def _sounds(candidate: Candidate, sources: tuple[Source, Source]) -> list[tuple[Sound, Excerpt]] | FetchError:
    """What each source gives of a candidate, or why one gives nothing."""
    found: dict[int, tuple[Sound, Excerpt]] = {}
    # The one that asks nobody first: what has no copy costs no request.
    for number in sorted(range(2), key=lambda number: sources[number].pace is not None):
        pace = sources[number].pace
        try:
            found[number] = decoded(candidate, sources[number])
        except FetchError as error:
            if pace and error.reason.scope is Scope.RUN:
                pace.on_refusal(error.reason, error.sent_at or steady(), error.retry_after)
            return error
    return [found[0], found[1]]


def _candidates(ledger: Ledger) -> Iterator[Candidate]:
    """All candidates but the user's own exclusions, the first of each class before the second of any."""
    if not ledger.class_names:
        raise DataMismatch(f"{ledger.path} holds no candidates yet", "Run first: audioset-tools fetch")
    rows = ledger.rows(
        f"SELECT {CANDIDATE} FROM candidate WHERE reason NOT IN ('forgotten', 'excluded')"
        " ORDER BY rank, class"
    )
    return map(ledger.candidate, rows)
