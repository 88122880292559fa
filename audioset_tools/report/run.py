"""The report: a folder whose `index.html` opens from disk, of whatever a workspace holds so far.

It may keep up with a fetch: written again every few seconds until the fetch is done.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch, UsageError
from ..pages import write_page
from ..runs.folder import require_place
from ..shards.placements import Placements
from ..types import OnProgress, Progress, silent
from ..words import counted
from ..workspace import AnyPath, Workspace
from .axes import axes_symbol
from .media import make_media, shown_spec, sweep
from .page import Section, Words
from .sections.card import card_section
from .sections.clips import Suspicious, choose_samples, clips_section, measure, samples_section, source_of
from .sections.fetch import fetch_section, moment
from .sections.labels import LabelNames, read_label_names
from .sections.runs import (
    CELLS,
    RUNS,
    cell_pages,
    runs_section,
    shown_keys,
    sources_of,
    with_matrix,
    write_runs,
)  # fmt: skip
from .sections.selection import selection_section, summary_words
from .sections.summary import key_figures
from .snapshot import Snapshot, read_snapshot

FRAME = "frame-src 'self' file:"
"""A page that renews itself reads itself again in a hidden frame: from disk there is no other way."""


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """What a report shows.

    Args:
        per_class: clips of each class to listen to.
        seed: another one draws other clips.
        every: seconds between two looks of a page that renews itself; None for one that does not.

    Raises:
        UsageError: a number makes no sense.
    """

    per_class: int = 3
    seed: int = 0
    every: float | None = None

    def __post_init__(self) -> None:
        if self.per_class < 0:
            raise UsageError(
                f"--per-class must be at least 0, not {self.per_class}", "3 are shown if left out."
            )
        if self.every is not None and self.every <= 0:
            raise UsageError(f"--watch must be above 0, not {self.every:g}", "Write: --watch 5")


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the page, and how many pages, sounds and pictures there are in its folder.

    `troubles` are what the workspace holds and cannot be read, in words.
    """

    index: Path
    pages: int
    media: int
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookProgress(Progress):
    """One look of a watched report is over: the page is up to date, and these are its troubles."""

    troubles: tuple[str, ...] = ()


def report(
    workspace: Workspace,
    *,
    out: AnyPath | None = None,
    per_class: int = 3,
    seed: int = 0,
    metadata: AnyPath | None = None,
    recipe: str | None = None,
    watch: float | None = None,
    on_progress: OnProgress = silent,
) -> Written:
    """Write a page to look at and listen to, of whatever a workspace holds so far.

        written = report(Workspace("audioset"), per_class=5, on_progress=print)
        webbrowser.open(written.index.as_uri())

    Nothing in the workspace changes, unless the page goes into it.

    Args:
        out: folder of the page; `report` in the workspace if None.
        per_class: clips of each class to listen to.
        seed: another one draws other clips.
        metadata: folder with AudioSet's lists, for the selection of a workspace that did not record it, and
            for the names of labels.
        recipe: of the selection in `metadata`; the workspace's own if None.
        watch: seconds between two looks: the page is written again and again while a command works in the
            workspace, and once more when that is done. None writes it once.
        on_progress: called with what takes long; while watching with a `LookProgress` after each look.

    Raises:
        UsageError: there is no such workspace, a list is missing, or a number makes no sense.
        DataMismatch: a list is damaged.
    """
    workspace.begun()
    folder = workspace.report if out is None else Path(out)
    config = ReportConfig(per_class, seed, watch)
    require_place(folder)
    lists = None if metadata is None else Path(metadata)
    funnel = None if lists is None else _read_funnel(workspace, lists, recipe)
    known: dict[str, Any] = {"funnel": funnel, "metadata": lists, "on_progress": on_progress}
    if watch is None:
        return write_report(workspace, folder, config, **known)
    return watch_report(workspace, folder, config, clock=time.time, sleep=time.sleep, **known)


