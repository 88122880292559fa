"""Copies of videos, whole or cut, whose names say what they are: how the best one of a segment is read.

A copy that is named after a video alone may be the whole video or only the segment, and its length tells
which: a header may lie about that, so the copy is decoded as the segment first, and the decoder says if it
goes on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..archives.names import FileName, Match, lengths_ms, match
from ..audio.ffmpeg import DecodeFault, Media, length_s
from ..audio.segment import TAIL_MS, TOLERANCE_MS, ends_at
from ..exceptions import EnvironmentProblem
from ..files import open_file, remedy_of
from ..types import Candidate, Reason, Scope
from ..workspace import printable
from .source import Excerpt, FetchError, Undecoded, decode_failure


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that may hold a segment: on the disk, in an archive, at a mirror.

    Args:
        name: what its name says.
        source: the name of the source that has it.
        where: where it lies, for the record and in errors; no two copies of a video lie at the same place.
        get: gives it to be decoded; raises `FetchError` if it is no good, or cannot be had.
    """

    name: FileName
    source: str
    where: str
    get: Callable[[], Media]

    @property
    def origin(self) -> str:
        return f"{self.source} {self.where}"


def best_excerpt(copies: Sequence[Copy], candidate: Candidate, failed: Sequence[Undecoded]) -> Excerpt:
    """What is to be decoded next of the copies of a video: the best that is not known to be no good.

    The one whose name says most of the segment comes first, then the first in order.

    Args:
        copies: of the candidate's video, in the order in which they count.
        candidate: the segment that is looked for.
        failed: what was tried so far, in its order.

    Raises:
        FetchError: there is none; one that may be read another time outweighs those that are no good.
        EnvironmentProblem: the disk does not give a file.
    """
    fits = [
        (how, copy)
        for copy in copies
        if (how := match(copy.name, candidate.start_ms, candidate.end_ms)) is not None
    ]
    if not fits:
        detail = "no file is named after the video"
        if copies:
            detail = f"of the video there is only {copies[0].where}, which begins elsewhere"
        raise FetchError(Reason.NOT_IN_SOURCE, detail)
    verdicts = []
    for how, copy in sorted(fits, key=lambda fit: fit[0]):
        tried = [(excerpt, error) for excerpt, error in failed if excerpt.origin == copy.origin]
        try:
            reading = _Reading.of(copy, how, candidate, tried[0][0].media if tried else copy.get())
            failures = [
                (error.fault, decode_failure(excerpt, error, candidate.end_ms)) for excerpt, error in tried
            ]
            return reading.next(failures)
        except FetchError as error:
            if error.reason.scope is Scope.RUN:
                raise
            verdicts.append(error)
    raise min(verdicts, key=lambda verdict: verdict.reason.scope is Scope.FINAL)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A copy that may hold the segment: how it is read, how it fits, and how long its name says it is."""

    where: str
    excerpt: Excerpt
    how: Match
    lengths_ms: frozenset[int]

    @classmethod
    def of(cls, copy: Copy, how: Match, candidate: Candidate, media: Media) -> "_Reading":
        """The first reading of a copy: as the segment."""
        start_ms = candidate.start_ms
        segment = candidate.end_ms - start_ms
        lengths = frozenset() if how is Match.VIDEO else frozenset(lengths_ms(copy.name, start_ms) or ())
        excerpt = Excerpt(
            media=media,
            origin=copy.origin,
            begins_ms=start_ms,
            # A whole video and its first seconds begin at the same place: there is nothing to tell apart.
            tail_ms={Match.SEGMENT: TAIL_MS, Match.VIDEO: TOLERANCE_MS if start_ms else None}.get(how),
        )
        return cls(copy.where, excerpt, how, frozenset({segment}) if how is Match.SEGMENT else lengths)

    def next(self, failures: list[tuple[DecodeFault, FetchError]]) -> Excerpt:
        """What is to be read of it.

        It is read as the segment first. If it is not the segment, or is not as it should be, it may be the
        whole video, or timed as that is.

        Args:
            failures: of its readings so far, none to two.

        Raises:
            FetchError: nothing more: what is the matter with it.
        """
        if not failures:
            # It begins with the segment and ends elsewhere: if it does not end there, its name is wrong.
            checked = self.lengths_ms if self.how is Match.START else ()
            if checked and not any(ends_at(self.excerpt.media, length) for length in checked):
                raise self._wrong_length()
            return self.excerpt
        (fault, first), *others = failures
        if fault is DecodeFault.LONG and self.how is not Match.VIDEO:
            raise self._wrong_length()
        if fault is not DecodeFault.LONG and not self._may_be_whole(fault, first):
            raise self._verdict(self.excerpt, first)
        whole = replace(self.excerpt, begins_ms=0, tail_ms=TAIL_MS if self.how is Match.SEGMENT else None)
        if not others:
            return whole
        # A flaw in its first seconds says nothing of a later segment, if there is one so late.
        (second_fault, second), *_ = others
        none_so_late = second.reason is Reason.TRUNCATED or second_fault is DecodeFault.LONG
        if none_so_late and fault is not DecodeFault.LONG:
            raise self._verdict(self.excerpt, first)
        raise self._verdict(whole, second)

    def _may_be_whole(self, fault: DecodeFault, error: FetchError) -> bool:
        """Whether a copy that was no good as the segment alone may be the whole video, or timed as it is."""
        if self.excerpt.begins_ms <= 2 * TOLERANCE_MS:
            return False
        if fault is DecodeFault.LATE:
            return True
        passing = error.reason in (Reason.TIMEOUT, Reason.UNKNOWN, Reason.TRUNCATED)
        return self.how is Match.VIDEO and not passing

    def _wrong_length(self) -> FetchError:
        stated = length_s(self.excerpt.media)
        named = " or ".join(f"{length / 1000:g}" for length in sorted(self.lengths_ms))
        holds = "is of another length" if stated is None else f"is {stated:g} s long"
        detail = f"{self.where}: by its name it is {named} s long, and it {holds}"
        return FetchError(Reason.WRONG_LENGTH, detail)

    def _verdict(self, excerpt: Excerpt, error: FetchError) -> FetchError:
        """What the decoder's error means for it: trying again is for what is not the copy's fault."""
        detail = f"{self.where}: {error.detail}"
        if error.reason in (Reason.TIMEOUT, Reason.UNKNOWN, Reason.SILENT):
            return FetchError(error.reason, detail)
        if isinstance(excerpt.media.content, Path):
            _read_through(excerpt.media.content)
        if error.reason is Reason.TRUNCATED:
            taken = "the segment" if excerpt.begins_ms else "the whole video"
            return FetchError(Reason.BEYOND_END, f"{detail}; it was taken for {taken}")
        reason = Reason.NO_AUDIO if error.reason is Reason.NO_AUDIO else Reason.DAMAGED_FILE
        return FetchError(reason, detail)


def _read_through(path: Path) -> None:
    """See that the disk gives all of a file: if it does, what is wrong is the file itself.

    Raises:
        EnvironmentProblem: it does not, and nothing may be concluded about the file.
    """
    try:
        with open_file(path) as handle:
            while handle.read(1 << 20):
                pass
    except OSError as error:
        raise EnvironmentProblem(
            f"{printable(path)} cannot be read: {error.strerror}", remedy_of(error)
        ) from error
