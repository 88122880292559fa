"""The source `local`: a copy of AudioSet that the user already has, in a folder, under the usual names.

A file named after a video alone may be the whole video or only the segment, and its length tells which: a
header may lie about that, so the file is decoded as the segment first, and the decoder says if it goes on.
"""

from dataclasses import replace
from pathlib import Path

from ..errors import EnvironmentProblem, UsageError
from ..types import Candidate, Reason, Scope
from ..workspace import printable
from .folder import Folder
from .names import Fit, fit
from .source import Excerpt, FetchError, Longer


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
                f"no file in {printable(root)} is named after a video",
                "Names must be as Y<id>.wav, <id>.m4a, <id>_<start>.flac or <id>_<start>_<end>.wav.",
            )

    def open(self, candidate: Candidate) -> Excerpt:
        """The best file of a candidate's segment, with the others to be read should it turn out bad.

        Raises:
            FetchError: there is none.
        """
        files = self.folder.files(candidate.ytid)
        fits = [
            (how, path)
            for name, path in files
            if (how := fit(name, candidate.start_ms, candidate.end_ms)) is not None
        ]
        if not fits:
            detail = "no file is named after the video"
            if files:
                detail = f"of the video there is only {printable(files[0][1])}, which begins elsewhere"
            raise FetchError(Reason.NOT_IN_FOLDER, detail)
        return self._first([self._excerpt(path, how, candidate.start_ms) for how, path in sorted(fits)], [])

    def close(self) -> None:
        """Nothing is held open."""

    def _excerpt(self, path: str, how: Fit, start_ms: int) -> Excerpt:
        return Excerpt(
            media=self.folder.root / path,
            origin=f"local {printable(path)}",
            begins_ms=start_ms,
            # A whole video and its first seconds begin at the same place: there is nothing to tell apart.
            only_segment=how is Fit.VIDEO and start_ms > 0,
        )

    def _first(self, excerpts: list[Excerpt], verdicts: list[FetchError]) -> Excerpt:
        """The first of several, which knows what to read instead if it cannot be decoded."""
        excerpt, *others = excerpts

        def instead(error: FetchError) -> Excerpt:
            if isinstance(error, Longer):
                return self._first([replace(excerpt, begins_ms=0, only_segment=False), *others], verdicts)
            so_far = [*verdicts, self._verdict(excerpt, error)]
            if others:
                return self._first(others, so_far)
            # A file that may be read another time outweighs those that are no good.
            raise min(so_far, key=lambda verdict: verdict.reason.scope is Scope.FINAL)

        return replace(excerpt, instead=instead)

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
