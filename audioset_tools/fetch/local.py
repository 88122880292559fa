"""The source `local`: a copy of AudioSet that the user already has, in a folder, under the usual names.

A file named after a video alone may be the whole video or only the segment, and its length tells which: a
header may lie about that, so the file is decoded as the segment first, and the decoder says if it goes on.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import EnvironmentProblem, UsageError
from ..types import Candidate, Reason, Scope
from ..workspace import printable
from .folder import Folder
from .names import Fit, Name, fit, lengths_ms
from .source import Excerpt, FetchError, Late, Longer
from .transcode import TAIL_MS, TOLERANCE_MS, ends_at, length_s


def local_folder(source: str) -> Path | None:
    """The folder that a `--source` names: None for `youtube`.

    Raises:
        UsageError: there is no such source, or no such folder.
    """
    if source == "youtube":
        return None
    kind, _, folder = source.partition(":")
    if kind != "local" or not folder:
        raise UsageError(
            f"there is no source {source!r}",
            "Use youtube, or local:DIR with the folder that holds your files.",
        )
    path = Path(folder).expanduser()
    if not path.is_dir():
        wrong = "is no folder" if path.exists() else "does not exist"
        raise UsageError(f"{printable(path)} {wrong}", "Name the folder that holds your files: local:DIR.")
    return path


class Local:
    """The source `local`.

    Args:
        root: the folder; its names are read once, now.

    Raises:
        UsageError: no file in it is named as AudioSet's copies are.
        EnvironmentProblem: it, or a folder in it, cannot be read.
    """

    known_alive = None

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)
        if not len(self.folder):
            raise UsageError(
                f"no file in {printable(root)} is named after a video{self.not_understood}",
                "Names must be as Y<id>.wav, <id>.m4a, <id>_<start>.flac or <id>_<start>_<end>.wav.",
            )

    @property
    def not_understood(self) -> str:
        """In words, behind others: how many files are named after no video, and some of them."""
        if not self.folder.strange:
            return ""
        examples = ", ".join(printable(name) for name in self.folder.examples)
        return f"; {self.folder.strange:,} more whose names say of no video, such as {examples}"

    def open(self, candidate: Candidate) -> Excerpt:
        """The best file of a candidate's segment, with the others to be read should it turn out bad.

        Raises:
            FetchError: there is none.
        """
        files = self.folder.files(candidate.ytid)
        fits = [
            (how, path, name)
            for name, path in files
            if (how := fit(name, candidate.start_ms, candidate.end_ms)) is not None
        ]
        if not fits:
            detail = "no file is named after the video"
            if files:
                detail = f"of the video there is only {printable(files[0][1])}, which begins elsewhere"
            raise FetchError(Reason.NOT_IN_FOLDER, detail)
        fits.sort(key=lambda one: one[:2])
        return self._first([self._file(candidate, *one) for one in fits], [])

    def close(self) -> None:
        """Nothing is held open."""

    def _file(self, candidate: Candidate, how: Fit, path: str, name: Name) -> "_File":
        start_ms = candidate.start_ms
        segment = candidate.end_ms - start_ms
        lengths = frozenset() if how is Fit.VIDEO else frozenset(lengths_ms(name, start_ms) or ())
        excerpt = Excerpt(
            media=self.folder.root / path,
            origin=f"local {printable(path)}",
            begins_ms=start_ms,
            # A whole video and its first seconds begin at the same place: there is nothing to tell apart.
            tail_ms={Fit.SEGMENT: TAIL_MS, Fit.VIDEO: TOLERANCE_MS if start_ms else None}.get(how),
        )
        return _File(excerpt, how, frozenset({segment}) if how is Fit.SEGMENT else lengths)

    def _first(self, files: "list[_File]", verdicts: list[FetchError]) -> Excerpt:
        """The first of several, which knows what to read instead if it cannot be decoded."""
        file, *others = files
        # It begins with the segment and ends elsewhere: if it does not end there, its name is wrong.
        ends_elsewhere = file.how is Fit.START and bool(file.lengths_ms)
        if ends_elsewhere and not any(ends_at(file.excerpt, length) for length in file.lengths_ms):
            return self._next(others, [*verdicts, self._wrong_length(file)])
        return replace(file.excerpt, instead=lambda error: self._instead(file, error, others, verdicts))

    def _instead(
        self, file: "_File", error: FetchError, others: "list[_File]", verdicts: list[FetchError]
    ) -> Excerpt:
        """What to read for a file that is not the segment, or is not as it should be."""
        whole = replace(file.excerpt, begins_ms=0, tail_ms=TAIL_MS if file.how is Fit.SEGMENT else None)
        if isinstance(error, Longer) and file.how is Fit.VIDEO:
            return self._first([replace(file, excerpt=whole), *others], verdicts)
        if isinstance(error, Longer):
            return self._next(others, [*verdicts, self._wrong_length(file)])
        verdict = self._verdict(file.excerpt, error)
        if not self._may_be_whole(file, error):
            return self._next(others, [*verdicts, verdict])

        # A flaw in its first seconds says nothing of a later segment, if there is one so late.
        def instead(second: FetchError) -> Excerpt:
            short = second.reason is Reason.TRUNCATED or isinstance(second, Longer)
            return self._next(others, [*verdicts, verdict if short else self._verdict(whole, second)])

        return replace(whole, instead=instead)

    def _may_be_whole(self, file: "_File", error: FetchError) -> bool:
        """Whether a file that was no good as the segment alone may be the whole video, or timed as it is."""
        if file.excerpt.begins_ms <= 2 * TOLERANCE_MS:
            return False
        if isinstance(error, Late):
            return True
        passing = error.reason in (Reason.TIMEOUT, Reason.UNKNOWN, Reason.TRUNCATED)
        return file.how is Fit.VIDEO and not passing

    def _next(self, others: "list[_File]", verdicts: list[FetchError]) -> Excerpt:
        if others:
            return self._first(others, verdicts)
        # A file that may be read another time outweighs those that are no good.
        raise min(verdicts, key=lambda verdict: verdict.reason.scope is Scope.FINAL)

    def _wrong_length(self, file: "_File") -> FetchError:
        path = Path(str(file.excerpt.media))
        stated = length_s(path)
        named = " or ".join(f"{length / 1000:g}" for length in sorted(file.lengths_ms))
        holds = "is of another length" if stated is None else f"is {stated:g} s long"
        name = printable(path.relative_to(self.folder.root))
        return FetchError(Reason.WRONG_LENGTH, f"{name}: by its name it is {named} s long, and it {holds}")

    def _verdict(self, excerpt: Excerpt, error: FetchError) -> FetchError:
        """What the decoder's error means for a file: trying again is for what is not the file's fault."""
        path = Path(str(excerpt.media))
        name = printable(path.relative_to(self.folder.root))
        detail = f"{name}: {error.detail}"
        if error.reason in (Reason.TIMEOUT, Reason.UNKNOWN, Reason.SILENT):
            return FetchError(error.reason, detail)
        _read_through(path)
        if error.reason is Reason.TRUNCATED:
            taken = "the segment" if excerpt.begins_ms else "the whole video"
            return FetchError(Reason.BEYOND_END, f"{detail}; it was taken for {taken}")
        reason = Reason.NO_AUDIO if error.reason is Reason.NO_AUDIO else Reason.DAMAGED_FILE
        return FetchError(reason, detail)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that may hold the segment: how it is read, how it fits, and how long its name says it is."""

    excerpt: Excerpt
    how: Fit
    lengths_ms: frozenset[int]


def _read_through(path: Path) -> None:
    """See that the disk gives all of a file: if it does, what is wrong is the file itself.

    Raises:
        EnvironmentProblem: it does not, and nothing may be concluded about the file.
    """
    try:
        with path.open("rb") as handle:
            while handle.read(1 << 20):
                pass
    except OSError as error:
        raise EnvironmentProblem(
            f"{printable(path)} cannot be read: {error.strerror}",
            "See that its disk is there and that you may read it, then run the same command again.",
        ) from error
