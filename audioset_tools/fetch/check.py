"""Whether the clips that the ledger speaks of are still on disk as they were written."""

import hashlib
from collections.abc import Iterator

from ..ledger import Ledger
from ..types import Clip
from ..workspace import Workspace


def restore_lost(ledger: Ledger, workspace: Workspace, at: float) -> Iterator[str]:
    """Put clips whose file is missing or changed back in the queue; says for each what is wrong with it.

    The caller holds the workspace's lock: half-written files of a killed process are removed.
    """
    for leftover in (workspace.root / "clips").rglob(".Y*.part"):
        leftover.unlink()
    for candidate, clip in ledger.clips():
        if wrong := _wrong(clip, workspace):
            ledger.lose(candidate, wrong, at)
            yield wrong


def _wrong(clip: Clip, workspace: Workspace) -> str | None:
    try:
        with (workspace.root / clip.path).open("rb") as handle:
            same = hashlib.file_digest(handle, "sha256").hexdigest() == clip.sha256
    except FileNotFoundError:
        return f"{clip.path} is missing"
    except OSError as error:
        return f"{clip.path} cannot be read: {error.strerror}"
    return None if same else f"{clip.path} has changed since it was written"
