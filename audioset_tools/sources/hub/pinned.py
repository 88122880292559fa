"""Which commit of a mirror a workspace reads, and the files of it: found out once, and kept.

All clips of a workspace that come from a mirror come from one commit of it, however often the fetch is
stopped and whatever its owner uploads meanwhile.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ...files import parse_json, read_file, write_beside
from .address import COMMIT, HubAddress
from .client import HubFile

_NAME = "mirror.json"

_SHORTEST = 7
"""Digits of a commit by which people name it."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A commit of a data set: the revision it was asked for by, and the commit's files, by path."""

    repo: str
    revision: str | None
    commit: str
    files: tuple[HubFile, ...]

    @property
    def short(self) -> str:
        """As people write it."""
        return f"{self.repo}@{self.commit[:12]}"

    def is_meant_by(self, revision: str | None) -> bool | None:
        """Whether a revision means this commit; None where only the Hub knows.

        The one it was pinned by does, though the branch may have moved on.
        """
        if revision is None or revision == self.revision:
            return True
        if len(revision) >= _SHORTEST and self.commit.startswith(revision):
            return True
        return False if COMMIT.fullmatch(revision) else None


def folder_of(mirrors: Path, address: HubAddress) -> Path:
    """Where a mirror's index is kept, named as huggingface_hub names its cache."""
    return mirrors / f"datasets--{address.repo.replace('/', '--')}"


def kept_pin(folder: Path) -> Pinned | None:
    """What was kept; None where nothing was, or it is damaged."""
    try:
        known = parse_json(read_file(folder / _NAME))
        files = tuple(HubFile(str(one["path"]), int(one["size"]), str(one["etag"])) for one in known["files"])
        pinned = Pinned(str(known["repo"]), known["revision"], str(known["commit"]), files)
        sensible = COMMIT.fullmatch(pinned.commit) and isinstance(pinned.revision, str | None)
        return pinned if sensible else None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def keep_pin(folder: Path, pinned: Pinned) -> None:
    """Write it down."""
    with write_beside(folder / _NAME) as temporary:
        temporary.write_text(json.dumps(asdict(pinned), indent=1), encoding="utf-8")
