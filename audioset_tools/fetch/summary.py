"""A fetch in words: the line under the bars, the table at the end, the estimate before it begins."""

from collections.abc import Callable, Iterable
from math import isinf
from typing import Any

from ..ledger import State, Tally
from ..types import CLIP_BYTES, UNREACHED, Reason, Scope, Table
from .progress import Progress
from .rate import PacePolicy, PaceState

SURVIVAL = 0.8
"""Share of AudioSet's videos still there: 79 to 87 % in late 2024 (FACTS section 1)."""


def class_bars(progress: "Progress") -> dict[str, tuple[int, int, str]]:
    """For each class what is done, what is wanted, and a remark."""
    return {
        c.class_name: (
            min(c.accepted, c.wanted),
            c.wanted,
            f"{c.dead} dead, {c.waiting} to be tried again" + (", queue spent" if c.spent else ""),
        )
        for c in progress.classes
    }


def answers_line(source: str) -> str:
    """What YouTube answers with, from where the first clip came: `youtube webm/opus 251 by lean`."""
    what, by, extraction = source.removeprefix("youtube ").partition(" by ")
    return f"YouTube answers: {what}" + (f" by the {extraction} extraction" if by else "")


def pace_line(
    progress: "Progress", now: float, duration: Callable[[float], str], moment: Callable[[float], str]
) -> str:
    """How fast it goes and how long it takes, or until when and why everyone is paused."""
    pace = progress.pace
    if progress.stopping:
        return "stopping: what is in flight ends first"
    if pace.paused_until > now:
        return f"all paused until {moment(pace.paused_until)}: {why_paused(pace)}"
    if progress.doubting:
        return "too many failures in a row to be chance: trying a clip known to be alive"
    rate = "unlimited" if isinf(pace.rate) else f"{pace.rate:.0f} requests/h"
    left = f", {duration(progress.eta)} left" if progress.eta else ""
    return f"pace {rate}, {progress.requests} requests sent{left}"


def why_paused(pace: PaceState) -> str:
    """Why everyone is paused."""
    if pace.reason in UNREACHED:
        return f"YouTube cannot be reached ({pace.reason})"
    if pace.reason is Reason.IMPLAUSIBLE:
        return "too many failures in a row to be chance, and a clip known to be alive failed too"
    return f"YouTube refuses ({pace.reason})"


def local_line(progress: Progress, duration: Callable[[float], str]) -> str:
    """The same for a source that asks nobody and so has no pace."""
    if progress.stopping:
        return "stopping: what is in flight ends first"
    return "reading the folder" + (f", {duration(progress.eta)} left" if progress.eta else "")


def fetch_table(progress: Progress, tallies: Iterable[Tally]) -> Table:
    """What each class has, and why its other candidates were left out."""
    why: dict[str, list[str]] = {}
    for tally in tallies:
        if tally.state is State.DEAD:
            why.setdefault(tally.class_name, []).append(f"{tally.n} {tally.reason}")
    rows = tuple(
        (
            c.class_name,
            str(c.wanted),
            str(c.accepted),
            str(c.waiting),
            ", ".join(why.get(c.class_name, ["none"])),
        )
        for c in progress.classes
    )
    return Table("Clips", ("class", "wanted", "verified", "to be tried again", "left out, and why"), rows)


def fetch_json(progress: "Progress", tallies: Iterable[Tally]) -> dict[str, Any]:
    """The same for `--json`."""
    counts = list(tallies)
    return {
        "complete": progress.complete,
        "requests": progress.requests,
        "seconds": round(progress.elapsed, 1),
        "given_up": given_up(counts),
        "classes": {
            c.class_name: {
                "wanted": c.wanted,
                "verified": c.accepted,
                "waiting": c.waiting,
                "dead": {
                    str(t.reason): t.n
                    for t in counts
                    if t.class_name == c.class_name and t.state is State.DEAD
                },
                "queue_spent": c.spent,
            }
            for c in progress.classes
        },
    }


def given_up(tallies: Iterable[Tally]) -> int:
    """How many candidates were written off for a reason that may have passed by now."""
    return sum(t.n for t in tallies if t.state is State.DEAD and t.reason and t.reason.scope is Scope.PASSING)


def given_up_line(n: int, attempts: int) -> str:
    """What to do about those: nothing that may pass is silently permanent."""
    return (
        f"{n:,} {'was' if n == 1 else 'were'} given up after {attempts} attempts for passing reasons;"
        f" audioset-tools fetch --retry passing tries {'it' if n == 1 else 'them'} again"
    )


def estimate_table(progress: "Progress", policy: PacePolicy, duration: Callable[[float], str]) -> Table:
    """What is still to be had and what it will about cost, before anything is sent."""
    lacking = {c.class_name: max(0, c.wanted - c.accepted) for c in progress.classes}
    lacking["all"] = sum(lacking.values())
    wanted = {c.class_name: c.wanted for c in progress.classes}
    rows = []
    for name, clips in lacking.items():
        requests = clips / SURVIVAL
        hours = "none" if isinf(policy.start) else duration(requests / policy.start * 3600)
        size = f"{clips * CLIP_BYTES / 1e9:.2f} GB"
        rows.append(
            (
                name,
                f"{wanted.get(name, sum(wanted.values())):,}",
                f"{clips:,}",
                f"{requests:,.0f}",
                hours,
                size,
            )
        )
    header = ("class", "wanted", "lacking", "requests", "time at the first pace", "disk")
    return Table(
        f"To be fetched, if {SURVIVAL:.0%} of the videos live; nothing was sent", header, tuple(rows)
    )


def local_estimate(progress: Progress) -> Table:
    """The same for files that the user already has: room on the disk is all that it costs."""
    rows = []
    for c in progress.classes:
        lacking = max(0, c.wanted - c.accepted)
        rows.append((c.class_name, f"{c.wanted:,}", f"{lacking:,}", f"{lacking * CLIP_BYTES / 1e9:.2f} GB"))
    return Table(
        "To be taken from the folder; nothing was read", ("class", "wanted", "lacking", "disk"), tuple(rows)
    )
