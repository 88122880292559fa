"""One attempt at one candidate, as a worker makes it: a clip on disk, or why there is none."""

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path

from ..audio.clip import write_clip
from ..audio.ffmpeg import DecodeError
from ..audio.fingerprint import fingerprint
from ..audio.kept import keep_source
from ..audio.segment import Sound, decode_segment
from ..exceptions import AudiosetToolsError, EnvironmentProblem
from ..files import remedy_of
from ..sources.pace import Stopped
from ..sources.source import Excerpt, FetchError, Source, Undecoded
from ..types import LASTING, SAMPLE_RATE, Candidate, Clip, KeptSource, Reason, Scope, clip_bytes
from ..workspace import Workspace

Outcome = Clip | FetchError | None
"""A clip, or why there is none; None if the run was stopped meanwhile."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What an attempt needs; used by several threads at once.

    Args:
        workspace: where the clips go.
        clock: seconds since the epoch.
        suspected: whether a refusal of a candidate would be its own, and say nothing of the pace.
        sample_rate: of the clips, in hertz.
        keeps_source: whether what a clip was decoded from is kept beside it.
    """

    workspace: Workspace
    clock: Callable[[], float]
    suspected: Callable[[Candidate], bool] = lambda candidate: False
    sample_rate: int = SAMPLE_RATE
    keeps_source: bool = False

    def attempt(self, candidate: Candidate, source: Source, keep: bool = True) -> Outcome:
        """Try a candidate; a refusal is told to the source's pace at once: the others send nothing more.

        Args:
            source: where its audio is to come from.
            keep: whether to write the clip; without it the attempt only tells whether there could be one.

        Raises:
            EnvironmentProblem: the machine is at fault: the disk is full, there is no ffmpeg.
        """
        sent_at = self.clock()
        try:
            sound, excerpt = decoded(candidate, source, self.sample_rate)
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
        no_ones = failure.reason in LASTING or self.suspected(candidate)
        if source.pace and failure.reason.scope is Scope.RUN and not no_ones:
            source.pace.on_refusal(failure.reason, failure.sent_at or sent_at, failure.retry_after)
        return failure

    def _clip(self, candidate: Candidate, excerpt: Excerpt, sound: Sound, keep: bool) -> Clip:
        path = self.workspace.clip(candidate.class_name, candidate.key)
        name = path.relative_to(self.workspace.root).as_posix()
        try:
            # Writing would make a folder that was taken away again, without its ledger.
            self.workspace.root.stat()
            kept = self._keep_source(candidate, excerpt) if keep and self.keeps_source else None
            sha256 = write_clip(sound.samples, path, self.sample_rate) if keep else ""
        except OSError as error:
            what, size = f"{path} cannot be written: {error.strerror}", clip_bytes(self.sample_rate) // 1000
            if error.errno in (ENOSPC, EDQUOT):
                what = f"the disk of {self.workspace.root} is full (a clip takes {size} kB)"
                if error.errno == ENOSPC and _lacks_inodes(self.workspace.root):
                    what = f"the file system of {self.workspace.root} can hold no more files (inodes)"
            remedy = remedy_of(error)
            if not self.workspace.root.is_dir():
                what = f"the workspace {self.workspace.root} was moved or deleted while it was in use"
                remedy = "Put it back and run the same command again."
            raise EnvironmentProblem(what, remedy) from error
        known_by = fingerprint(sound.samples) if keep else b""
        return Clip(
            candidate.key, candidate.class_name, candidate.rank, name, sha256, sound.seconds, sound.peak,
            excerpt.described(sound.form), candidate.also, sound.decoder, known_by, excerpt.video,
            candidate.labels, candidate.split, kept,
        )  # fmt: skip

    def _keep_source(self, candidate: Candidate, excerpt: Excerpt) -> KeptSource | None:
        found = keep_source(excerpt.media, self.workspace.kept_source(candidate.class_name, candidate.key))
        if found is None:
            return None
        path, sha256 = found
        return KeptSource(path.relative_to(self.workspace.root).as_posix(), sha256, excerpt.begins_ms)


def decoded(candidate: Candidate, source: Source, rate: int = SAMPLE_RATE) -> tuple[Sound, Excerpt]:
    """A candidate's sound, and what it was decoded from: the first of its excerpts that can be."""
    failed: list[Undecoded] = []
    excerpt = source.open(candidate)
    while True:
        start_ms, end_ms = excerpt.span(candidate)
        try:
            return decode_segment(excerpt.media, start_ms, end_ms, excerpt.tail_ms, rate), excerpt
        except DecodeError as error:
            failed.append((excerpt, error))
        excerpt = source.alternative(candidate, failed)


def _lacks_inodes(folder: Path) -> bool:
    """Whether a file system has room, and no inode to put a file into; some count none (`f_files` 0)."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    return status.f_files > 0 and status.f_favail == 0 and status.f_bavail > 0
