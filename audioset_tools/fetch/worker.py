"""One attempt at one candidate, as a worker makes it: a clip on disk, or why there is none."""

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import TypeVar

from ..audio.ffmpeg import DecodeError
from ..audio.segment import Sound, decode_segment
from ..exceptions import AudiosetToolsError, EnvironmentProblem
from ..files import remedy_of
from ..sources.pace import Stopped
from ..sources.source import Excerpt, FetchError, Source, Undecoded
from ..tasks.engine import Engine
from ..types import LASTING, SAMPLE_RATE, Candidate, Clip, KeptSource, Reason, Scope, clip_bytes
from ..workspace import Workspace
from .make import ClipTask, MadeClip, Unwritten, make_clip

Decoded = TypeVar("Decoded")

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
        by: the engine that decodes; None for this process.
    """

    workspace: Workspace
    clock: Callable[[], float]
    suspected: Callable[[Candidate], bool] = lambda candidate: False
    sample_rate: int = SAMPLE_RATE
    keeps_source: bool = False
    by: Engine | None = None

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
            return self._clip(candidate, source, keep)
        except Stopped:
            return None
        except AudiosetToolsError:
            raise
        except FetchError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the worker's boundary: nothing unknown may end the run
            failure = FetchError(Reason.UNKNOWN, "".join(traceback.format_exception(error)))
        no_ones = failure.reason in LASTING or self.suspected(candidate)
        if source.pace and failure.reason.scope is Scope.RUN and not no_ones:
            source.pace.on_refusal(failure.reason, failure.sent_at or sent_at, failure.retry_after)
        return failure

    def _clip(self, candidate: Candidate, source: Source, keep: bool) -> Clip:
        """A candidate's clip, of the first of its excerpts that can be decoded."""
        path = self.workspace.clip(candidate.class_name, candidate.key)
        try:
            made, excerpt = first_of(
                candidate, source, lambda excerpt: self._make(candidate, excerpt, path if keep else None)
            )
        except Unwritten as error:
            raise self._unwritten(path, error) from error
        root = self.by.place(self.workspace.root) if self.by else self.workspace.root
        kept = None
        if made.kept:
            kept_path, sha256 = made.kept
            kept = KeptSource(kept_path.relative_to(root).as_posix(), sha256, excerpt.begins_ms)
        return Clip(
            candidate.key, candidate.class_name, candidate.rank,
            path.relative_to(self.workspace.root).as_posix(), made.sha256, made.seconds, made.peak,
            excerpt.described(made.form), candidate.also, made.decoder, made.fingerprint, excerpt.video,
            candidate.labels, candidate.split, kept,
        )  # fmt: skip

    def _make(self, candidate: Candidate, excerpt: Excerpt, target: Path | None) -> MadeClip:
        """A clip, made here or by the engine; who reads from an address is here, with its connection."""
        kept = None
        if target and self.keeps_source:
            kept = self.workspace.kept_source(candidate.class_name, candidate.key)
        start_ms, end_ms = excerpt.span(candidate)
        task = ClipTask(
            excerpt.media,
            start_ms,
            end_ms,
            excerpt.tail_ms,
            self.sample_rate,
            self.workspace.root,
            target,
            kept,
        )
        if self.by is None or isinstance(excerpt.media.content, str):
            return make_clip(task)
        return self.by.call(make_clip, task.placed(self.by.place))

    def _unwritten(self, path: Path, error: OSError) -> EnvironmentProblem:
        """Why a clip could not be written, and what to do."""
        root, size = self.workspace.root, clip_bytes(self.sample_rate) // 1000
        what, remedy = f"{path} cannot be written: {error.strerror}", remedy_of(error)
        if error.errno in (ENOSPC, EDQUOT):
            what = f"the disk of {root} is full (a clip takes {size} kB)"
            if error.errno == ENOSPC and _lacks_inodes(root):
                what = f"the file system of {root} can hold no more files (inodes)"
        if not root.is_dir():
            what = f"the workspace {root} was moved or deleted while it was in use"
            remedy = "Put it back and run the same command again."
        return EnvironmentProblem(what, remedy)


def first_of(
    candidate: Candidate, source: Source, decode: Callable[[Excerpt], Decoded]
) -> tuple[Decoded, Excerpt]:
    """What is decoded of a candidate, and of what: the first of its excerpts that can be.

    Raises:
        FetchError: none can.
    """
    failed: list[Undecoded] = []
    excerpt = source.open(candidate)
    while True:
        try:
            return decode(excerpt), excerpt
        except DecodeError as error:
            failed.append((excerpt, error))
        excerpt = source.alternative(candidate, failed)


def decoded(candidate: Candidate, source: Source) -> tuple[Sound, Excerpt]:
    """A candidate's sound, and what it was decoded from."""
    return first_of(
        candidate,
        source,
        lambda excerpt: decode_segment(excerpt.media, *excerpt.span(candidate), excerpt.tail_ms),
    )


def _lacks_inodes(folder: Path) -> bool:
    """Whether a file system has room, and no inode to put a file into; some count none (`f_files` 0)."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    return status.f_files > 0 and status.f_favail == 0 and status.f_bavail > 0
