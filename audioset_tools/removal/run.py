"""Takes clips out of a workspace: forgotten videos for good, as a take-down asks for, others by a list.

Both change the ledger first, in a way that not even a power cut undoes: no fetch asks for these candidates
again, and the next ones take their places. What follows on disk is derived from the ledger and from what is
there, and doing it again changes nothing. So what a kill
interrupted, or a backup brought back, the next command that writes completes.

Forgetting erases files, pages, shards and rows, and last notes that nothing is left. Excluding moves files
to `set-aside/`, then removes shards, and last the rows of `dataset.csv`, which say that shards may hold these
clips.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time

from ..csvfile import MOST_BYTES
from ..exceptions import DataMismatch, UsageError
from ..files import read_file, sync_folder, write_beside
from ..ledger import Ledger, changes
from ..shards.index import NAME as INDEX
from ..shards.index import shard_files
from ..types import ID_FORMS, parse_id
from ..words import counted
from ..workspace import ANSWERS, Workspace
from .exclusions import Exclusion

_OF_CLIP = re.compile(r"\.?Y(.{11})_")
_OF_MEDIA = re.compile(r"\.?(.{11})_\d+-[0-9a-f]{10}\.(flac|jpg)")
_OF_ANSWER = re.compile(rb"\"key\": \"(.{11})_")
_OF_ROW = re.compile(rb"\"?(.{11}_[0-9]*)")

Leaves = Callable[[str], bool]
"""Whether the clip of this key is to leave."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, as paths below the workspace.

    Args:
        clips: files of clips, half-written ones and those set aside included.
        pages: of reports, with their sounds and pictures of these clips.
        shards: shards that held one of them.
        rows: per table, how many rows.
        weights: of runs trained here; what they learned cannot be erased.
    """

    clips: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    shards: tuple[str, ...] = ()
    rows: tuple[tuple[str, int], ...] = ()
    weights: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there was something to erase."""
        return bool(self.clips or self.pages or self.shards or self.rows)


@dataclass(frozen=True, slots=True)
class Excluded:
    """What an exclusion list changed; paths are below the workspace.

    Args:
        candidates: how many are out because of it that were not before, or for another reason.
        unknown: its keys that are in no queue.
        set_aside: where the files of clips that were there lie now.
        shards: that held one of them and were removed.
    """

    candidates: int
    unknown: tuple[str, ...]
    set_aside: tuple[str, ...]
    shards: tuple[str, ...]


def forget(workspace: Workspace, ids: Collection[str], *, dry_run: bool = False) -> Erased:
    """Erase videos from a workspace and never fetch them again; doing it again changes nothing.

        forget(Workspace("audioset"), ["abcdefghijA"]).clips        # paths of the files erased

    Args:
        workspace: no other process may be writing to it meanwhile.
        ids: of the videos, in any form; every segment of theirs goes.
        dry_run: whether to say what would be erased, and to change nothing.

    Raises:
        UsageError: there is no such workspace, or one of them is no id, or no candidate here; then nothing is
            changed.
        DataMismatch: it has no ledger, or a damaged one.
        EnvironmentProblem: another process is working in it.
    """
    workspace.require_ledger()
    ytids = videos_of(ids)
    if dry_run:
        with Ledger(workspace.ledger, read_only=True) as ledger:
            _refuse_unknown(ledger, workspace, ytids)
            return _remove_all(workspace, ytids | changes.being_forgotten(ledger), really=False)
    with workspace.lock(), Ledger(workspace.ledger) as ledger:
        return erase(ledger, workspace, ytids, time())


def videos_of(ids: Iterable[str]) -> frozenset[str]:
    """The videos that some ids mean.

    Raises:
        UsageError: one of them is no id.
    """
    meant = {text: parse_id(text) for text in ids}
    if odd := [text for text, found in meant.items() if found is None]:
        raise UsageError(f"{odd[0][:60]!r} is neither a video's id nor a clip's key", f"Give {ID_FORMS}.")
    return frozenset(found.ytid for found in meant.values() if found)


def _refuse_unknown(ledger: Ledger, workspace: Workspace, ytids: Collection[str]) -> None:
    known = {candidate.ytid for candidate in changes.candidates_of(ledger, ytids)}
    if unknown := sorted({*ytids} - known):
        raise UsageError(
            f"{', '.join(unknown)}: no candidate of {workspace.root}",
            "Nothing was changed. `audioset-tools select --explain ID` says why a clip is in or out.",
        )


def erase(ledger: Ledger, workspace: Workspace, ytids: Collection[str], at: float) -> Erased:
    """The same with an open ledger. The caller holds the workspace's lock.

    Args:
        ledger: the workspace's, open for writing.
        workspace: where files, shards and rows are erased.
        ytids: the videos, with every segment of theirs.
        at: seconds since the epoch, for the record.

    Raises:
        UsageError: one of them is no candidate here; then nothing is changed.
    """
    _refuse_unknown(ledger, workspace, ytids)
    changes.forget(ledger, ytids, at)
    return _erase_forgotten(ledger, workspace)


