"""How far a workspace is: what it has, what failed when and why, how fast it goes, and how long yet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isinf
from typing import Any

from ..errors import DataMismatch
from ..history import DayCount, days, last_event_at
from ..ledger import Ledger, State, Tally
from ..types import BY_USER, Reason, Table
from .pace import remembered
from .rate import PaceState
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
        """Clips that are wanted and may still be had."""
        return min(max(0, (self.wanted or 0) - self.verified), self.queued + self.waiting)


@dataclass(frozen=True, slots=True)
class Status:
    """What a ledger tells at one moment; times are seconds since the epoch.

    `pace` and `last_event_at` are None until a fetch has recorded something.
    """

    classes: tuple[ClassStatus, ...]
    tallies: tuple[Tally, ...]
    days: tuple[DayCount, ...]
    pace: PaceState | None
    last_event_at: float | None

    @property
    def survival(self) -> float:
        """The share of candidates that live: of those settled, or `SURVIVAL` while those are few."""
        verified = sum(c.verified for c in self.classes)
        own = sum(t.n for t in self.tallies if t.reason in BY_USER)
        settled = verified + sum(c.dead for c in self.classes) - own
        return verified / settled if settled >= SETTLED_ENOUGH else SURVIVAL

    @property
    def lacking(self) -> int:
        """Clips that are wanted and may still be had."""
        return sum(c.lacking for c in self.classes)

    def seconds_left(self, now: float) -> float | None:
        """The rest of the pause, and a request for each candidate still to be tried, at the present rate.

        None where that cannot be told: before the first fetch, without a rate, or if nothing lived so far.
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
    if not ledger.class_names:
        raise DataMismatch(
            f"{ledger.path} holds no candidates yet",
            "If a fetch is reading the lists, wait until it has; else run: audioset-tools fetch",
        )
    wanted = ledger.get("per_class")
    tallies = tuple(ledger.tallies())
    counts: dict[tuple[str, State], int] = {}
    for tally in tallies:
        key = tally.class_name, tally.state
        counts[key] = counts.get(key, 0) + tally.n
    states = (State.ACCEPTED, State.QUEUED, State.WAITING, State.DEAD)
    return Status(
        classes=tuple(
            ClassStatus(name, int(wanted) if wanted else None, *(counts.get((name, s), 0) for s in states))
            for name in ledger.class_names
        ),
        tallies=tallies,
        days=tuple(days(ledger)),
        pace=remembered(ledger.get("pace")),
        last_event_at=last_event_at(ledger),
    )


def status_tables(status: Status) -> list[Table]:
    """The counts by class, by reason and by day."""
    return [_class_table(status), _reason_table(status), _day_table(status)]


def status_lines(
    status: Status, now: float, duration: Callable[[float], str], moment: Callable[[float], str]
) -> list[str]:
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
            lines.append(f"paused: until {moment(pace.paused_until)}, {why_paused(pace)}")
    left = status.seconds_left(now)
    if left is not None and pace is not None and status.lacking:
        computed = f"{status.lacking:,} clips / {status.survival:.0%} alive / {pace.rate:,.0f} requests/h"
        lines.append(f"time left: {duration(left)} ({computed})")
    else:
        lines.append("time left: none" if left == 0 else "time left: not known")
    if status.last_event_at is None:
        lines.append("last event: none yet")
    else:
        ago = duration(max(0.0, now - status.last_event_at))
        lines.append(f"last event: {moment(status.last_event_at)}, {ago} ago")
    return lines


def status_json(status: Status, now: float) -> dict[str, Any]:
    """All of it, for `--json`; what is unlimited or unknown is null."""
    pace, left = status.pace, status.seconds_left(now)
    return {
        "classes": {
            c.class_name: {
                "wanted": c.wanted,
                "verified": c.verified,
                "queued": c.queued,
                "waiting": c.waiting,
                "dead": c.dead,
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
        "lacking": status.lacking,
        "survival": round(status.survival, 4),
        "seconds_left": None if left is None else round(left),
        "last_event": None if status.last_event_at is None else utc(status.last_event_at),
    }


def utc(at: float) -> str:
    """A moment for a program: `2026-11-24T14:05:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _class_table(status: Status) -> Table:
    counts: dict[str, tuple[int, ...]] = {
        c.class_name: (c.wanted or 0, c.verified, c.waiting, c.dead, c.queued) for c in status.classes
    }
    counts["all"] = tuple(map(sum, zip(*counts.values(), strict=True)))
    rows = tuple(
        (name, f"{wanted:,}" if wanted else "", *(f"{n:,}" for n in others))
        for name, (wanted, *others) in counts.items()
    )
    return Table("Candidates", ("class", "wanted", "verified", "waiting", "dead", "in the queue"), rows)


def _reason_table(status: Status) -> Table:
    whom = {"final": "the clip, for good", "passing": "the clip, for now", "run": "the run"}
    rows = tuple(
        (str(reason), whom[reason.scope], *(f"{n:,}" for n in counts))
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
