"""The report: one folder whose `index.html` opens from disk, of whatever a workspace holds so far."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..types import KEY
from ..workspace import Workspace
from .blocks import Section, Words
from .card import card_section
from .clips import Suspicious, choose_samples, clips_section, samples_section, source_of
from .fetching import fetching_section
from .holding import Holding, read_holding
from .levels import measure
from .media import make_media, sweep
from .models import CELLS, cell_pages, runs_section, shown_keys, sources_of
from .page import write_page
from .selection import selection_section, summary_words

FRAME = "frame-src 'self' file:"
"""A page that renews itself reads itself anew in a hidden frame: from disk there is no other way."""


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """How to report.

    Args:
        per_class: clips of each class to listen to.
        seed: which ones.
        every: seconds between two looks of a page that renews itself; 0 for one that does not.

    Raises:
        UsageError: a number makes no sense.
    """

    per_class: int = 3
    seed: int = 0
    every: float = 0

    def __post_init__(self) -> None:
        if self.per_class < 0:
            raise UsageError(
                f"--per-class must be at least 0, not {self.per_class}", "3 are shown if left out."
            )
        if self.every < 0:
            raise UsageError(f"--watch must be above 0, not {self.every:g}", "Write: --watch 5")


@dataclass(frozen=True, slots=True)
class Report:
    """What was written: the page, and how many pages, sounds and pictures it has beside it."""

    index: Path
    pages: int
    media: int
    troubles: tuple[str, ...]


def write_report(
    place: Workspace,
    out: Path,
    config: ReportConfig = ReportConfig(),
    *,
    funnel: Mapping[str, Any] | None = None,
    now: str = "",
    say: Callable[[str], None] = lambda text: None,
) -> Report:
    """Write the report of a workspace; the same workspace and seed give the same bytes.

    Args:
        place: the workspace; nothing in it is changed, unless `out` lies in it.
        out: the folder, made or brought up to date.
        config: what to show.
        funnel: the selection's account, where it was read from the lists.
        now: the moment to be told on a page that renews itself.
        say: told what takes long.
    """
    holding = read_holding(place)
    clips = [clip for _, clip in holding.fetched.clips] if holding.fetched else []
    if clips:
        say(f"looking at {len(clips):,} clips")
    levels = measure(clips, place, out / "levels.csv") if clips else {}
    suspicious = Suspicious(clips, levels)
    samples = choose_samples(clips, config.per_class, config.seed) if config.per_class else {}
    sources = {clip.key: source_of(clip) for members in samples.values() for clip in members}
    sources |= {source.key: source for source in suspicious.sources}
    known = sources_of(holding)
    sources |= {key: known[key] for key in shown_keys(holding.runs) if key in known and KEY.fullmatch(key)}
    if sources:
        say(f"sounds and pictures of {len(sources):,} clips")
    media = make_media(sources.values(), place, out)
    pages = [page for run in holding.runs for page in cell_pages(run, media)]
    for page in pages:
        write_page(out / page.path, "cell.html", title=page.title, section=page.section, up="../../")
    sections = (
        selection_section(holding, funnel),
        fetching_section(holding),
        clips_section(holding, levels, suspicious, media),
        samples_section(samples, media, config.seed),
        runs_section(holding),
        card_section(holding),
    )
    _write_index(out, holding, sections, config, now)
    sweep(out, media.values())
    _sweep_pages(out, {page.path for page in pages})
    shown = sum(bool(one.sound) + bool(one.mel) for one in media.values())
    return Report(out / "index.html", 1 + len(pages), shown, holding.troubles)


def _write_index(
    out: Path, holding: Holding, sections: tuple[Section, ...], config: ReportConfig, now: str
) -> None:
    recipe = f": recipe {holding.fetched.origin.recipe}" if holding.fetched else ""
    write_page(
        out / "index.html",
        "report.html",
        scripts=("live.js",) if config.every or now else (),
        data={"every": config.every} if config.every or now else None,
        serves=FRAME if config.every or now else "",
        title=f"AudioSet data set{recipe}",
        summary=summary_words(holding),
        troubles=[Words(trouble, warn=True) for trouble in holding.troubles],
        sections=sections,
        now=now,
        renewed=bool(config.every),
        up="",
    )


def _sweep_pages(out: Path, written: set[str]) -> None:
    """Delete the pages of cells that are empty now, and of runs that are gone."""
    for path in (out / CELLS).glob("*/*-*.html"):
        if path.relative_to(out).as_posix() not in written:
            path.unlink()
            with suppress(OSError):
                path.parent.rmdir()
