"""What a workspace holds at one moment, as far as it has come; looking changes nothing in it."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import DataMismatch
from ..fetch.progress import Totals, read_totals
from ..fetch.status import Status, read_status
from ..files import parse_json
from ..ledger import Ledger, Origin, State
from ..ledger.columns import ClipColumns, clip_columns
from ..ledger.queries import Event, events, tried_tiers
from ..runs.folder import CONFIG, RunFound, read_run, run_folders
from ..shards.dataset import read_dataset
from ..shards.placements import Placements
from ..shards.splits import leak_of
from ..shards.table import ClipTable
from ..workspace import Workspace, printable

MOST_RUNS = 20
"""Runs that are read and shown in full: the best on the test split, and some of the newest."""

NEWEST_RUNS = 4
"""The newest among them."""

_FORM = re.compile(r" ([a-z0-9_]{1,20}/[a-z0-9_]{1,20} \d{1,6} Hz)[^/]{0,20}$|(\.\w{1,8})$")
"""The form of a copy, behind its place: of a sound in an archive, or of a file."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the ledger has.

    `funnel` is the selection's account as JSON, None where it was not recorded; `tiers` counts the candidates
    that were tried by class, tier and state; of `events` those of pauses alone keep their detail. `table` has
    the verified clips by class and rank, without what they sound like; `seconds` and `peaks` are theirs in
    this order. `sources` and `decoders` count them by the kind of their source and by what decoded them.
    """

    origin: Origin
    status: Status
    funnel: Mapping[str, Any] | None
    tiers: Mapping[tuple[str, int, State], int]
    events: tuple[Event, ...]
    table: ClipTable
    seconds: Floats
    peaks: Floats
    sources: Mapping[str, int]
    decoders: Mapping[str, int]
    spent: Totals

    @property
    def clips(self) -> Placements:
        """The verified clips, in no split."""
        return self.table.clips


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a workspace holds.

    Args:
        fetched: None where there is no ledger, or one without candidates.
        placements: the frozen splits; none before featurize.
        runs: what was trained, by name; of many, most without history and predictions.
        in_full: those that have both.
        leak: which groups stand in several splits, in words; "" where none does.
        troubles: what is there and cannot be read, in words.
    """

    workspace: Workspace
    fetched: Fetched | None
    placements: Placements
    runs: tuple[RunFound, ...]
    in_full: tuple[RunFound, ...]
    leak: str
    troubles: tuple[str, ...]


def read_snapshot(workspace: Workspace) -> Snapshot:
    """Look a workspace over, also while a command runs in it."""
    troubles: list[str] = []
    fetched = None
    if workspace.ledger.exists():
        try:
            with Ledger(workspace.ledger, read_only=True) as ledger:
                fetched = _read_ledger(ledger) if ledger.class_names else None
        except DataMismatch as error:
            troubles.append(_without_place(error, workspace))
    placements = Placements()
    try:
        placements = read_dataset(workspace.dataset)
    except DataMismatch as error:
        troubles.append(_without_place(error, workspace))
    runs, in_full = _read_runs(workspace.runs)
    leak = _leak(placements, fetched)
    return Snapshot(workspace, fetched, placements, runs, in_full, leak, tuple(troubles))


def _leak(placements: Placements, fetched: Fetched | None) -> str:
    found = leak_of(placements, fetched.table if fetched else ())
    return found.remark(fetched is not None and fetched.origin.of_list, "clips") if found.divided else ""


def _read_runs(folder: Path) -> tuple[tuple[RunFound, ...], tuple[RunFound, ...]]:
    """All runs, and those of them that are read in full."""
    folders = run_folders(folder)
    if len(folders) <= MOST_RUNS:
        found = tuple(map(read_run, folders))
        return found, found
    brief = {path: read_run(path, whole=False) for path in folders}
    newest = sorted(folders, key=_written_at, reverse=True)[:NEWEST_RUNS]
    best = sorted(folders, key=lambda path: -(brief[path].score("test", "f1") or 0))
    wanted = set(list(dict.fromkeys([*newest, *best]))[:MOST_RUNS])
    whole = {path: read_run(path) for path in folders if path in wanted}
    return tuple((brief | whole).values()), tuple(whole.values())


def _written_at(folder: Path) -> int:
    """When a run was begun, in nanoseconds."""
    try:
        return (folder / CONFIG).stat().st_mtime_ns
    except OSError:
        return 0


def _read_ledger(ledger: Ledger) -> Fetched:
    origin = ledger.origin()
    assert origin is not None
    seconds, peaks = array("d"), array("d")
    sources, decoders = Counter[str](), Counter[str]()

    def some() -> Iterator[ClipColumns]:
        for columns in clip_columns(ledger):
            seconds.extend(columns.seconds)
            peaks.extend(columns.peak)
            sources.update(map(kind_of_source, columns.source))
            decoders.update(columns.decoder)
            # Nobody compares sounds here.
            yield columns._replace(fingerprint=[b""] * len(columns.key))

    table = ClipTable.gathered(some(), lambda numbers: [b""] * len(numbers))
    return Fetched(
        origin=origin,
        status=read_status(ledger),
        funnel=_funnel(ledger.get("funnel")),
        tiers=tried_tiers(ledger),
        events=tuple(
            one if one.outcome == "paused" else Event(one.at, one.class_name, one.outcome, one.reason, "")
            for one in events(ledger)
        ),
        table=table,
        seconds=np.frombuffer(seconds),
        peaks=np.frombuffer(peaks),
        sources=sources,
        decoders=decoders,
        spent=read_totals(ledger.get("spent")),
    )


def kind_of_source(source: str) -> str:
    """Where a clip came from, without what is its own: `youtube webm/opus 251`, or a copy's form."""
    word, _, rest = source.partition(" ")
    if word == "youtube":
        return source
    form = _FORM.search(rest[-200:])
    return f"{word} {(form[1] or form[2]).lower()}" if form else word


def _funnel(stored: str | None) -> Mapping[str, Any] | None:
    try:
        funnel = parse_json(stored or "null")
    except ValueError:
        return None
    return funnel if isinstance(funnel, dict) and isinstance(funnel.get("classes"), dict) else None


def _without_place(error: DataMismatch, workspace: Workspace) -> str:
    """What is wrong, without where the workspace happens to lie."""
    return printable(error.what.replace(f"{workspace.root}/", "")) + ". " + error.remedy
