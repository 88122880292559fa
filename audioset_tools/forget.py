"""Takes videos out of a workspace for good, as a take-down asks for.

The ledger is told first, in a way that not even a power cut undoes: nobody fetches the video any more, and
its files are to be erased. Then they are, in whatever state a kill left them, and only then is that noted.
So a forgetting that was interrupted is completed by the next one, by the next fetch, or the next featurize.
"""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import takeout, upkeep
from .errors import UsageError
from .ledger import Ledger
from .report.errors.store import ANSWERS
from .types import YTID
from .workspace import Workspace, sync_folder, write_beside

_OF_CLIP = re.compile(r"\.?Y(.{11})_")
_OF_MEDIA = re.compile(r"\.?(.{11})_\d+-[0-9a-f]{10}\.(mp3|jpg)")
_OF_ANSWER = re.compile(rb"\"key\": \"(.{11})_")


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


def forget(ledger: Ledger, workspace: Workspace, ytids: Collection[str], at: float) -> Erased:
    """Erase videos from a workspace and never fetch them again; doing it again changes nothing.

    The caller holds the workspace's lock.

    Args:
        ledger: the workspace's.
        workspace: where to erase.
        ytids: the videos.
        at: seconds since the epoch, for the record.

    Raises:
        UsageError: one of them is no video's id, or no candidate here; then nothing is changed.
    """
    if odd := [ytid for ytid in ytids if not YTID.fullmatch(ytid)]:
        raise UsageError(
            f"{odd[0]!r} is no video's id", "Give the 11 characters behind v= in the video's address."
        )
    known = {candidate.ytid for candidate in upkeep.candidates_of(ledger, ytids)}
    if unknown := [ytid for ytid in ytids if ytid not in known]:
        raise UsageError(
            f"{', '.join(unknown)}: no candidate of {workspace.root}",
            "Nothing was changed. `audioset-tools select --explain YTID` says why a clip is in or out.",
        )
    upkeep.forget(ledger, ytids, at)
    return finish_forgetting(ledger, workspace)


def finish_forgetting(ledger: Ledger, workspace: Workspace) -> Erased:
    """Erase what a forgetting that was interrupted left, or what a backup brought back."""
    ytids = upkeep.being_forgotten(ledger)
    if not ytids and (forgotten := upkeep.forgotten(ledger)):
        ytids = forgotten if any(_holds_clip(workspace, forgotten)) else ytids
    if not ytids:
        return Erased()
    erased = Erased(
        clips=tuple(_relative(workspace, _erase_clips(workspace, ytids))),
        pages=tuple(_relative(workspace, _erase_pages(workspace, ytids))),
        shards=tuple(_relative(workspace, takeout.remove_shards(workspace, lambda key: key[:11] in ytids))),
        rows=(*_erase_rows(workspace, ytids), *_erase_answers(workspace, ytids)),
        weights=tuple(_relative(workspace, sorted(workspace.runs.glob("*/model.safetensors")))),
    )
    upkeep.erased(ledger)
    return erased


def _holds_clip(workspace: Workspace, ytids: Collection[str]) -> Iterator[bool]:
    for top in (workspace.clips, workspace.set_aside):
        for _, _, names in os.walk(top):
            yield any((found := _OF_CLIP.match(name)) and found[1] in ytids for name in names)


def _erase_clips(workspace: Workspace, ytids: Collection[str]) -> Iterator[Path]:
    for top in (workspace.clips, workspace.set_aside):
        for folder, _, names in os.walk(top):
            mine = [name for name in names if (found := _OF_CLIP.match(name)) and found[1] in ytids]
            for name in mine:
                (Path(folder) / name).unlink()
                yield Path(folder) / name
            if mine:
                sync_folder(Path(folder))


def _erase_pages(workspace: Workspace, ytids: Collection[str]) -> Iterator[Path]:
    """Remove sounds and pictures of these videos from reports, and the pages that name them."""
    wanted = [ytid.encode() for ytid in ytids]
    for top in (workspace.report, *sorted(workspace.runs.glob("*/errors"))):
        for path in sorted(path for path in top.rglob("*") if path.is_file()):
            media = _OF_MEDIA.match(path.name)
            named = path.suffix == ".html" and any(ytid in path.read_bytes() for ytid in wanted)
            if named or (media and media[1] in ytids):
                path.unlink()
                sync_folder(path.parent)
                yield path


def _erase_rows(workspace: Workspace, ytids: Collection[str]) -> Iterator[tuple[str, int]]:
    for path in (workspace.dataset, *sorted(workspace.runs.rglob("predictions.csv"))):
        if n := takeout.remove_rows(path, lambda key: key[:11] in ytids):
            yield path.relative_to(workspace.root).as_posix(), n


def _erase_answers(workspace: Workspace, ytids: Collection[str]) -> Iterator[tuple[str, int]]:
    """Drop what people said in an error analysis about clips of these videos."""
    wanted = {ytid.encode() for ytid in ytids}
    for path in sorted(workspace.runs.glob(f"*/{ANSWERS}")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not wanted & set(_OF_ANSWER.findall(line))]
        if len(kept) < len(lines):
            with write_beside(path) as temporary:
                temporary.write_bytes(b"".join(kept))
            yield path.relative_to(workspace.root).as_posix(), len(lines) - len(kept)


def _relative(workspace: Workspace, paths: Iterator[Path] | list[Path]) -> Iterator[str]:
    return (path.relative_to(workspace.root).as_posix() for path in paths)