def exclude(ledger: Ledger, workspace: Workspace, listed: Iterable[Exclusion], at: float) -> Excluded:
    """Put what is listed out of the queues and out of the data set; doing it again changes nothing.

    The caller holds the workspace's lock.

    Args:
        ledger: the workspace's, open for writing.
        workspace: where to look for files.
        listed: which clips, and why; those that are in no queue are counted and nothing else.
        at: seconds since the epoch, for the record.
    """
    why = {exclusion.key: exclusion.detail for exclusion in listed}
    videos = {key[:11] for key in why}
    # What is said of a clip itself counts before what is said of its video.
    known = {
        candidate: why[name]
        for candidate in changes.candidates_of(ledger, videos)
        for name in (candidate.ytid, candidate.key)
        if name in why
    }
    n = changes.exclude(ledger, known.items(), at)
    set_aside, shards = _set_excluded_aside(ledger, workspace)
    unknown = why.keys() - {name for candidate in known for name in (candidate.ytid, candidate.key)}
    return Excluded(n, tuple(sorted(unknown)), set_aside, shards)


def complete(ledger: Ledger, workspace: Workspace) -> None:
    """Complete what a killed `forget` or `exclude` left, and repeat it on what a backup brought back.

    Every command that adds to a workspace calls this first, holding its lock.
    """
    _erase_forgotten(ledger, workspace)
    _set_excluded_aside(ledger, workspace)


def refuse_incomplete(ledger: Ledger, workspace: Workspace) -> None:
    """See that nothing is left to complete, for a command that may change nothing.

    Raises:
        DataMismatch: a `forget` or `exclude` was killed, or a backup brought something back.
    """
    out = (workspace.clip(candidate.class_name, candidate.key) for candidate in changes.excluded(ledger))
    if changes.being_forgotten(ledger) or any(path.exists() for path in out):
        raise DataMismatch(
            f"a removal from {workspace.root} was interrupted",
            "Run `audioset-tools featurize` (without --part), which completes it; then this again.",
        )


def excluded_line(done: Excluded) -> str:
    """What a list changed, in words."""
    parts = [f"{counted(done.candidates, 'candidate is', 'candidates are')} newly excluded"]
    if done.set_aside:
        parts.append(f"{counted(len(done.set_aside), 'clip lies', 'clips lie')} in set-aside/ now")
    if done.shards:
        parts.append(
            f"{counted(len(done.shards), 'shard is', 'shards are')} gone, for featurize to make again"
        )
    if done.unknown:
        parts.append(f"{counted(len(done.unknown), 'key is', 'keys are')} in no queue")
    return "; ".join(parts)


def _erase_forgotten(ledger: Ledger, workspace: Workspace) -> Erased:
    ytids = changes.being_forgotten(ledger)
    if not ytids and (forgotten := changes.forgotten(ledger)) and _holds_clip(workspace, forgotten):
        # A backup brought files back.
        ytids = forgotten
    if not ytids:
        return Erased()

    erased = _remove_all(workspace, ytids, really=True)
    changes.erased(ledger)
    return erased


def _remove_all(workspace: Workspace, ytids: Collection[str], really: bool) -> Erased:
    """Erase all that is there of some videos, or only find it."""

    def leaves(key: str) -> bool:
        return key[:11] in ytids

    return Erased(
        clips=tuple(_relative(workspace, _erase_clips(workspace, ytids, really))),
        pages=tuple(_relative(workspace, _erase_pages(workspace, ytids, really))),
        shards=tuple(_relative(workspace, _remove_shards(workspace, leaves, really))),
        rows=(*_erase_rows(workspace, leaves, really), *_erase_answers(workspace, ytids, really)),
        weights=tuple(_relative(workspace, sorted(workspace.runs.glob("*/model.safetensors")))),
    )


