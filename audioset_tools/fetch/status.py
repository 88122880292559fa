"""How far a workspace is: what it has, what failed when and why, how fast it goes, and how long yet.

`read_status` looks a ledger over; the rest puts that into tables, lines and JSON. Every failure that is
settled or waiting is listed as a table, as CSV, and for a program; their details are strangers' words, and
can steer neither a terminal nor a spreadsheet.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from math import isinf
from pathlib import Path
from typing import Any

from ..csvfile import write_csv
from ..exceptions import EnvironmentProblem
from ..files import remedy_of
from ..ledger import Ledger, State, StateCount
from ..ledger.queries import DayCount, FailedCandidate, accepted_from, days, last_event_at
from ..sources.pace import remembered
from ..sources.rate import PaceState
from ..sources.source import cut_remark
from ..types import BY_USER, Reason, Table
from ..words import MOST_ROWS, clock_time, counted, duration, utc
from ..workspace import printable
from .progress import pace_note, wanted_of
from .summary import SURVIVAL, why_paused

DAYS_SHOWN = 14
"""Days in the table on the terminal; JSON has all."""

SETTLED_ENOUGH = 50
"""Candidates settled before the workspace's own survival is taken for the rest."""

_NAMED = {"accepted": "verified", "waiting": "failed for now", "paused": "refusals", "lost": "lost clips"}
"""Outcomes of the ledger in the words of the tables; others stand as they are."""


@dataclass(frozen=True, slots=True)
class ClassStatus:
    """One class's candidates by state; `wanted` is None before the first fetch."""

    class_name: str
    wanted: int | None
    verified: int
    queued: int
    waiting: int
    dead: int

    @property
    def lacking(self) -> int:
        """Clips that are wanted and may still be available."""
        return min(max(0, (self.wanted or 0) - self.verified), self.queued + self.waiting)


@dataclass(frozen=True, slots=True)
class Status:
    """What a ledger tells at one moment; times are seconds since the epoch.

    `pace` (YouTube's), `hub` (that of the mirrors) and `last_event_at` are None until a fetch has recorded
    something; `sources` counts the clips of each class by the source that they came from.
    """

    classes: tuple[ClassStatus, ...]
    tallies: tuple[StateCount, ...]
    days: tuple[DayCount, ...]
    pace: PaceState | None
    last_event_at: float | None
    sources: Mapping[tuple[str, str], int] = field(default_factory=dict)
    hub: PaceState | None = None

    @property
    def clips_from(self) -> Counter[str]:
        """How many clips came from each source."""
        counts = Counter[str]()
        for (_, source), n in self.sources.items():
            counts[source] += n
        return counts

    @property
    def settled(self) -> int:
        """How many candidates are known to live, or not to."""
        # What no source has may live.
        unknown = sum(t.n for t in self.tallies if t.reason in {*BY_USER, Reason.NOT_IN_SOURCE})
        return sum(c.verified + c.dead for c in self.classes) - unknown

    @property
    def survival(self) -> float:
        """The share of candidates that live: of those settled, or `SURVIVAL` while those are few."""
        verified = sum(c.verified for c in self.classes)
        return verified / self.settled if self.settled >= SETTLED_ENOUGH else SURVIVAL

    @property
    def lacking(self) -> int:
        """Clips that are wanted and may still be available."""
        return sum(c.lacking for c in self.classes)

    def seconds_left(self, now: float) -> float | None:
        """The rest of the pause, and a request for each candidate still to be tried, at the present rate.

        None where that is not known: before the first fetch, without a rate, or if nothing lived so far.
        """
        if any(c.wanted is None for c in self.classes):
            return None
        if not self.lacking:
            return 0.0
        if self.pace is None or isinf(self.pace.rate) or not self.survival:
            return None
        paused = max(0.0, self.pace.paused_until - now)
        return paused + self.lacking / self.survival / self.pace.rate * 3_600


def read_status(ledger: Ledger) -> Status:
    """Look a ledger over.

    Raises:
        DataMismatch: it holds no candidates.
    """
    ledger.require_candidates()
    tallies = tuple(ledger.tallies())
    wanted = _wanted(ledger, tallies)
    counts: dict[tuple[str, State], int] = {}
    for tally in tallies:
        key = tally.class_name, tally.state
        counts[key] = counts.get(key, 0) + tally.n
    states = (State.ACCEPTED, State.QUEUED, State.WAITING, State.DEAD)
    return Status(
        classes=tuple(
            ClassStatus(name, wanted.get(name, 0), *(counts.get((name, s), 0) for s in states))
            for name in ledger.class_names
        ),
        tallies=tallies,
        days=tuple(days(ledger)),
        pace=remembered(ledger.get("pace")),
        last_event_at=last_event_at(ledger),
        sources=accepted_from(ledger),
        hub=remembered(ledger.get(pace_note("hf"))),
    )


def _wanted(ledger: Ledger, tallies: Iterable[StateCount]) -> dict[str, int | None]:
    """How many clips of each class are wanted: of a list all, else what a fetch asked for last, or None."""
    origin, per_class = ledger.origin(), ledger.get("per_class")
    if origin and origin.of_list:
        return {**wanted_of(tallies, None)}
    return dict.fromkeys(ledger.class_names, int(per_class) if per_class else None)


