"""The source `kept`: what another workspace kept of its segments; clips of another rate are made of it."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..audio.ffmpeg import Media
from ..audio.kept import MOST_BYTES
from ..exceptions import UsageError
from ..files import open_file
from ..ledger import Ledger
from ..types import Candidate, Clip, KeptSource, Reason
from ..workspace import Workspace, printable
from .source import Excerpt, FetchError, Undecoded, decode_failure

PREFIX = "kept:"


def kept_workspace(name: str) -> Workspace:
    """The workspace that a `--source kept:WORKSPACE` names.

    Raises:
        UsageError: there is none.
    """
    workspace = Workspace(Path(name.removeprefix(PREFIX)).expanduser()).existing()
    workspace.require_ledger()
    return workspace


class Kept:
    """The source `kept`.

    Args:
        workspace: the other one; its ledger is read now, and nothing of it is changed.

    Raises:
        UsageError: it kept nothing.
        DataMismatch: its ledger is damaged.
    """

    name = "kept"
    pace = None
    known_alive = None

    def __init__(self, workspace: Workspace) -> None:
        self._root = workspace.root
        with Ledger(workspace.ledger, read_only=True) as ledger:
            self._clips = {clip.key: clip for _, clip in ledger.each_clip() if clip.kept}
        if not self._clips:
            raise UsageError(
                f"{printable(workspace.root)} kept no source of any clip",
                "Only clips that were fetched with --keep-source have one.",
            )

    def videos(self) -> Iterable[str]:
        """The ids of all videos that it has anything of."""
        return {key[:11] for key in self._clips}

    def holds(self, candidate: Candidate) -> bool:
        """Whether it has what a candidate's clip was decoded from."""
        return candidate.key in self._clips

    def open(self, candidate: Candidate) -> Excerpt:
        """What a candidate's clip was decoded from.

        Raises:
            FetchError: it was not kept, or is not what was kept.
        """
        clip = self._clips.get(candidate.key)
        if clip is None or clip.kept is None:
            raise FetchError(Reason.NOT_IN_SOURCE, "no source of it was kept")
        content = self._read(clip, clip.kept)
        origin = f"{self.name} {clip.source}"
        return Excerpt(Media(content), origin, begins_ms=clip.kept.begins_ms, tells_form=True)

    def alternative(self, candidate: Candidate, failed: Sequence[Undecoded]) -> Excerpt:
        """There is none.

        Raises:
            FetchError: always; what was decoded once is damaged if it cannot be now.
        """
        excerpt, error = failed[-1]
        raise FetchError(
            Reason.DAMAGED_FILE, decode_failure(excerpt, error, candidate.end_ms).detail
        ) from error

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, clip: Clip, kept: KeptSource) -> bytes:
        # Where it lies follows from the clip; of the record no more than the suffix is believed.
        wanted = Workspace(self._root).kept_source(clip.class_name, clip.key)
        path = wanted.with_name(wanted.name + Path(kept.path).suffix)
        try:
            with open_file(path) as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            detail = f"{printable(path)} cannot be read: {error.strerror}"
            raise FetchError(Reason.DAMAGED_FILE, detail) from error
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            raise FetchError(Reason.DAMAGED_FILE, f"{printable(path)} has changed since it was written")
        return content
