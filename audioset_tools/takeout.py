"""What leaves a workspace together with a clip: the shards that hold its mel, its rows in tables.

Both are done again without harm, so that whoever takes clips out can be killed at any instant and go on.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import DataMismatch
from .featurize.index import NAME as INDEX
from .workspace import Workspace, sync_folder, write_beside

Mine = Callable[[str], bool]
"""Whether a clip of this key is to leave."""

_OF_ROW = re.compile(rb"\"?(.{11}_[0-9]*)")


def remove_shards(workspace: Workspace, mine: Mine) -> Iterator[Path]:
    """Remove shards that hold such a clip, or cannot be read; featurize makes them anew."""
    for folder in sorted(path for path in workspace.shards.glob("*") if path.is_dir()):
        held = [path for path in sorted(folder.glob("*.h5")) if _holds(path, mine)]
        half_written = sorted(folder.glob(".*.part"))
        if held:
            # Without its index a folder is unfinished: nobody trains on what is left.
            (folder / INDEX).unlink(missing_ok=True)
        for path in (*held, *half_written):
            path.unlink()
        if held or half_written:
            sync_folder(folder)
        yield from held


def _holds(path: Path, mine: Mine) -> bool:
    # Imported here: HDF5 takes long to load, and a fetch that takes nothing out needs none.
    from .featurize.shard import open_shard

    try:
        keys = open_shard(path).key
    except DataMismatch:
        return True
    return any(mine(key.decode("ascii", "replace")) for key in keys)


def remove_rows(table: Path, mine: Mine) -> int:
    """Drop rows that begin with the key of such a clip, whatever else is in the table; says how many."""
    lines = _lines(table)
    kept = [line for line in lines if not _is_mine(line, mine)]
    if len(kept) < len(lines):
        with write_beside(table) as temporary:
            temporary.write_bytes(b"".join(kept))
    return len(lines) - len(kept)


def names(table: Path, mine: Mine) -> bool:
    """Whether a row of a table begins with the key of such a clip."""
    return any(_is_mine(line, mine) for line in _lines(table))


def _lines(table: Path) -> list[bytes]:
    return table.read_bytes().splitlines(keepends=True) if table.is_file() else []


def _is_mine(line: bytes, mine: Mine) -> bool:
    found = _OF_ROW.match(line)
    return found is not None and mine(found[1].decode("ascii", "replace"))
