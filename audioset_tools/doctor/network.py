"""The one check that sends something: a clip known to be alive, step by step.

It goes through the source of `fetch` and spends from the workspace's budget, so that what is found here is
what a fetch would meet.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

from ..audio.ffmpeg import DecodeError
from ..audio.segment import decode_segment
from ..clock import steady
from ..ledger import Ledger
from ..sources.pace import Pace
from ..sources.rate import PacePolicy
from ..sources.source import FetchError, decode_failure
from ..sources.youtube import KNOWN_ALIVE, YouTube
from ..types import UNREACHED, Reason, Scope
from ..words import clock_time
from ..workspace import Workspace
from .check import Check, Level, Outcome

VISITOR, INDEX, BYTES, DECODING = "visitor id", "index", "bytes", "decoding"
"""Names of steps; the others are those of the extractions, as in "lean answer"."""


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One step.

    Args:
        reason: why it failed, or None if it did not.
        text: what came, or the words of the refusal.
        retry_after: seconds that the server asks us to wait.
    """

    name: str
    reason: Reason | None
    text: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What came of it.

    Args:
        steps: those that were tried, in order; none while everyone is paused.
        clip: whether there was a clip in the end.
        paused_until: seconds since the epoch; in the past where there is no pause.
        reason: why everyone is paused, where anybody is.
    """

    steps: tuple[ProbeStep, ...]
    clip: bool
    paused_until: float
    reason: Reason | None = None


def ask_youtube(
    ledger: Ledger | None,
    policy: PacePolicy,
    connect: Callable[[Pace], YouTube],
    clock: Callable[[], float] = steady,
) -> ProbeResult:
    """Ask every extraction for a video known to be alive, and read ten seconds of it through one that works.

    Args:
        ledger: where the pace is kept; None if there is none yet.
        policy: the bounds of the pace.
        connect: makes the source, with the user's own cookies, proxy and options.
        clock: seconds since the epoch.

    Raises:
        UsageError: yt-dlp does not take the options.
        EnvironmentProblem: there is no ffmpeg.
    """
    pace = Pace(policy, ledger.get("pace") if ledger else None, clock)
    if pace.state.paused_until > clock():
        return ProbeResult((), False, pace.state.paused_until, pace.state.reason)
    steps: list[ProbeStep] = []
    with closing(connect(pace)) as source:
        for step in _steps(source):
            steps.append(step)
            if step.reason and step.reason.scope is Scope.RUN and step.reason not in UNREACHED and ledger:
                ledger.note("paused", step.reason, f"asked by doctor: {step.text}", clock())
            if pace.state.paused_until > clock():
                break
    clip = bool(steps) and steps[-1].name == DECODING and steps[-1].reason is None
    if not clip and (refused := _refused(steps)):
        assert refused.reason is not None
        pace.on_refusal(refused.reason, clock(), refused.retry_after)
        if pace.state.paused_until <= clock():
            # Every extraction was refused: that is no chance.
            pace.pause(refused.reason, policy.first_pause)
    if ledger:
        ledger.put("pace", pace.to_json())
    return ProbeResult(tuple(steps), clip, pace.state.paused_until, pace.state.reason)


def _refused(steps: list[ProbeStep]) -> ProbeStep | None:
    """The refusal of the run that kept the clip away, if one did."""
    refused = [step for step in steps if step.reason and step.reason.scope is Scope.RUN]
    return next((step for step in refused if step.reason not in UNREACHED), None)


def _steps(source: YouTube) -> Iterator[ProbeStep]:
    try:
        if source.asks_visitor_id:
            had = source.visitor_id()
            yield ProbeStep(
                VISITOR, None if had else Reason.BAD_ANSWER, "there is one" if had else "none was given"
            )
    except FetchError as error:
        yield _failed(VISITOR, error)
        return
    found = None
    for number, extraction in enumerate(source.extractions):
        name = f"{extraction.name} answer"
        try:
            resolved = source.resolve(number, KNOWN_ALIVE.ytid)
        except FetchError as error:
            yield _failed(name, error)
            if error.reason in UNREACHED or error.reason is Reason.TOO_MANY_REQUESTS:
                return
        else:
            chosen = resolved.chosen
            yield ProbeStep(
                name, None, f"it names {chosen.get('ext')}/{chosen.get('acodec')} {chosen['format_id']}"
            )
            found = found or (number, resolved)
    if found is None:
        return
    number, resolved = found
    name = INDEX
    try:
        stream = source.stream(number, resolved.chosen)
        index, _ = stream.index()
        yield ProbeStep(
            name, None, f"the stream is {index.length_ms / 1000:g} s long" if index else "it has none"
        )
        name = BYTES
        excerpt = source.excerpt(stream, resolved, KNOWN_ALIVE, source.extractions[number].name)
        size = (
            f"{len(excerpt.media.content):,} bytes"
            if isinstance(excerpt.media.content, bytes)
            else "ffmpeg reads them itself"
        )
        yield ProbeStep(name, None, size)
        name = DECODING
        try:
            sound = decode_segment(excerpt.media, *excerpt.span(KNOWN_ALIVE))
        except DecodeError as error:
            raise decode_failure(excerpt, error, KNOWN_ALIVE.end_ms) from error
        yield ProbeStep(name, None, f"{sound.seconds:g} s of sound: {excerpt.origin}")
    except FetchError as error:
        yield _failed(name, error)


def _failed(name: str, error: FetchError) -> ProbeStep:
    """A step's failure without addresses: they can hold a proxy's password or name the user's own."""
    text = re.sub(r"\b\w{1,20}://\S+", "<address>", error.detail[:2_000])[:300]
    return ProbeStep(name, error.reason, text, error.retry_after)


