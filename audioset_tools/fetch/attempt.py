"""One attempt at one candidate, as a worker makes it: a clip on disk, or why there is none."""

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path

from ..errors import AudiosetToolsError, EnvironmentProblem
from ..types import LASTING, Candidate, Clip, Reason, Scope
from ..workspace import Workspace
from .pace import Pace, Stopped
from .source import Excerpt, FetchError, Source
from .transcode import Sound, decode, write_clip

Outcome = Clip | FetchError | None
"""A clip, or why there is none; None if the run was stopped meanwhile."""


_DECODERS = {Reason.DECODE, Reason.SILENT, Reason.NO_AUDIO, Reason.UNKNOWN}
"""What the decoder says of bytes that came; the rest is told of bytes that did not."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What an attempt needs; used by several threads at once.

    Args:
        source: where the audio comes from.
        workspace: where the clips go.
        pace: told of a refusal at once, so that the other workers send nothing more.
        clock: seconds since the epoch.
        suspected: whether a refusal of a candidate would be its own, and say nothing of the pace.
    """

    source: Source
    workspace: Workspace
    pace: Pace
    clock: Callable[[], float]
    suspected: Callable[[Candidate], bool] = lambda candidate: False

    def attempt(self, candidate: Candidate, keep: bool = True) -> Outcome:
        """Try a candidate.

        Args:
            candidate: who.
            keep: whether to write the clip; without it the attempt only tells whether it could be had.

        Raises:
            EnvironmentProblem: the machine is at fault: the disk is full, there is no ffmpeg.
        """
        sent_at = self.clock()
        try:
            sound, excerpt = self._hear(candidate)
        except Stopped:
            return None
        except AudiosetToolsError:
            raise
        except FetchError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the worker's boundary: nothing unknown may end the run
            failure = FetchError(Reason.UNKNOWN, "".join(traceback.format_exception(error)))
        else:
            return self._clip(candidate, excerpt, sound, keep)
        unheard = failure.reason in LASTING or self.suspected(candidate)
        if failure.reason.scope is Scope.RUN and not unheard:
            self.pace.refused(failure.reason, failure.sent_at or sent_at, failure.retry_after)
        return failure

    def _hear(self, candidate: Candidate) -> tuple[Sound, Excerpt]:
        """A candidate's sound, and what it was decoded from: the first of its excerpts that can be."""
        excerpt = self.source.open(candidate)
        while True:
            try:
                return decode(excerpt, candidate.start_ms, candidate.end_ms), excerpt
            except FetchError as error:
                error.step = error.step or ("decoding" if error.reason in _DECODERS else "stream")
                if excerpt.instead is None:
                    raise
                excerpt = excerpt.instead(error)

    def _clip(self, candidate: Candidate, excerpt: Excerpt, sound: Sound, keep: bool) -> Clip:
        path = self.workspace.clip(candidate.class_name, candidate.key)
        name = path.relative_to(self.workspace.root).as_posix()
        try:
            # Writing would make a folder that was taken away anew, without its ledger.
            self.workspace.root.stat()
            sha256 = write_clip(sound, path) if keep else ""
        except OSError as error:
            what = f"{path} cannot be written: {error.strerror}"
            if error.errno in (ENOSPC, EDQUOT):
                what = f"the disk of {self.workspace.root} is full (a clip takes 320 kB)"
                if error.errno == ENOSPC and _lacks_inodes(self.workspace.root):
                    what = f"the file system of {self.workspace.root} can hold no more files (inodes)"
            remedy = "See to the disk and run the same command again; nothing is lost."
            if not self.workspace.root.is_dir():
                what = f"the workspace {self.workspace.root} was moved or deleted while it was in use"
                remedy = "Put it back and run the same command again."
            raise EnvironmentProblem(what, remedy) from error
        return Clip(
            candidate.key, candidate.class_name, candidate.rank, name, sha256, sound.seconds, sound.peak,
            excerpt.origin, candidate.also,
        )  # fmt: skip


def _lacks_inodes(folder: Path) -> bool:
    """Whether a file system has room, and no inode to put a file into; some count none (`f_files` 0)."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    return status.f_files > 0 and status.f_favail == 0 and status.f_bavail > 0
