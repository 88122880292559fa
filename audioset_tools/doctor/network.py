"""The one check that sends something: a single video, asked for with the workspace's own pace and pause."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..types import UNREACHED, Reason, Scope
from ..workspace import Workspace
from .check import Finding, Verdict

if TYPE_CHECKING:
    from ..fetch.probe import Answer
    from ..fetch.rate import PacePolicy

_NO_ANSWER = (Reason.TIMEOUT, Reason.CONNECTION, Reason.SERVER_ERROR, Reason.UNKNOWN)


def youtube(
    place: Workspace,
    policy: "PacePolicy",
    proxy: str | None,
    check_certificate: bool,
    moment: Callable[[float], str],
) -> Finding:
    """Ask YouTube for one video.

    Args:
        place: the workspace; nothing is sent while a fetch runs in it, or while its pause lasts.
        policy: the pace that the user fetches at.
        proxy, check_certificate: as for fetch.
        moment: a time in words.
    """
    from ..fetch.probe import ask
    from ..ledger import Ledger

    if place.busy():
        return Finding(
            Verdict.WARNING,
            "not asked: a fetch is running in the workspace and spends the allowance",
            "`audioset-tools status` says how it fares.",
        )
    with ExitStack() as stack:
        book = None
        if place.ledger.exists():
            stack.enter_context(place.lock())
            book = stack.enter_context(Ledger(place.ledger))
        answer = ask(book, policy, proxy=proxy, check_certificate=check_certificate)
    return youtube_verdict(answer, moment)


def youtube_verdict(answer: "Answer", moment: Callable[[float], str]) -> Finding:
    """What to think of an answer."""
    wait = f"Leave it alone until {moment(answer.paused_until)}: docs/blocked.md."
    if not answer.sent:
        return Finding(Verdict.WARNING, f"not asked: paused since YouTube refused ({answer.reason})", wait)
    if answer.reason is None:
        return Finding(Verdict.OK, f"it answers, and audio comes: {answer.said}")
    said = f"{answer.reason}: {answer.said}"
    if answer.reason in UNREACHED:
        return Finding(
            Verdict.PROBLEM, f"not reached: {said}", "Look at the network, the proxy and the name server."
        )
    if answer.reason.scope is Scope.RUN:
        return Finding(Verdict.PROBLEM, f"it refuses: {said}", wait)
    if answer.reason in _NO_ANSWER:
        return Finding(
            Verdict.PROBLEM, f"no answer: {said}", "Look at the network and the proxy; upgrade yt-dlp."
        )
    if answer.reason.scope is Scope.FINAL:
        return Finding(Verdict.OK, f"it answers, if only about a video that is not to be had: {said}")
    return Finding(
        Verdict.WARNING,
        f"it answers, but no audio came: {said}",
        "fetch then tries yt-dlp's default clients; upgrade yt-dlp if that goes on.",
    )