def write_report(
    workspace: Workspace,
    out: Path,
    config: ReportConfig = ReportConfig(),
    *,
    funnel: Mapping[str, Any] | None = None,
    metadata: Path | None = None,
    now: str = "",
    on_progress: OnProgress = silent,
) -> Written:
    """Write the report once; the same workspace and seed give the same bytes.

    Args:
        out: the folder, made or brought up to date.
        funnel: the selection's account, where it was read from the lists.
        metadata: folder with AudioSet's lists, for the names of labels; None for the workspace's own.
        now: the moment that a page which renews itself shows.
        on_progress: called before what takes long.
    """
    snapshot = read_snapshot(workspace)
    names, axes = LabelNames({}), axes_symbol(shown_spec(workspace))
    try:
        names = read_label_names(snapshot, metadata)
    except DataMismatch as error:
        if metadata is not None:
            raise
        snapshot = replace(snapshot, troubles=(*snapshot.troubles, f"{error.what}. {error.remedy}"))
    clips = snapshot.fetched.clips if snapshot.fetched else Placements()
    if clips:
        on_progress(Progress(0, 2, f"looking at {counted(len(clips), 'clip')}"))
    levels = measure(clips, workspace, out / "levels.csv") if clips else {}
    suspicious = Suspicious(clips, levels)
    samples = choose_samples(clips, config.per_class, config.seed) if config.per_class else {}
    sources = {clip.key: source_of(clip) for members in samples.values() for clip in members}
    sources |= {source.key: source for source in suspicious.sources}
    sources |= sources_of(snapshot, shown_keys(snapshot.in_full))
    if sources:
        on_progress(Progress(1, 2, f"sounds and pictures of {counted(len(sources), 'clip')}"))
    media = make_media(sources.values(), workspace, out)
    labels = {clip.key: names.line(clip) for clip in clips.of_keys(sources)}
    pages = [page for run in with_matrix(snapshot.in_full) for page in cell_pages(run, media, labels)]
    for page in pages:
        target = out / page.path
        write_page(target, "cell.html", title=page.title, section=page.section, axes=axes, up="../../")
    sections = (
        selection_section(snapshot, funnel),
        fetch_section(snapshot),
        clips_section(snapshot, suspicious, media, names),
        samples_section(snapshot, samples, media, names, config.seed),
        runs_section(snapshot),
        card_section(snapshot),
    )
    write_runs(out / RUNS, snapshot)
    _write_index(out, snapshot, sections, axes, config, now)
    sweep(out, media.values())
    _sweep_pages(out, {page.path for page in pages})
    shown = sum(bool(one.sound) + bool(one.mel) for one in media.values())
    return Written(out / "index.html", 1 + len(pages), shown, snapshot.troubles)


def watch_report(
    workspace: Workspace,
    out: Path,
    config: ReportConfig,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    funnel: Mapping[str, Any] | None = None,
    metadata: Path | None = None,
    on_progress: OnProgress = silent,
) -> Written:
    """Write the report again and again while a command works in the workspace, and once more when it is done.

    The command is not disturbed: the ledger is only read.

    Args:
        config: its `every` is the time between two looks, in seconds.
        clock: seconds since the epoch, shown on the page.
        sleep: waits so many seconds.
        funnel, metadata: as `write_report` takes them.
        on_progress: called with a `LookProgress` after every look but the last.
    """
    looks = 0
    while True:
        # Asked before looking: what the command does after that is seen by the last look.
        busy = workspace.busy()
        at = f"{moment(clock())} UTC"
        seen = config if busy else replace(config, every=None)
        written = write_report(workspace, out, seen, funnel=funnel, metadata=metadata, now=at)
        if not busy:
            return written
        looks += 1
        text = f"{written.index} is up to date; it renews itself"
        on_progress(LookProgress(looks, looks, text, written.troubles))
        sleep(config.every or 0)


def _read_funnel(workspace: Workspace, metadata: Path, recipe: str | None) -> Mapping[str, Any]:
    """The selection's account from the lists themselves."""
    # Imported here because pandas takes its time, and few reports read the lists.
    from ..catalog.official import find_metadata
    from ..catalog.run import recipe_of
    from ..catalog.select import read_selection
    from ..catalog.summary import funnel_json

    found = recipe_of(workspace, recipe)
    return funnel_json(read_selection(find_metadata(metadata, workspace.metadata), found))


def _write_index(
    out: Path, snapshot: Snapshot, sections: tuple[Section, ...], axes: str, config: ReportConfig, now: str
) -> None:
    recipe = f": recipe {snapshot.fetched.origin.recipe}" if snapshot.fetched else ""
    watched = bool(config.every or now)
    write_page(
        out / "index.html",
        "report.html",
        scripts=("live.js",) if watched else (),
        data={"every": config.every or 0} if watched else None,
        serves=FRAME if watched else "",
        title=f"AudioSet data set{recipe}",
        summary=summary_words(snapshot),
        top=key_figures(snapshot),
        axes=axes,
        troubles=[Words(trouble, warn=True) for trouble in snapshot.troubles],
        sections=sections,
        now=now,
        renewed=config.every is not None,
        up="",
    )


def _sweep_pages(out: Path, written: set[str]) -> None:
    """Delete the pages of cells that are empty now, and of runs that are gone."""
    for path in (out / CELLS).glob("*/*-*.html"):
        if path.relative_to(out).as_posix() not in written:
            path.unlink()
            with suppress(OSError):
                path.parent.rmdir()
