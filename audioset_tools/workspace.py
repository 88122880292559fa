"""Where things lie in a workspace, how a file gets there whole, and who may write to it.

metadata/                     the official lists, if they were downloaded
ledger.sqlite                 every candidate's state
clips/<class>/Y<key>.wav      the verified clips
set-aside/<class>/            files that lay in a clip's place and were not that clip, or are excluded
dataset.csv                   the frozen splits
shards/<spec>/<split>-00000.h5
runs/<name>/
report/                       a page of all this, with sounds and pictures of some clips
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import EnvironmentProblem


@dataclass(frozen=True, slots=True)
class Workspace:
    """One data set's folder. Creating the object touches no disk.

    Args:
        root: the folder; made on the first write.
    """

    root: Path

    @property
    def metadata(self) -> Path:
        return self.root / "metadata"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def clips(self) -> Path:
        return self.root / "clips"

    @property
    def set_aside(self) -> Path:
        return self.root / "set-aside"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset.csv"

    @property
    def shards(self) -> Path:
        return self.root / "shards"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def youtube(self) -> Path:
        """What was learned of YouTube for the next run."""
        return self.root / "youtube.json"

    @property
    def report(self) -> Path:
        return self.root / "report"

    def clip(self, class_name: str, key: str) -> Path:
        """The path of a clip; `key` must come from `clip_key`."""
        return self.clips / folder_name(class_name) / f"Y{key}.wav"

    def put_aside(self, path: Path) -> str:
        """Move what lies in a clip's place to the folder of files set aside, over nothing that is there.

        Returns:
            Where it lies now, below the workspace.
        """
        folder = self.set_aside / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        names = (f"{path.name}{f'.{n}' if n else ''}" for n in range(1_000_000))
        target = next(folder / name for name in names if not (folder / name).exists())
        path.rename(target)
        return target.relative_to(self.root).as_posix()

    def prepare(self) -> None:
        """Make the folder and see that it can be written to.

        Raises:
            EnvironmentProblem: it cannot.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise EnvironmentProblem(
                f"the workspace {self.root} cannot be written to: {error.strerror}",
                "Choose another folder with --workspace, or change its permissions.",
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other writers out; the kernel drops the lock when the process dies.

        Raises:
            EnvironmentProblem: another process holds it.
        """
        self.prepare()
        with (self.root / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise EnvironmentProblem(
                    f"another audioset-tools process is working in {self.root}",
                    "Wait for it to end, or stop it; two writers would spend the allowance twice.",
                ) from error
            yield

    def busy(self) -> bool:
        """Whether a process that writes is at work here; changes nothing."""
        try:
            with (self.root / "lock").open() as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def folder_name(class_name: str) -> str:
    """A class name as a folder name: letters, digits, `-` and `_`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", class_name)


def printable(path: Path | str) -> str:
    """A path that may hold any bytes, or a stranger's text, as text that a terminal and a database take.

    What is no plain character is written out, as `\\n`, `\\x1b`, or `\\xff` for a byte that is no UTF-8.
    """
    text = str(path)
    return text if text.isprintable() else "".join(c if c.isprintable() else _written_out(c) for c in text)


def _written_out(character: str) -> str:
    byte = ord(character) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()


@contextmanager
def write_beside(target: Path) -> Iterator[Path]:
    """Give a temporary path in the target's folder; on leaving without error, flush it and rename it.

    After this returns, the target holds the whole new content, or, after a crash or a power cut at any
    instant, the whole old one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """See that a power cut undoes nothing that was made, renamed or deleted in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
