"""The section about the fetch: what came when, why others were left out, the pauses, and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isinf
from typing import NamedTuple

from ...fetch.status import status_tables
from ...fetch.summary import why_paused
from ...ledger import State
from ...ledger.queries import Event
from ...types import Table, clip_bytes
from ...words import MOST_ROWS, counted
from .. import charts
from ..charts import Mark
from ..page import Block, Chart, Missing, Section, Shown, Words
from ..snapshot import Fetched, Snapshot

SETTLED = ("accepted", "dead", "waiting")
"""Outcomes of an attempt at one candidate."""

IN_FLIGHT_S = 60.0
"""So long after a refusal an attempt that had begun before it may still be settled."""

SHORTEST_PAUSE_S = 1.0
"""Silence of less is no pause: what settled after it had been in flight."""

PAUSES_SHOWN = 40
PARTS = 60
"""Stretches of time that the pace is counted in."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """Refusals in a row, and until when nothing new was settled; times are seconds since the epoch.

    `until` is None where nothing was settled since but what had been in flight.
    """

    began: float
    until: float | None
    reason: str
    refusals: int
    detail: str


class Unit(NamedTuple):
    """A unit of time for an axis."""

    name: str
    seconds: float


def fetch_section(snapshot: Snapshot) -> Section:
    """What the fetch did, as far as the ledger has it."""
    fetched = snapshot.fetched
    blocks: list[Block] = []
    if fetched is None or not fetched.events:
        blocks.append(Missing("Nothing was fetched yet.", "audioset-tools fetch --per-class 2400"))
    else:
        pauses = standstills(fetched.events)
        blocks += [_accepted(fetched, pauses), _pace(fetched, pauses), *_left_out(fetched)]
        blocks += [*_pauses(pauses), Shown(_spent(fetched))]
        blocks += [Shown(table, folded=True) for table in status_tables(fetched.status)[2:] if table.rows]
        if any(one.lacking for one in fetched.status.classes):
            lacking = sum(one.lacking for one in fetched.status.classes)
            blocks.append(
                Missing(f"Still to be fetched: {counted(lacking, 'clip')}.", "audioset-tools fetch")
            )
    return Section("fetch", "The fetch", tuple(blocks))


def standstills(events: Sequence[Event]) -> list[Standstill]:
    """Every pause: refusals between which nothing was settled are one, what was in flight left aside."""
    told = [event for event in events if event.outcome == "paused" or event.outcome in SETTLED]
    found: list[Standstill] = []
    first = 0
    while first < len(told):
        if told[first].outcome != "paused":
            first += 1
            continue
        resumed = _resumed(told, first)
        row = [event for event in told[first:resumed] if event.outcome == "paused"]
        found.append(_standstill(row, told[resumed].at if resumed < len(told) else None))
        first = resumed
    return found


def _resumed(told: Sequence[Event], first: int) -> int:
    """Which event ends the pause that a refusal begins; the number of events if none does.

    An answer that was in flight is recorded just after the refusal: it is not the pause's end. That is the
    first settled event after a silence half as long as the longest of that time.
    """
    silences: dict[int, float] = {}
    for number in range(first + 1, len(told)):
        if told[number].outcome in SETTLED:
            silences[number] = told[number].at - told[number - 1].at
            if told[number].at - told[first].at > IN_FLIGHT_S:
                break
    longest = max(silences.values(), default=0.0)
    # A fetch that ended in its pause has nothing but what was in flight.
    if longest < SHORTEST_PAUSE_S and len(told) - 1 in {first, *silences}:
        return len(told)
    return next((number for number, silence in silences.items() if silence >= longest / 2), len(told))


def moment(at: float) -> str:
    """A moment in UTC, as a page that is the same everywhere has it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def length(seconds: float) -> str:
    """A length of time."""
    unit = unit_for(seconds)
    return f"{seconds / unit.seconds:.1f} {unit.name}"


def unit_for(seconds: float) -> Unit:
    """The unit in which a length of time is shown."""
    units = (Unit("days", 86_400), Unit("hours", 3_600), Unit("minutes", 60))
    return next((unit for unit in units if seconds >= 2 * unit.seconds), Unit("seconds", 1))


def _standstill(row: Sequence[Event], until: float | None) -> Standstill:
    reasons = dict.fromkeys(str(event.reason) for event in row if event.reason)
    return Standstill(row[0].at, until, ", ".join(reasons), len(row), row[0].detail)


def _accepted(fetched: Fetched, pauses: Sequence[Standstill]) -> Chart:
    began, ended = _span(fetched.events)
    unit = unit_for(ended - began)
    lines = []
    accepted: dict[str, list[float]] = {name: [] for name in fetched.origin.class_names}
    for event in fetched.events:
        if event.outcome == "accepted" and event.class_name in accepted:
            accepted[event.class_name].append(event.at)
    if many := len(accepted) > MOST_ROWS:
        accepted = {"all classes": [at for moments in accepted.values() for at in moments]}
    for name, moments in accepted.items():
        at = sorted(moments)
        points = [(0.0, 0.0), *(((t - began) / unit.seconds, float(n)) for n, t in enumerate(at, 1))]
        points.append(((ended - began) / unit.seconds, float(len(at))))
        lines.append(charts.Series(name, points))
    words = ", ".join(f"{one.class_name}: {one.verified:,}" for one in fetched.status.classes)
    if many:
        verified = sum(one.verified for one in fetched.status.classes)
        words = f"{verified:,} of {len(fetched.status.classes):,} classes"
    drawn = charts.line_chart(
        "Verified clips of each class over time",
        charts.Axis(f"{unit.name} since {moment(began)} UTC", 0),
        charts.Axis("clips verified", 0),
        lines,
        marks=_marks(pauses, began, ended, unit),
        steps=True,
        words=f"At the end {words}. Shaded: everyone paused.",
    )
    return Chart(drawn)


