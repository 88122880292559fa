"""A fetch in words: the line under the bars, the table at the end."""

from collections import Counter
from datetime import date
from math import isinf
from typing import Any

from ..ledger import State
from ..sources.rate import PaceState
from ..types import UNREACHED, Reason, Table
from ..words import MOST_ROWS, clock_time, counted, duration
from .progress import FetchProgress, FetchResult

SURVIVAL = 0.8
"""Share of AudioSet's videos still there: 79 to 87 % of samples of them in late 2024."""


def class_bars(progress: FetchProgress) -> dict[str, tuple[int, int, str]]:
    """For each class what is done, what is wanted, and a remark; one bar for all of very many."""
    if len(progress.classes) > MOST_ROWS:
        done = sum(min(c.accepted, c.wanted) for c in progress.classes)
        dead, waiting = (sum(getattr(c, word) for c in progress.classes) for word in ("dead", "waiting"))
        name = f"{len(progress.classes):,} classes"
        return {name: (done, progress.total, f"{dead:,} dead, {waiting:,} to be tried again")}
    return {
        c.class_name: (
            min(c.accepted, c.wanted),
            c.wanted,
            f"{c.dead:,} dead, {c.waiting:,} to be tried again" + (", queue spent" if c.exhausted else ""),
        )
        for c in progress.classes
    }


def answers_line(source: str) -> str:
    """What YouTube answers with, from where the first clip came: `youtube webm/opus 251 by lean`."""
    what, by, extraction = source.removeprefix("youtube ").partition(" by ")
    return f"YouTube answers: {what}" + (f" by the {extraction} extraction" if by else "")


def state_line(progress: FetchProgress, now: float | None) -> str:
    """What a fetch is at: how fast it goes and how long it takes, or until when and why everyone is paused.

    Args:
        now: seconds since the epoch; None for a source that asks nobody and so has no pace.
    """
    left = f", {duration(progress.eta)} left" if progress.eta else ""
    pace = progress.pace
    if progress.stopping:
        return "stopping: what is in flight ends first"
    if now is None:
        return f"reading files{left}"
    if pace.paused_until > now:
        return f"all paused until {clock_time(pace.paused_until)}: {why_paused(pace, progress.remote)}"
    if progress.doubting:
        return "too many failures in a row to be chance: trying a clip known to be alive"
    rate = "unlimited" if isinf(pace.rate) else f"{pace.rate:,.0f} requests/h"
    return f"pace {rate}, {counted(progress.requests, 'request')} sent{left}"


def title_of(source: str) -> str:
    """A remote source as it is spoken of."""
    return {"youtube": "YouTube", "hf": "the Hub"}.get(source, source)


def why_paused(pace: PaceState, remote: str = "youtube") -> str:
    """Why everyone who asks a remote is paused."""
    if pace.reason in UNREACHED:
        return f"{title_of(remote)} cannot be reached ({pace.reason})"
    if pace.reason is Reason.IMPLAUSIBLE:
        return "too many failures in a row to be chance, and a clip known to be alive failed too"
    return f"{title_of(remote)} refuses ({pace.reason})"


def fetch_table(result: FetchResult) -> Table:
    """What each class has, and why its other candidates were left out; of very many, those lacking most."""
    why: dict[str, list[str]] = {}
    reasons = Counter[str]()
    for tally in result.tallies:
        if tally.state is State.DEAD:
            why.setdefault(tally.class_name, []).append(f"{tally.n:,} {tally.reason}")
            reasons[str(tally.reason)] += tally.n
    classes, rows = result.progress.classes, []
    if many := len(classes) > MOST_ROWS:
        why["all"] = [f"{n:,} {reason}" for reason, n in reasons.most_common()] or ["none"]
        counts = [sum(getattr(c, word) for c in classes) for word in ("wanted", "accepted", "waiting")]
        rows.append(("all", *(f"{n:,}" for n in counts), ", ".join(why["all"])))
        classes = tuple(sorted(classes, key=lambda c: (c.accepted - c.wanted, -c.dead))[:MOST_ROWS])
    rows += [
        (
            c.class_name,
            f"{c.wanted:,}",
            f"{c.accepted:,}",
            f"{c.waiting:,}",
            ", ".join(why.get(c.class_name, ["none"])),
        )
        for c in classes
    ]
    title = "Clips" + (
        f", and the {MOST_ROWS} of {len(result.progress.classes):,} classes that lack most" * many
    )
    return Table(
        title, ("class", "wanted", "verified", "to be tried again", "left out, and why"), tuple(rows)
    )


def fetch_json(result: FetchResult) -> dict[str, Any]:
    """The same for `--json`."""
    end = result.progress
    return {
        "complete": end.complete,
        "requests": end.requests,
        "seconds": round(end.elapsed, 1),
        "given_up": result.given_up,
        "classes": {
            c.class_name: {
                "wanted": c.wanted,
                "verified": c.accepted,
                "waiting": c.waiting,
                "dead": {
                    str(t.reason): t.n
                    for t in result.tallies
                    if t.class_name == c.class_name and t.state is State.DEAD
                },
                "queue_spent": c.exhausted,
            }
            for c in end.classes
        },
    }


def advice(result: FetchResult) -> list[str]:
    """What to do about candidates that were given up: nothing that may pass is silently permanent."""
    # yt-dlp takes half a second to import, and who only looks at a workspace needs none.
    from ..sources.versions import nightly_advice

    lines, n = [], result.given_up
    if n:
        lines.append(
            f"{counted(n, 'was', 'were')} given up after {counted(result.attempts, 'attempt')} for passing"
            f" reasons; audioset-tools fetch --retry passing tries {'it' if n == 1 else 'them'} again"
        )
    end = result.progress
    # An error that ends it says this itself.
    doubted = end.gave_up and end.pace.reason is Reason.IMPLAUSIBLE
    if end.of_client and not (end.failed or doubted):
        lines.append(nightly_advice(date.today()))
    return lines
