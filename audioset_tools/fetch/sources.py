"""The sources that a fetch names, opened in their order, each with a budget of its own."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ..exceptions import UsageError
from ..ledger import Ledger
from ..sources.connection.connection import Connection
from ..sources.connection.proxies import check_environment
from ..sources.hub.address import PREFIX, parse_address
from ..sources.hub.source import POLICY, Hub, HubOptions, open_hub
from ..sources.kept import PREFIX as KEPT
from ..sources.kept import Kept, kept_workspace
from ..sources.local import Local, local_folder
from ..sources.pace import Pace, Stopped
from ..sources.rate import PacePolicy
from ..sources.record import Recorder
from ..sources.source import Source
from ..sources.youtube import YouTube
from ..types import OnProgress
from ..workspace import Workspace
from .progress import pace_note

YOUTUBE = "youtube"


@dataclass(frozen=True, slots=True)
class Remote:
    """How YouTube is asked: how fast, through what, and who records its answers.

    `max_wait` is the longest pause of any remote to sit out, in seconds.
    """

    policy: PacePolicy
    connection: Connection
    recorder: Recorder | None = None
    max_wait: float = 2 * 3_600


def named_sources(source: str | Iterable[str]) -> tuple[str, ...]:
    """The sources that are named, in their order.

    Raises:
        UsageError: none is, one is no source, or one is named twice.
    """
    names = (source,) if isinstance(source, str) else tuple(source)
    if not names:
        raise UsageError(
            "no source is named", "Use youtube, local:DIR, hf:OWNER/NAME, or several of them in order."
        )
    for name in names:
        if name.startswith(PREFIX):
            parse_address(name)
        elif name.startswith(KEPT):
            kept_workspace(name)
        elif name != YOUTUBE:
            local_folder(name)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"the source {twice} is named twice", "Name each source once, in order.")
    return names


def held_at_hand(
    names: Sequence[str], indices: Path, remote: Remote, on_progress: OnProgress
) -> frozenset[str] | None:
    """The videos that some sources have anything of; None where one cannot say without being asked.

    Each is opened as for a fetch, as far as that sends nothing, and nothing is kept of it.

    Args:
        indices: where the workspace keeps those of archives; none is added.

    Raises:
        UsageError: one holds nothing, or an option of it makes no sense.
        EnvironmentProblem: one cannot be read.
    """
    near: list[Local | Kept] = []
    for name in names:
        if name == YOUTUBE:
            YouTube(Pace(remote.policy), remote.connection).close()
        elif name.startswith(KEPT):
            near.append(Kept(kept_workspace(name)))
        elif not name.startswith(PREFIX):
            near.append(Local(local_folder(name), indices, on_progress, keeps=False))
    if len(near) < len(names):
        return None
    return frozenset(chain.from_iterable(source.videos() for source in near))


def check_way(names: Iterable[str], connection: Connection, environ: Mapping[str, str] = os.environ) -> None:
    """See that the proxies of the environment can be some, where a source is reached through them.

    Raises:
        UsageError: one cannot be.
    """
    of_hub = any(name.startswith(PREFIX) for name in names)
    if of_hub or (YOUTUBE in names and not connection.names_proxy):
        check_environment(environ, of_hub)


@contextmanager
def opened(
    names: Sequence[str],
    ledger: Ledger,
    workspace: Workspace,
    remote: Remote,
    stop: threading.Event,
    on_progress: OnProgress,
) -> Iterator[list[Source]]:
    """The sources of these names, closed at the end.

    Raises:
        UsageError: one holds nothing, or an option of it makes no sense.
        EnvironmentProblem: one cannot be read, or reached.
    """
    with ExitStack() as stack:
        sources: list[Source] = []
        # All mirrors are asked of one Hub.
        hub_pace = Pace(POLICY, ledger.get(pace_note(Hub.name)), wait=stop.wait)
        for name in names:
            if name == YOUTUBE:
                sources.append(_youtube(ledger, workspace, remote, stop))
            elif name.startswith(PREFIX):
                options = HubOptions(hub_pace, stop, remote.max_wait)
                sources.append(_hub(name, ledger, workspace, options, on_progress))
            elif name.startswith(KEPT):
                sources.append(Kept(kept_workspace(name)))
            else:
                sources.append(Local(local_folder(name), workspace.indices, on_progress))
            stack.callback(sources[-1].close)
        yield sources


def _youtube(ledger: Ledger, workspace: Workspace, remote: Remote, stop: threading.Event) -> YouTube:
    pace = Pace(remote.policy, ledger.get(pace_note(YOUTUBE)), wait=stop.wait)
    record = remote.recorder.answered if remote.recorder else None
    return YouTube(pace, remote.connection, keep=workspace.youtube, record=record)


def _hub(
    name: str, ledger: Ledger, workspace: Workspace, options: HubOptions, on_progress: OnProgress
) -> Hub:
    try:
        return open_hub(name, workspace.mirrors, options, on_progress)
    except Stopped as error:
        # There is nothing in flight yet that could be recorded.
        raise KeyboardInterrupt from error
    finally:
        ledger.put(pace_note(Hub.name), options.pace.to_json())