def status_tables(status: Status) -> list[Table]:
    """The counts by class, by reason and by day; and by source, where there are several."""
    several = [_source_table(status)] if len({source for _, source in status.sources}) > 1 else []
    return [_class_table(status), *several, _reason_table(status), _day_table(status)]


def status_lines(status: Status, now: float) -> list[str]:
    """The pace, the time left and how it is computed, and when something was last recorded."""
    lines = []
    pace = status.pace
    if pace is not None:
        rate = "unlimited" if isinf(pace.rate) else f"{pace.rate:,.0f} requests/h"
        ceiling = (
            "" if isinf(pace.ceiling) else f", and no more than {pace.ceiling:,.0f} since the last refusal"
        )
        lines.append(f"pace: {rate}{ceiling}")
        if pace.paused_until > now:
            lines.append(f"paused: until {clock_time(pace.paused_until)}, {why_paused(pace)}")
    if status.hub is not None and status.hub.paused_until > now:
        until = clock_time(status.hub.paused_until)
        lines.append(f"paused: until {until}, {why_paused(status.hub, 'hf')}")
    left = status.seconds_left(now)
    if left is not None and pace is not None and status.lacking:
        computed = (
            f"{counted(status.lacking, 'clip')} / {status.survival:.0%} alive / {pace.rate:,.0f} requests/h"
        )
        lines.append(f"time left: {duration(left)} ({computed})")
    else:
        lines.append("time left: none" if left == 0 else "time left: not known")
    if remark := cut_remark(status.clips_from):
        lines.append(f"cut: {remark}")
    if status.last_event_at is None:
        lines.append("last event: none yet")
    else:
        ago = duration(max(0.0, now - status.last_event_at))
        lines.append(f"last event: {clock_time(status.last_event_at)}, {ago} ago")
    return lines


def status_json(status: Status, now: float) -> dict[str, Any]:
    """All of it, for `--json`; what is unlimited or unknown is null."""
    pace, hub, left = status.pace, status.hub, status.seconds_left(now)
    return {
        "classes": {
            c.class_name: {
                "wanted": c.wanted,
                "verified": c.verified,
                "queued": c.queued,
                "waiting": c.waiting,
                "dead": c.dead,
                "sources": {
                    source: n for (name, source), n in status.sources.items() if name == c.class_name
                },
                "reasons": {
                    str(state): {
                        str(t.reason): t.n
                        for t in status.tallies
                        if t.class_name == c.class_name and t.state is state and t.reason
                    }
                    for state in (State.WAITING, State.DEAD)
                },
            }
            for c in status.classes
        },
        "reasons": {
            str(reason): {"scope": str(reason.scope), "dead": dead, "waiting": waiting, "times": times}
            for reason, (dead, waiting, times) in _reasons(status).items()
        },
        "days": [{"day": day.isoformat(), **outcomes} for day, outcomes in _days(status.days).items()],
        "pace": pace
        and {
            "rate": None if isinf(pace.rate) else pace.rate,
            "ceiling": None if isinf(pace.ceiling) else pace.ceiling,
            "paused_until": utc(pace.paused_until) if pace.paused_until > now else None,
            "reason": str(pace.reason) if pace.paused_until > now else None,
        },
        "hub_paused_until": utc(hub.paused_until) if hub and hub.paused_until > now else None,
        "lacking": status.lacking,
        "survival": round(status.survival, 4),
        "seconds_left": None if left is None else round(left),
        "last_event": None if status.last_event_at is None else utc(status.last_event_at),
    }


def _class_table(status: Status) -> Table:
    counts: dict[str, tuple[int, ...]] = {
        c.class_name: (c.wanted or 0, c.verified, c.waiting, c.dead, c.queued) for c in status.classes
    }
    title, every = "Candidates", tuple(map(sum, zip(*counts.values(), strict=True)))
    if len(counts) > MOST_ROWS:
        title = f"Candidates, and the {MOST_ROWS} of {len(counts):,} classes that lack most"
        most = sorted(counts.items(), key=lambda one: (one[1][1] - one[1][0], -one[1][0]))
        counts = dict(most[:MOST_ROWS])
    counts["all"] = every
    rows = tuple(
        (name, f"{wanted:,}" if wanted else "", *(f"{n:,}" for n in others))
        for name, (wanted, *others) in counts.items()
    )
    return Table(title, ("class", "wanted", "verified", "waiting", "dead", "in the queue"), rows)


def _source_table(status: Status) -> Table:
    sources = sorted({source for _, source in status.sources})
    names = [c.class_name for c in status.classes]
    if len(names) > MOST_ROWS:
        every = tuple((printable(source), f"{n:,}") for source, n in sorted(status.clips_from.items()))
        return Table("Where the clips came from", ("source", "clips"), every)
    rows = tuple(
        (printable(source), *(f"{status.sources.get((name, source), 0):,}" for name in names))
        for source in sources
    )
    return Table("Where the clips came from", ("source", *names), rows)


