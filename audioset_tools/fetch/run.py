"""Fetching as one call: everything that the command does, and nothing on the terminal."""

import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

from ..clock import steady
from ..exceptions import AudiosetToolsError, EnvironmentProblem, Paused, Shortfall
from ..ledger import Ledger
from ..removal.exclusions import read_exclusions
from ..sources.connection.connection import Connection
from ..sources.pace import parse_pace
from ..sources.record import Recorder
from ..sources.versions import nightly_advice
from ..tasks.division import Division
from ..tasks.engine import Engine
from ..types import UNREACHED, OnProgress, Reason, message, silent
from ..words import clock_time, counted
from ..workspace import AnyPath, Workspace
from .listed import PER_CLASS, Wanted, list_shortfall
from .loop import Fetch
from .opening import no_beginning
from .prepare import change_queues, look_ahead, pass_over, prepare
from .progress import FetchConfig, FetchProgress, FetchResult, reasons_named
from .sources import YOUTUBE, Remote, check_way, named_sources, opened
from .summary import title_of


def fetch(
    workspace: Workspace,
    *,
    per_class: int = PER_CLASS,
    recipe: str | None = None,
    metadata: AnyPath | None = None,
    segment_list: AnyPath | None = None,
    sample_rate: int | None = None,
    any_ontology: bool = False,
    source: str | Iterable[str] = "youtube",
    jobs: int = 4,
    scheduler: str | None = None,
    pace: str = "guest",
    proxy: str | None = None,
    check_certificate: bool = True,
    cookies: AnyPath | None = None,
    browser: str | None = None,
    ytdlp_options: Mapping[str, Any] | None = None,
    record: AnyPath | None = None,
    max_wait: float | None = None,
    retry_wait: float = 30.0,
    retry: Iterable[str] = (),
    exclude: AnyPath | None = None,
    keep_source: bool = False,
    on_progress: OnProgress = silent,
    stop: threading.Event | None = None,
) -> FetchResult:
    """Fetch N verified clips of each class; the same call continues what is there.

        fetch(Workspace("audioset"), per_class=100, on_progress=print)

    A Ctrl-C in the main thread drains: what is in flight ends and is recorded, then KeyboardInterrupt is
    raised; a second one is raised at once.

    Args:
        workspace: made if it does not exist; nobody else may be writing to it.
        per_class: clips wanted of each class; of an official recipe all are.
        recipe: what the classes are: a recipe's name or TOML file; None for the workspace's own, or `paper`.
        metadata: a folder with AudioSet's lists; downloaded to the workspace if left out.
        segment_list: a CSV, a parquet file or a manifest of the segments wanted, all of them, in place of
            per_class, recipe and metadata.
        any_ontology: take an ontology that is not AudioSet's own.
        sample_rate: hertz of the clips: 16000, 32000, 44100 or 48000; None for the workspace's own, or 16000.
        source: `youtube`, `local:DIR` for files that you have, `hf:OWNER/NAME` for a mirror on the Hugging
            Face Hub, or `kept:WORKSPACE` for what was kept in another one; of several each candidate is asked
            in turn.
        jobs: clips that are worked at at once; with a scheduler at least twice as many as its workers take.
        scheduler: address of a Dask scheduler whose workers decode what the sources give, or the file it
            wrote of itself; None for this process.
        pace: `guest`, `account`, `unlimited`, or requests an hour: `600/h`.
        record: a folder for what YouTube answers, without anything personal.
        max_wait: the longest pause or outage to sit out, in seconds; None for two hours, and 45 s for a
            network that is away at the start.
        retry_wait: seconds before a clip that failed for now is tried again; doubled each time.
        retry: reasons, or `passing`, for which dead candidates are queued again first.
        exclude: a list of clips to leave out for good, before anything else: a CSV key,reason,note.
        keep_source: whether the encoded bytes that a clip was decoded from are kept beside it.
        on_progress: called with a `FetchProgress` about twice a second, and with each message.
        stop: set it to drain; the result then says `stopped`.

    Raises:
        Shortfall: the queues are exhausted before every class is complete, or a list is.
        Paused: YouTube refuses for longer than `max_wait`, or from the beginning.
        EnvironmentProblem: the machine, the network or the disk is at fault, or the workspace is busy.
        DataMismatch: the workspace is damaged, or of another recipe or other lists.
        UsageError: an argument makes no sense.
    """
    names, policy, reasons = named_sources(source), parse_pace(pace), reasons_named(retry)
    cookie_file = None if cookies is None else Path(cookies)
    connection = Connection(proxy, check_certificate, cookie_file, browser, ytdlp_options or {})
    check_way(names, connection)
    wanted = Wanted(per_class, recipe, metadata, segment_list, sample_rate, any_ontology)
    segments = wanted.segments()
    everything = wanted.wants_all(segments, workspace)
    config = FetchConfig(
        None if everything else per_class, jobs, retry_wait=retry_wait, keep_source=keep_source
    )
    if max_wait is not None:
        # Who says how long to wait means the first minute too.
        config = replace(config, max_wait=max_wait, first_wait=max_wait)
    excluded = None if exclude is None else read_exclusions(Path(exclude))
    recorder = Recorder(Path(record)) if record and YOUTUBE in names else None
    remote = Remote(policy, connection, recorder, config.max_wait)
    with (
        _draining(stop) as (draining, interrupted),
        workspace.begin() as stays,
        Ledger(workspace.ledger) as ledger,
    ):
        prepare(ledger, workspace, wanted, segments, on_progress)
        change_queues(ledger, workspace, reasons, excluded, names, on_progress)
        with (
            opened(names, ledger, workspace, remote, draining, on_progress) as sources,
            _decoders(scheduler, workspace, on_progress) as by,
        ):
            pass_over(ledger, sources, on_progress)
            look_ahead(ledger, sources, per_class)
            stays()
            if by:
                config = replace(config, jobs=max(jobs, 2 * by.count()))
            end = Fetch(ledger, sources, workspace, config, draining, by=by).run(on_progress)
        result = FetchResult(end, tuple(ledger.tallies()), config.attempts, everything)
    if recorder and recorder.left_out:
        why = "50 MB are enough, or the disk is full"
        on_progress(
            message(f"{counted(recorder.left_out, 'answer was', 'answers were')} not recorded: {why}")
        )
    if error := _failure(result):
        error.result = result
        raise error
    if result.stopped and interrupted.is_set():
        raise KeyboardInterrupt
    return result


