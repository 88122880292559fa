"""`audioset-tools fetch`."""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..errors import AudiosetToolsError, EnvironmentProblem, Paused, Shortfall
from ..workspace import Workspace, printable
from .options import (
    FOLDER,
    connection_options,
    exclude_option,
    json_option,
    leave_out,
    metadata_option,
    recipe_option,
    workspace_option,
)

if TYPE_CHECKING:
    from ..exclusions import Exclusion
    from ..fetch.local import Local
    from ..fetch.progress import Progress
    from ..ledger import Ledger
    from ..types import Reason


@click.command()
@click.option(
    "--source", "source_name", default="youtube", show_default=True, metavar="youtube|local:DIR",
    help="Where the audio comes from: YouTube, or files that you have in DIR.",
)  # fmt: skip
@click.option("--per-class", type=int, default=2400, show_default=True, help="Clips wanted of each class.")
@recipe_option
@metadata_option
@workspace_option
@click.option("--jobs", type=int, default=4, show_default=True, help="Workers at once.")
@click.option(
    "--pace",
    default="guest",
    show_default=True,
    help="guest, account, unlimited, or requests an hour: 600/h.",
)
@connection_options
@click.option(
    "--record", type=FOLDER,
    help="Write what YouTube answers into this folder, without anything personal, for a report of a fault.",
)  # fmt: skip
@click.option(
    "--max-wait", type=click.FloatRange(min=0), default=7200, show_default=True,
    help="Longest pause to sit out, in seconds; past that, exit with code 4.",
)  # fmt: skip
@click.option(
    "--retry-wait", type=click.FloatRange(min=0), default=30, show_default=True,
    help="Seconds before a clip that failed for now is tried again; doubled each time.",
)  # fmt: skip
@click.option(
    "--retry", "retries", multiple=True, metavar="REASON",
    help="First queue again who is out for this reason, or for any `passing` one; may be repeated.",
)  # fmt: skip
@exclude_option
@click.option(
    "--dry-run", is_flag=True, help="Say what would be fetched and what it would cost; send nothing."
)
@json_option
def fetch(
    source_name: str,
    per_class: int,
    recipe: str,
    metadata: Path | None,
    workspace: Path,
    jobs: int,
    pace: str,
    proxy: str | None,
    no_check_certificate: bool,
    cookies: Path | None,
    browser: str | None,
    record: Path | None,
    ytdlp_options: dict[str, Any],
    max_wait: float,
    retry_wait: float,
    retries: tuple[str, ...],
    exclusions: "tuple[Exclusion, ...] | None",
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fetch N verified clips of each class."""
    from .. import console
    from ..clock import steady
    from ..fetch.local import local_folder
    from ..fetch.pace import Pace, parse_pace
    from ..fetch.progress import FetchConfig
    from ..fetch.record import Recorder
    from ..fetch.retry import reasons_named
    from ..fetch.run import Fetch
    from ..fetch.summary import (
        estimate_table,
        fetch_json,
        fetch_table,
        given_up,
        given_up_line,
        local_estimate,
    )
    from ..fetch.versions import nightly_advice
    from ..fetch.youtube import YouTube
    from ..ledger import Ledger

    config = FetchConfig(per_class, jobs, max_wait, retry_wait)
    asked = click.get_current_context().get_parameter_source("max_wait")
    if asked is not ParameterSource.DEFAULT:
        # Whoever says how long to wait means the first minute too.
        config = replace(config, first_wait=max_wait)
    policy = parse_pace(pace)
    folder = local_folder(source_name)
    again = reasons_named(retries)
    place = Workspace(workspace)
    with place.lock(), Ledger(place.ledger) as ledger, _draining() as stop:
        _prepare(ledger, place, recipe, metadata)
        if not dry_run:
            _queue_again(ledger, again, asks_youtube=folder is None)
            leave_out(ledger, place, exclusions)
        # YouTube's pace and pauses do not concern a folder.
        budget = Pace(policy, None if folder else ledger.get("pace"), wait=stop.wait)
        recorder = Recorder(record) if record and not folder else None
        source = (
            _read_folder(folder)
            if folder
            else YouTube(
                budget,
                proxy=proxy,
                check_certificate=not no_check_certificate,
                cookies=str(cookies) if cookies else None,
                browser=browser,
                options=ytdlp_options,
                keep=place.youtube,
                record=recorder.answered if recorder else None,
            )
        )
        with closing(source):
            run = Fetch(ledger, source, place, config, budget, stop)
            if dry_run:
                end = run.progress()
                console.table(
                    local_estimate(end) if folder else estimate_table(end, policy, console.duration)
                )
                return
            with _watching(steady, stop, reads_folder=folder is not None) as watch:
                end = run.run(watch)
        tallies = ledger.tallies()
    if recorder and recorder.left_out:
        console.say(f"{recorder.left_out:,} answers were not recorded: 50 MB are enough, or the disk is full")
    if as_json:
        console.result_json(fetch_json(end, tallies))
    else:
        console.table(fetch_table(end, tallies))
    if lost := given_up(tallies):
        console.say(given_up_line(lost, config.attempts))
    if end.of_client and not end.failed:
        console.say(nightly_advice(date.today()))
    _conclude(end, lost)


def _prepare(ledger: "Ledger", place: Workspace, recipe: str, metadata: Path | None) -> None:
    """See that the workspace is sound, fill an empty ledger, and queue again what was lost from the disk."""
    from .. import console
    from ..catalog.enqueue import enqueue
    from ..catalog.recipe import read_recipe
    from ..clock import steady
    from ..exclude import finish_excluding
    from ..fetch.check import refuse_lost_ledger, restore_lost
    from ..forget import finish_forgetting
    from ..upkeep import refuse_damage

    console.say(f"{'continuing' if ledger.class_names else 'reading the lists into'} {place.root}")
    refuse_damage(ledger)
    refuse_lost_ledger(ledger, place)
    finish_forgetting(ledger, place)
    finish_excluding(ledger, place)
    enqueue(ledger, read_recipe(recipe), metadata, place.metadata)
    for lost in restore_lost(ledger, place, steady()):
        console.say(f"{lost}: fetching it again")


def _queue_again(ledger: "Ledger", named: "Collection[Reason]", asks_youtube: bool) -> None:
    """Put candidates back in the queue: those the user names, and for YouTube those that a folder lacked."""
    from .. import console
    from ..clock import steady
    from ..types import Reason
    from ..upkeep import queue_again

    of_a_folder = {Reason.NOT_IN_FOLDER, Reason.DAMAGED_FILE, Reason.WRONG_LENGTH} if asks_youtube else set()
    reasons = {*named, *of_a_folder} & {tally.reason for tally in ledger.tallies()}
    if named or reasons:
        found = queue_again(ledger, {reason for reason in reasons if reason}, steady())
        console.say(f"{found:,} candidates are in the queue again")


def _read_folder(folder: Path) -> "Local":
    from .. import console
    from ..fetch.local import Local

    console.say(f"reading the names in {printable(folder)}")
    source = Local(folder)
    console.say(f"{len(source.folder):,} files of {source.folder.videos:,} videos{source.not_understood}")
    return source


@contextmanager
def _watching(
    clock: Callable[[], float], stop: threading.Event, reads_folder: bool
) -> "Iterator[Callable[[Progress], None]]":
    """Show the progress while it lasts; a new pause, and what YouTube answers with, are told at once."""
    from .. import console
    from ..fetch.summary import answers_line, class_bars, local_line, pace_line

    told, answers = 0.0, None
    with console.class_bars() as show:

        def watch(progress: "Progress") -> None:
            nonlocal told, answers
            if progress.answers != answers and not reads_folder:
                answers = progress.answers
                console.say(answers_line(answers or ""))
            if reads_folder:
                line = local_line(progress, console.duration)
            else:
                line = pace_line(progress, clock(), console.duration, console.clock_time)
            show(class_bars(progress), line, told < progress.pace.paused_until > clock())
            told = progress.pace.paused_until

        yield watch


def _conclude(end: "Progress", given_up: int) -> None:
    """Exit as what was reached demands."""
    if end.failed:
        raise _no_beginning(end)
    if end.complete:
        return
    if end.gave_up:
        raise _gave_up(end)
    if end.stopping:
        raise KeyboardInterrupt
    lacking = ", ".join(f"{name} lacks {n}" for name, n in end.shortfall.items())
    retry = f" {given_up:,} may live after all: add --retry passing." if given_up else ""
    raise Shortfall(
        f"the queues are spent: {lacking}",
        f"Every other class is complete; a smaller --per-class can be filled.{retry}",
    )


def _no_beginning(end: "Progress") -> AudiosetToolsError:
    """Why not even a clip known to be alive can be had, and what to do."""
    from .. import console
    from ..clock import steady
    from ..fetch.opening import no_beginning
    from ..fetch.versions import nightly_advice

    assert end.failed
    when = console.clock_time(end.pace.paused_until) if end.pace.paused_until > steady() else None
    return no_beginning(end.failed, nightly_advice(date.today()), when)


def _gave_up(end: "Progress") -> AudiosetToolsError:
    """Why the fetch waited no longer, and what to do."""
    from .. import console
    from ..clock import steady
    from ..types import UNREACHED, Reason

    if end.pace.reason in UNREACHED:
        return EnvironmentProblem(
            f"YouTube could not be reached for longer than --max-wait ({end.pace.reason})",
            "See to the network (or the proxy) and run the same command again; nothing is lost.",
        )
    if end.pace.reason is Reason.IMPLAUSIBLE:
        return Paused(
            "too many failures to be chance: clips known to be alive fail too; nobody was written off",
            "Try yt-dlp's nightly build (above) and run the same command again;"
            " `audioset-tools status --failures` has YouTube's own words.",
        )
    when = console.clock_time(max(end.pace.paused_until, steady()))
    return Paused(
        f"YouTube refuses ({end.pace.reason}); the pause is longer than --max-wait",
        f"Run the same command again after {when}; nothing is lost.",
    )


@contextmanager
def _draining() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second one ends the process at once, losing nothing recorded.

    A terminal that is gone (SIGHUP) drains as well; what would be written to it is dropped.
    """
    stop, told = threading.Event(), threading.Event()
    terminals = [number for number in (1, 2) if os.isatty(number)]

    def on_signal(number: int, _: object) -> None:
        if number == signal.SIGHUP:
            _leave(terminals)
        elif told.is_set():
            os._exit(130)
        else:
            told.set()
            with suppress(OSError):
                os.write(2, b"\nstopping: what is in flight ends first; Ctrl-C again stops at once\n")
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup a hang-up is meant to change nothing.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(terminals: list[int]) -> None:
    """Write to nowhere what goes to terminals that are gone: to write to them would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in terminals:
        os.dup2(nowhere, number)
    os.close(nowhere)
