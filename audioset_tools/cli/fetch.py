"""`audioset-tools fetch`."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..clock import steady
from ..exceptions import AudiosetToolsError
from ..telling import telling
from ..workspace import Workspace
from .command import Command
from .options import (
    FILE,
    FOLDER,
    Number,
    connection_options,
    exclude_option,
    json_option,
    metadata_option,
    pace_option,
    recipe_option,
    scheduler_option,
    workspace_option,
)

if TYPE_CHECKING:
    from ..fetch.progress import FetchResult
    from ..types import OnProgress, Progress


@click.command(cls=Command)
@click.option(
    "--source", "source_names", multiple=True, default=("youtube",), show_default="youtube",
    metavar="youtube|local:DIR|hf:OWNER/NAME|kept:WORKSPACE",
    help="Where the audio comes from: YouTube, files that you have in DIR, a mirror on the Hugging Face"
    " Hub, or what --keep-source kept in another workspace. May be repeated: each clip is of the first"
    " source that has it.",
)  # fmt: skip
@click.option("--per-class", type=int, default=2400, show_default=True, help="Clips wanted of each class.")
@recipe_option
@metadata_option
@click.option(
    "--list", "segment_list", type=FILE,
    help="The clips wanted, in place of recipe and lists: a CSV or parquet file, or a manifest of `freeze`.",
)  # fmt: skip
@click.option(
    "--sample-rate", type=click.Choice(["16000", "32000", "44100", "48000"]),
    help="Hertz of the clips, one for a workspace: 16000 if left out at its first fetch.",
)  # fmt: skip
@click.option("--keep-source", is_flag=True, help="Keep the encoded bytes of each segment too, in sources/.")
@workspace_option
@click.option("--jobs", type=int, default=4, show_default=True, help="Workers at once.")
@scheduler_option
@pace_option
@connection_options
@click.option(
    "--record", type=FOLDER,
    help="Write what YouTube answers into this folder, without anything personal, for a report of a fault.",
)  # fmt: skip
@click.option(
    "--max-wait", type=Number(min=0), default=7200, show_default=True,
    help="Longest pause to sit out, in seconds; past that, exit with code 4.",
)  # fmt: skip
@click.option(
    "--retry-wait", type=Number(min=0), default=30, show_default=True,
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
    source_names: tuple[str, ...],
    per_class: int,
    recipe: str | None,
    metadata: Path | None,
    segment_list: Path | None,
    sample_rate: str | None,
    keep_source: bool,
    workspace: Workspace,
    jobs: int,
    scheduler: str | None,
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
    exclude: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fetch N verified clips of each class, or all that a list names."""
    from .. import console
    from ..fetch.listed import Wanted
    from ..fetch.progress import FetchConfig, FetchResult, reasons_named
    from ..fetch.run import estimate
    from ..fetch.run import fetch as run_fetch
    from ..fetch.summary import estimate_table
    from ..removal.exclusions import read_exclusions
    from ..sources.connection.connection import Connection

    asked = click.get_current_context().get_parameter_source("max_wait")
    wanted: dict[str, Any] = {
        "per_class": per_class, "recipe": recipe, "metadata": metadata, "segment_list": segment_list,
        "sample_rate": None if sample_rate is None else int(sample_rate),
    }  # fmt: skip
    source: dict[str, Any] = {"source": source_names, "pace": pace}
    if segment_list is not None:
        _refuse_beside_list("per_class", "recipe", "metadata")
    everything = segment_list is not None or _wants_all(recipe, workspace)
    failure = None
    with _draining() as stop, _showing() as show:
        if dry_run:
            # What makes no sense is refused as the fetch itself would.
            FetchConfig(None if everything else per_class, jobs)
            reasons_named(retries)
            if exclude is not None:
                read_exclusions(exclude)
            connection = Connection(proxy, not no_check_certificate, cookies, browser, ytdlp_options)
            found = estimate(workspace, Wanted(**wanted), **source, connection=connection, on_progress=show)
            console.table(estimate_table(found.parts[1], found.policy, found.sample_rate, found.parts[0]))
            return
        try:
            result = run_fetch(
                workspace,
                **wanted,
                **source,
                jobs=jobs,
                scheduler=scheduler,
                proxy=proxy,
                check_certificate=not no_check_certificate,
                cookies=cookies,
                browser=browser,
                ytdlp_options=ytdlp_options,
                record=record,
                max_wait=None if asked is ParameterSource.DEFAULT else max_wait,
                retry_wait=retry_wait,
                retry=retries,
                exclude=exclude,
                keep_source=keep_source,
                on_progress=show,
                stop=stop,
            )
        except AudiosetToolsError as error:
            if not isinstance(error.result, FetchResult):
                raise
            failure, result = error, error.result
    _print(result, as_json)
    if failure:
        raise failure
    if result.stopped:
        raise KeyboardInterrupt


def _refuse_beside_list(*names: str) -> None:
    """See that none of some options was given, not even as it is left out."""
    from ..fetch.listed import beside_a_list

    for name in names:
        if click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise beside_a_list(name)


def _wants_all(recipe: str | None, workspace: Workspace) -> bool:
    """Whether all clips are wanted, beside which no number was given: of a list, or AudioSet's own task."""
    from ..fetch.listed import refusal_of_number

    refusal = refusal_of_number(recipe, workspace)
    given = click.get_current_context().get_parameter_source("per_class")
    if refusal and given is not ParameterSource.DEFAULT:
        raise refusal
    return refusal is not None


def _print(result: "FetchResult", as_json: bool) -> None:
    """The result, and what to do about what is lacking."""
    from .. import console
    from ..fetch.summary import advice, fetch_json, fetch_table

    if as_json:
        console.result_json(fetch_json(result))
    else:
        console.table(fetch_table(result))
    for line in advice(result):
        console.say(line)


@contextmanager
def _showing() -> "Iterator[OnProgress]":
    """Show the bars from the first clip on; messages, and a new pause, at once."""
    from .. import console
    from ..fetch.progress import FetchProgress
    from ..fetch.summary import class_bars

    with ExitStack() as stack:
        bars: Callable[..., None] | None = None

        def show(progress: "Progress") -> None:
            nonlocal bars
            if not isinstance(progress, FetchProgress):
                console.say(progress.text)
                return
            if bars is None:
                bars = stack.enter_context(console.class_bars())
            bars(class_bars(progress), progress.text, progress.news)

        yield show


_STOPPING = "stopping: what is in flight ends first; Ctrl-C again stops at once"


@contextmanager
def _draining() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second one ends the process at once, losing nothing recorded.

    A terminal that is gone (SIGHUP) drains as well; what would be written to it is dropped.
    """
    stop, announced = threading.Event(), threading.Event()
    terminals = [number for number in (1, 2) if os.isatty(number)]

    def on_signal(number: int, _: object) -> None:
        if number == signal.SIGHUP:
            _leave(terminals)
        elif announced.is_set():
            os._exit(130)
        else:
            announced.set()
            with suppress(OSError):
                os.write(2, f"\n{_STOPPING}\n".encode())
            for log in telling.logs:
                log.write(_STOPPING, steady())
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
