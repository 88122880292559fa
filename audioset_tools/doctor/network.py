"""The one check that sends something: a clip known to be alive, step by step, from the workspace's budget."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..types import UNREACHED, Scope
from ..workspace import Workspace
from .check import Check, Finding, Verdict

if TYPE_CHECKING:
    from ..fetch.pace import Pace
    from ..fetch.probe import Probe, Step
    from ..fetch.rate import PacePolicy
    from ..fetch.youtube import YouTube

_WHOLE = "YouTube"


def youtube(
    place: Workspace,
    policy: "PacePolicy",
    connect: "Callable[[Pace], YouTube]",
    moment: Callable[[float], str],
    nightly: str,
) -> list[Check]:
    """Ask YouTube for one clip.

    Args:
        place: the workspace; nothing is sent while a fetch runs in it, or while its pause lasts.
        policy: the pace that the user fetches at.
        connect: makes the source, with the user's own cookies, proxy and options.
        moment: a time in words.
        nightly: the advice of yt-dlp's nightly build.

    Raises:
        UsageError: yt-dlp does not take the options.
        EnvironmentProblem: there is no ffmpeg, or the workspace cannot be locked.
    """
    from ..fetch.probe import probe
    from ..ledger import Ledger

    if place.busy():
        finding = Finding(
            Verdict.WARNING,
            "not asked: a fetch is running in the workspace and spends the allowance",
            "`audioset-tools status` says how it fares.",
        )
        return [Check(_WHOLE, finding)]
    with ExitStack() as stack:
        book = None
        if place.ledger.exists():
            stack.enter_context(place.lock())
            book = stack.enter_context(Ledger(place.ledger))
        return probe_checks(probe(book, policy, connect), moment, nightly)


def probe_checks(found: "Probe", moment: Callable[[float], str], nightly: str) -> list[Check]:
    """What to think of each step, and of all: a clip known to be alive that cannot be had is a problem."""
    wait = f"Leave it alone until {moment(found.paused_until)}: docs/blocked.md."
    if not found.steps:
        finding = Finding(Verdict.WARNING, f"not asked: paused since YouTube refused ({found.reason})", wait)
        return [Check(_WHOLE, finding)]
    checks = [Check(f"{_WHOLE}: {step.name}", _step_finding(step)) for step in found.steps]
    if found.clip:
        return [*checks, Check(_WHOLE, Finding(Verdict.OK, "a clip known to be alive can be had"))]
    failed = [step for step in found.steps if step.reason and step.name != "visitor id"] or found.steps[-1:]
    worst = failed[-1]
    what = f"a clip known to be alive cannot be had: {worst.name}, {worst.reason}"
    return [*checks, Check(_WHOLE, Finding(Verdict.PROBLEM, what, _remedy(worst, wait, nightly)))]


def _step_finding(step: "Step") -> Finding:
    if step.reason is None:
        return Finding(Verdict.OK, step.said)
    return Finding(Verdict.WARNING, f"{step.reason}: {step.said}", "")


def _remedy(step: "Step", wait: str, nightly: str) -> str:
    assert step.reason is not None
    if step.reason in UNREACHED:
        return "Look at the network, the proxy and the name server."
    if step.reason.scope is Scope.RUN:
        return wait
    if step.name == "decoding":
        return "Look at ffmpeg: the bytes came."
    return f"{nightly} Else try --cookies, another network, or --source local:DIR."