def _reason_table(status: Status) -> Table:
    rows = tuple(
        (str(reason), reason.scope.words, *(f"{n:,}" for n in counts))
        for reason, counts in _reasons(status).items()
    )
    return Table("Reasons", ("reason", "concerns", "dead", "waiting", "times met"), rows)


def _day_table(status: Status) -> Table:
    by_day = _days(status.days)
    outcomes = list(dict.fromkeys(o for counts in by_day.values() for o in counts))
    outcomes.sort(key=["accepted", "dead", "waiting", "lost", "paused", *outcomes].index)
    rows = tuple(
        (day.isoformat(), *(f"{counts.get(outcome, 0):,}" for outcome in outcomes))
        for day, counts in list(by_day.items())[-DAYS_SHOWN:]
    )
    left_out = f", the last {DAYS_SHOWN} of {len(by_day):,}" if len(by_day) > DAYS_SHOWN else ""
    return Table(f"Days of UTC{left_out}", ("day", *(_NAMED.get(o, o) for o in outcomes)), rows)


def _reasons(status: Status) -> dict[Reason, tuple[int, int, int]]:
    """For each reason met: candidates dead and waiting for it now, and how often it was met."""
    counts = {reason: [0, 0, 0] for reason in Reason}
    for tally in status.tallies:
        if tally.reason and tally.state in (State.DEAD, State.WAITING):
            counts[tally.reason][tally.state is State.WAITING] += tally.n
    for count in status.days:
        if count.reason:
            counts[count.reason][2] += count.n
    return {
        reason: (dead, waiting, n) for reason, (dead, waiting, n) in counts.items() if n or dead or waiting
    }


def _days(counts: Iterable[DayCount]) -> dict[date, dict[str, int]]:
    by_day: dict[date, dict[str, int]] = {}
    for count in counts:
        outcomes = by_day.setdefault(count.day, {})
        outcomes[count.outcome] = outcomes.get(count.outcome, 0) + count.n
    return by_day


SHOWN = 50
"""Failures in the table on the terminal."""

_DETAIL_SHOWN = 60
"""Characters of a detail in the table; `unknown` is shown whole, since its detail is all there is."""

_COLUMNS = (
    "clip", "address", "class", "rank", "state", "reason", "scope", "attempts", "tried_at", "retry_at",
    "start_ms", "end_ms", "detail",
)  # fmt: skip


def failures_table(failures: Iterable[FailedCandidate], total: int) -> Table:
    """The last failures, of so many in all; the last tried comes first."""
    rows = tuple(
        (
            one.candidate.key,
            printable(one.candidate.class_name),
            f"{one.candidate.rank:,}",
            str(one.state),
            str(one.reason),
            str(one.attempts),
            clock_time(one.tried_at),
            _shown(one),
        )
        for one in islice(failures, SHOWN)
    )
    title = f"The last {SHOWN} of {total:,} failures; --out writes all" if total > SHOWN else "Failures"
    header = ("clip", "class", "rank", "state", "reason", "attempts", "last tried", "detail")
    dispensable = ("rank", "attempts", "last tried")
    return Table(title, header, rows, tuple((header.index(name),) for name in dispensable))


def failure_json(one: FailedCandidate) -> dict[str, Any]:
    """A failure for a program: its detail as it came."""
    candidate = one.candidate
    return {
        "key": candidate.key,
        "ytid": candidate.ytid,
        "start_ms": candidate.start_ms,
        "end_ms": candidate.end_ms,
        "class": candidate.class_name,
        "rank": candidate.rank,
        "state": str(one.state),
        "reason": str(one.reason),
        "scope": str(one.reason.scope),
        "attempts": one.attempts,
        "tried_at": utc(one.tried_at),
        "retry_at": None if one.retry_at is None else utc(one.retry_at),
        "detail": one.detail,
    }


def write_failures(failures: Iterable[FailedCandidate], target: Path) -> int:
    """Write failures as CSV, one at a time; returns how many.

    An id may begin with `-`, which a spreadsheet takes for a formula. `clip` is therefore the clip's name on
    disk, `Y` before the key, and `address` ends with the id.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    try:
        return write_csv(target, _COLUMNS, map(_cells, failures))
    except OSError as error:
        raise EnvironmentProblem(f"{target} cannot be written: {error.strerror}", remedy_of(error)) from error


def _cells(one: FailedCandidate) -> tuple[str | int, ...]:
    candidate = one.candidate
    return (
        f"Y{candidate.key}",
        f"https://www.youtube.com/watch?v={candidate.ytid}",
        candidate.class_name,
        candidate.rank,
        one.state,
        one.reason,
        one.reason.scope,
        one.attempts,
        utc(one.tried_at),
        "" if one.retry_at is None else utc(one.retry_at),
        candidate.start_ms,
        candidate.end_ms,
        one.detail,
    )


def _shown(one: FailedCandidate) -> str:
    detail = printable(one.detail)
    if one.reason is Reason.UNKNOWN or len(detail) <= _DETAIL_SHOWN:
        return detail
    return f"{detail[:_DETAIL_SHOWN].rpartition(' ')[0] or detail[: _DETAIL_SHOWN - 1]}…"