def _decoders(
    scheduler: str | None, workspace: Workspace, on_progress: OnProgress
) -> AbstractContextManager[Engine | None]:
    """Who decodes; None for the threads that fetch, each what it has fetched."""
    if scheduler is None:
        return nullcontext()
    return Division(None, scheduler).engine(workspace.root, lambda text: on_progress(message(text)))


@contextmanager
def _draining(stop: threading.Event | None) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The event that drains, and one that says whether a Ctrl-C set it.

    Where Python would raise KeyboardInterrupt wherever the main thread is, the first Ctrl-C drains; a caller
    with a handler of its own keeps it.
    """
    drains, interrupted = stop or threading.Event(), threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield drains, interrupted
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if interrupted.is_set():
            signal.default_int_handler(number, frame)
        interrupted.set()
        drains.set()

    signal.signal(signal.SIGINT, on_signal)
    try:
        yield drains, interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _failure(result: FetchResult) -> AudiosetToolsError | None:
    """Why a fetch ended without what was wanted, and what to do; None if it did not, or was stopped."""
    end = result.progress
    if end.failed:
        until = end.pace.paused_until
        when = clock_time(until) if until > steady() else None
        return no_beginning(end.failed, nightly_advice(date.today()), when)
    if result.complete or result.stopped:
        return None
    if end.gave_up:
        return _gave_up(end)
    if result.of_list:
        return list_shortfall(result.tallies, result.given_up)
    lacking = ", ".join(f"{name} lacks {n}" for name, n in end.shortfall.items())
    retry = f" {result.given_up:,} may live after all: add --retry passing." if result.given_up else ""
    fewest = min(one.accepted for one in end.classes)
    smaller = f"--per-class {fewest} can be filled" if fewest else "another source may have more"
    return Shortfall(f"the queues are spent: {lacking}", f"What there is stays; {smaller}.{retry}")


def _gave_up(end: FetchProgress) -> AudiosetToolsError:
    """Why the fetch waited no longer, and what to do."""
    remote = title_of(end.remote)
    remote = remote[0].upper() + remote[1:]
    if end.pace.reason in UNREACHED:
        return EnvironmentProblem(
            f"{remote} could not be reached for longer than --max-wait ({end.pace.reason})",
            "See to the network (or the proxy) and run the same command again; nothing is lost.",
        )
    if end.pace.reason is Reason.IMPLAUSIBLE:
        return Paused(
            "too many failures to be chance: clips known to be alive fail too; nobody was written off",
            f"{nightly_advice(date.today())} Then run the same command again;"
            " `audioset-tools status --failures` has YouTube's own words.",
        )
    when = clock_time(max(end.pace.paused_until, steady()))
    return Paused(
        f"{remote} refuses ({end.pace.reason}); the pause is longer than --max-wait",
        f"Run the same command again after {when}; nothing is lost.",
    )