_WHOLE = "YouTube"


def youtube(
    workspace: Workspace, policy: PacePolicy, connect: Callable[[Pace], YouTube], nightly: str
) -> list[Check]:
    """Ask YouTube for one clip.

    Args:
        workspace: nothing is sent while a fetch runs in it, or while its pause lasts.
        policy: the pace that the user fetches at.
        connect: makes the source, with the user's own cookies, proxy and options.
        nightly: the advice of yt-dlp's nightly build.

    Raises:
        UsageError: yt-dlp does not take the options.
        EnvironmentProblem: there is no ffmpeg, or the workspace cannot be locked.
    """
    if workspace.busy():
        finding = Outcome(
            Level.WARNING,
            "not asked: a fetch is running in the workspace and spends the allowance",
            "`audioset-tools status` says how it fares.",
        )
        return [Check(_WHOLE, finding)]
    with ExitStack() as stack:
        book = None
        if workspace.ledger.exists():
            stack.enter_context(workspace.lock())
            book = stack.enter_context(Ledger(workspace.ledger))
        return probe_checks(ask_youtube(book, policy, connect), nightly)


def probe_checks(found: ProbeResult, nightly: str) -> list[Check]:
    """What to think of each step, and of all: a clip known to be alive that does not come is a problem."""
    wait = f"Leave it alone until {clock_time(found.paused_until)}: docs/blocked.md."
    if not found.steps:
        finding = Outcome(Level.WARNING, f"not asked: paused since YouTube refused ({found.reason})", wait)
        return [Check(_WHOLE, finding)]
    checks = [Check(f"{_WHOLE}: {step.name}", _step_finding(step)) for step in found.steps]
    if found.clip:
        return [*checks, Check(_WHOLE, Outcome(Level.OK, "a clip known to be alive can be fetched"))]
    failed = [step for step in found.steps if step.reason and step.name != "visitor id"] or found.steps[-1:]
    worst = failed[-1]
    what = f"a clip known to be alive cannot be fetched: {worst.name}, {worst.reason}"
    return [*checks, Check(_WHOLE, Outcome(Level.PROBLEM, what, _remedy(worst, wait, nightly)))]


def _step_finding(step: ProbeStep) -> Outcome:
    if step.reason is None:
        return Outcome(Level.OK, step.text)
    return Outcome(Level.WARNING, f"{step.reason}: {step.text}", "")


def _remedy(step: ProbeStep, wait: str, nightly: str) -> str:
    assert step.reason is not None
    if step.reason in UNREACHED:
        return "Look at the network, the proxy and the name server."
    if step.reason.scope is Scope.RUN:
        return wait
    if step.name == "decoding":
        return "Look at ffmpeg: the bytes came."
    return f"{nightly} Else try --cookies, another network, or --source local:DIR."
