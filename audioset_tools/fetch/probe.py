"""What becomes of a clip known to be alive, step by step: through the source of `fetch`, from its budget."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from ..clock import steady
from ..ledger import Ledger
from ..types import UNREACHED, Reason, Scope
from .pace import Pace
from .rate import PacePolicy
from .source import FetchError
from .transcode import decode
from .youtube import KNOWN_ALIVE, YouTube

VISITOR, INDEX, BYTES, DECODING = "visitor id", "index", "bytes", "decoding"
"""Names of steps; the others are those of the extractions, as in "lean answer"."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Args:
        name: which.
        reason: why it failed, or None if it did not.
        said: what came, or the words of the refusal.
        retry_after: seconds that the server asks us to wait.
    """

    name: str
    reason: Reason | None
    said: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of it.

    Args:
        steps: those that were tried, in order; none while everyone is paused.
        clip: whether the clip was had.
        paused_until: seconds since the epoch; in the past where nobody has to wait.
        reason: why everyone is paused, where anybody is.
    """

    steps: tuple[Step, ...]
    clip: bool
    paused_until: float
    reason: Reason | None = None


def probe(
    ledger: Ledger | None,
    policy: PacePolicy,
    connect: Callable[[Pace], YouTube],
    clock: Callable[[], float] = steady,
) -> Probe:
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
        return Probe((), False, pace.state.paused_until, pace.state.reason)
    steps: list[Step] = []
    with closing(connect(pace)) as source:
        for step in _steps(source):
            steps.append(step)
            if step.reason and step.reason.scope is Scope.RUN and step.reason not in UNREACHED and ledger:
                ledger.note("paused", step.reason, f"asked by doctor: {step.said}", clock())
            if pace.state.paused_until > clock():
                break
    clip = bool(steps) and steps[-1].name == DECODING and steps[-1].reason is None
    if not clip and (refused := _refused(steps)):
        assert refused.reason is not None
        pace.refused(refused.reason, clock(), refused.retry_after)
        if pace.state.paused_until <= clock():
            # Every extraction was refused: that is no chance.
            pace.pause(refused.reason, policy.first_pause)
    if ledger:
        ledger.put("pace", pace.to_json())
    return Probe(tuple(steps), clip, pace.state.paused_until, pace.state.reason)


def _refused(steps: list[Step]) -> Step | None:
    """The refusal of the run that kept the clip from being had, if one did."""
    refused = [step for step in steps if step.reason and step.reason.scope is Scope.RUN]
    return next((step for step in refused if step.reason not in UNREACHED), None)


def _steps(source: YouTube) -> Iterator[Step]:
    try:
        if source.asks_visitor_id:
            had = source.visitor_id()
            yield Step(
                VISITOR, None if had else Reason.BAD_ANSWER, "there is one" if had else "none was given"
            )
    except FetchError as error:
        yield _failed(VISITOR, error)
        return
    found = None
    for number, extraction in enumerate(source.extractions):
        name = f"{extraction.name} answer"
        try:
            chosen, told_ms = source.resolve(number, KNOWN_ALIVE.ytid)
        except FetchError as error:
            yield _failed(name, error)
            if error.reason in UNREACHED or error.reason is Reason.TOO_MANY_REQUESTS:
                return
        else:
            yield Step(
                name, None, f"it names {chosen.get('ext')}/{chosen.get('acodec')} {chosen['format_id']}"
            )
            found = found or (number, chosen, told_ms)
    if found is None:
        return
    number, chosen, told_ms = found
    name = INDEX
    try:
        stream = source.stream(number, chosen)
        index, _ = stream.index()
        yield Step(name, None, f"the stream is {index.length_ms / 1000:g} s long" if index else "it has none")
        name = BYTES
        excerpt = source.excerpt(stream, chosen, told_ms, KNOWN_ALIVE, source.extractions[number].name)
        size = (
            f"{len(excerpt.media):,} bytes"
            if isinstance(excerpt.media, bytes)
            else "ffmpeg reads them itself"
        )
        yield Step(name, None, size)
        name = DECODING
        sound = decode(excerpt, KNOWN_ALIVE.start_ms, KNOWN_ALIVE.end_ms)
        yield Step(name, None, f"{sound.seconds:g} s of sound: {excerpt.origin}")
    except FetchError as error:
        yield _failed(name, error)


def _failed(name: str, error: FetchError) -> Step:
    """A step's failure without addresses: they can hold a proxy's password or name the user's own."""
    said = re.sub(r"\b\w{1,20}://\S+", "<address>", error.detail[:2_000])[:300]
    return Step(name, error.reason, said, error.retry_after)