def _set_excluded_aside(ledger: Ledger, workspace: Workspace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where files lie now that were set aside, and the shards removed, both below the workspace."""
    out = changes.excluded(ledger)
    paths = [workspace.clip(candidate.class_name, candidate.key) for candidate in out]
    keys = {candidate.key for candidate in out}
    paths += (path for path in _kept_sources(workspace) if path.name[1:].partition(".")[0] in keys)
    moved = tuple(workspace.put_aside(path) for path in paths if path.exists())
    shards: tuple[str, ...] = ()
    tables = workspace.datasets()
    if any(_is_of(line, keys.__contains__) for table in tables for line in _lines(table)):
        shards = tuple(_relative(workspace, _remove_shards(workspace, keys.__contains__)))
        for table in tables:
            _remove_rows(table, keys.__contains__)
    return moved, shards


def _kept_sources(workspace: Workspace) -> list[Path]:
    """The files that clips were decoded from."""
    return sorted(workspace.sources.glob("*/Y*.*"))


def _relative(workspace: Workspace, paths: Iterable[Path]) -> Iterator[str]:
    return (path.relative_to(workspace.root).as_posix() for path in paths)


def _of_clips(workspace: Workspace, ytids: Collection[str]) -> Iterator[tuple[Path, list[str]]]:
    """Each folder with files of clips of these videos, and the files' names."""
    for top in (workspace.clips, workspace.sources, workspace.set_aside):
        for folder, _, names in os.walk(top):
            if mine := [name for name in names if (found := _OF_CLIP.match(name)) and found[1] in ytids]:
                yield Path(folder), mine


def _holds_clip(workspace: Workspace, ytids: Collection[str]) -> bool:
    return any(True for _ in _of_clips(workspace, ytids))


def _erase_clips(workspace: Workspace, ytids: Collection[str], really: bool) -> Iterator[Path]:
    for folder, names in _of_clips(workspace, ytids):
        for name in names:
            if really:
                (folder / name).unlink()
            yield folder / name
        if really:
            sync_folder(folder)


def _erase_pages(workspace: Workspace, ytids: Collection[str], really: bool) -> Iterator[Path]:
    """Remove sounds and pictures of these videos from reports, and the pages that name them."""
    wanted = [ytid.encode() for ytid in ytids]
    for top in (workspace.report, *(folder / "errors" for folder in _judged(workspace))):
        for path in sorted(path for path in top.rglob("*") if path.is_file()):
            media = _OF_MEDIA.match(path.name)
            named = path.suffix == ".html" and _names_any(path, wanted)
            if named or (media and media[1] in ytids):
                if really:
                    path.unlink()
                    sync_folder(path.parent)
                yield path


def _judged(workspace: Workspace) -> list[Path]:
    """The folders that answers and pages about mistakes may lie in."""
    return [*sorted(path for path in workspace.runs.glob("*") if path.is_dir()), workspace.audit]


def _names_any(page: Path, wanted: Collection[bytes]) -> bool:
    content = read_file(page, MOST_BYTES)
    return any(ytid in content for ytid in wanted)


def _erase_rows(workspace: Workspace, leaves: Leaves, really: bool) -> Iterator[tuple[str, int]]:
    predicted = sorted(workspace.runs.rglob("predictions.csv"))
    for path in (*workspace.datasets(), *predicted, workspace.audit / "audit.csv"):
        if n := _remove_rows(path, leaves, really):
            yield path.relative_to(workspace.root).as_posix(), n


def _erase_answers(workspace: Workspace, ytids: Collection[str], really: bool) -> Iterator[tuple[str, int]]:
    """Drop what annotators answered about clips of these videos."""
    wanted = {ytid.encode() for ytid in ytids}
    for path in (folder / ANSWERS for folder in _judged(workspace)):
        if n := _keep_lines(path, lambda line: not wanted & set(_OF_ANSWER.findall(line)), really):
            yield path.relative_to(workspace.root).as_posix(), n


def _remove_shards(workspace: Workspace, leaves: Leaves, really: bool = True) -> Iterator[Path]:
    """Remove shards that hold such a clip, or cannot be read; featurize makes them again."""
    for folder in sorted(path for path in workspace.shards.glob("*") if path.is_dir()):
        held = [path for path in shard_files(folder) if _holds(path, leaves)]
        if not really:
            yield from held
            continue
        half_written = shard_files(folder, ".*.part")
        if held:
            # Without its index a folder is unfinished: no training uses what is left.
            (folder / INDEX).unlink(missing_ok=True)
        for path in (*held, *half_written):
            path.unlink()
        for place in {folder, *(path.parent for path in (*held, *half_written))}:
            sync_folder(place)
        yield from held


def _holds(path: Path, leaves: Leaves) -> bool:
    # Imported here: HDF5 takes long to load, and a fetch that takes nothing out needs none.
    from ..shards.shard import open_shard

    try:
        keys = open_shard(path).key
    except DataMismatch:
        return True
    return any(leaves(key.decode("ascii", "replace")) for key in keys)


def _remove_rows(table: Path, leaves: Leaves, really: bool = True) -> int:
    """Drop rows that begin with the key of such a clip, whatever else is in the table; returns how many."""
    return _keep_lines(table, lambda line: not _is_of(line, leaves), really)


def _is_of(line: bytes, leaves: Leaves) -> bool:
    found = _OF_ROW.match(line)
    return found is not None and leaves(found[1].decode("ascii", "replace"))


def _keep_lines(path: Path, keeps: Callable[[bytes], bool], really: bool) -> int:
    """Drop the other lines of a file, or only count them; returns how many."""
    lines = _lines(path)
    kept = [line for line in lines if keeps(line)]
    if really and len(kept) < len(lines):
        with write_beside(path) as temporary:
            temporary.write_bytes(b"".join(kept))
    return len(lines) - len(kept)


def _lines(path: Path) -> list[bytes]:
    return read_file(path, MOST_BYTES).splitlines(keepends=True) if path.is_file() else []