def _left_out(fetched: Fetched) -> list[Block]:
    """Why candidates are out, by reason and scope, and by class."""
    names = fetched.origin.class_names
    counts: dict[tuple[str, State], dict[str, int]] = {}
    scopes = {}
    for tally in fetched.status.tallies:
        if tally.reason and tally.state in (State.DEAD, State.WAITING):
            row = counts.setdefault((str(tally.reason), tally.state), {})
            row[tally.class_name] = row.get(tally.class_name, 0) + tally.n
            scopes[str(tally.reason)] = tally.reason.scope.words
    if not counts:
        return [Words("No candidate was left out.")]
    if len(names) > MOST_ROWS:
        names, counts = (), {key: {"all": sum(row.values())} for key, row in counts.items()}
    ordered = sorted(counts.items(), key=lambda item: -sum(item[1].values()))
    rows = tuple(
        (reason, scopes[reason], str(state), f"{sum(row.values()):,}", *(f"{row.get(n, 0):,}" for n in names))
        for (reason, state), row in ordered
    )
    drawn = {
        reason if state is State.DEAD else f"{reason} (waiting)": {
            n: float(row.get(n, 0)) for n in names or row
        }
        for (reason, state), row in ordered[:20]
    }
    head = ("reason", "concerns", "state", "all", *names)
    return [
        Chart(
            charts.bars(
                "Why the other candidates were left out", "candidates", drawn,
                words=f"The most frequent reason is {ordered[0][0][0]}.",
            )
        ),
        Shown(Table("Left out, by reason, whom it concerns, and class", head, rows)),
    ]  # fmt: skip


def _pace(fetched: Fetched, pauses: Sequence[Standstill]) -> Chart:
    began, ended = _span(fetched.events)
    each = max((ended - began) / PARTS, 1.0)
    counts = [0] * (int((ended - began) / each) + 1)
    for event in fetched.events:
        if event.outcome in SETTLED:
            counts[min(max(int((event.at - began) / each), 0), len(counts) - 1)] += 1
    unit = unit_for(ended - began)
    points = [(n * each / unit.seconds, count * 3_600 / each) for n, count in enumerate(counts)]
    points.append((len(counts) * each / unit.seconds, points[-1][1]))
    drawn = charts.line_chart(
        "Pace: candidates settled an hour",
        charts.Axis(f"{unit.name} since {moment(began)} UTC", 0),
        charts.Axis("candidates an hour", 0),
        [charts.Series("settled an hour", points)],
        marks=_marks(pauses, began, ended, unit),
        steps=True,
        words=f"Counted over stretches of {length(each)}. Shaded: everyone paused.",
    )
    return Chart(drawn)


def _pauses(pauses: Sequence[Standstill]) -> list[Block]:
    rows = [
        (
            moment(pause.began),
            pause.reason,
            f"{pause.refusals:,}",
            "not over yet" if pause.until is None else length(pause.until - pause.began),
            pause.detail[:200],
        )
        for pause in pauses
    ]
    shown = rows[-PAUSES_SHOWN:]
    left_out = f", the last {len(shown)} of {len(rows):,}" if len(shown) < len(rows) else ""
    head = ("began, UTC", "reason", "refusals", "paused for", "first message")
    if rows:
        return [
            Shown(Table(f"Every pause{left_out}", head, tuple(shown))),
            Words(
                "A pause is what the ledger shows: from the first refusal to the first candidate that was"
                " settled after the silence, also where no fetch ran in between. What was in flight when the"
                " refusal came is settled just after it and ends no pause."
            ),
        ]
    return [Words("There was no pause: nothing was refused.")]


def _spent(fetched: Fetched) -> Table:
    """What it cost; for what was not recorded it says so."""
    began, ended = _span(fetched.events)
    clips, spent, pace = len(fetched.clips), fetched.spent, fetched.status.pace
    size = clip_bytes(fetched.origin.sample_rate)
    unknown = "not recorded"
    rate = "none yet"
    if pace is not None:
        rate = "unlimited" if isinf(pace.rate) else f"{pace.rate:,.0f} requests an hour"
    between = f"{moment(began)} to {moment(ended)} UTC"
    rows = {
        "from the first event to the last": f"{length(ended - began)}, {between}",
        "fetch ran for": f"{length(spent.seconds)}, started {_times(spent.runs)}" if spent.runs else unknown,
        "requests of the budget": f"{spent.requests:,}" if spent.runs else unknown,
        "media received": f"{spent.media_bytes:,} bytes, without what ffmpeg read by itself"
        if spent.runs
        else unknown,
        "clips on disk": f"{clips * size:,} bytes: {clips:,} of {size:,}",
        "attempts settled": f"{sum(e.outcome in SETTLED for e in fetched.events):,}",
        "pace now": rate,
    }
    if pace is not None and pace.reason is not None:
        rows["last pause"] = why_paused(pace)
    return Table("What it cost", ("what", "how much"), tuple(rows.items()))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _span(events: Sequence[Event]) -> tuple[float, float]:
    began, ended = min(e.at for e in events), max(e.at for e in events)
    return began, max(ended, began + 1)


def _marks(pauses: Sequence[Standstill], began: float, ended: float, unit: Unit) -> list[Mark]:
    return [
        Mark(
            f"paused: {pause.reason}",
            (pause.began - began) / unit.seconds,
            ((ended if pause.until is None else pause.until) - began) / unit.seconds,
        )
        for pause in pauses
    ]
