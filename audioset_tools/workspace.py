"""Where things lie in a workspace, and who may write to it.

metadata/                     the official lists, if they were downloaded
ledger.sqlite                 every candidate's state
mirrors/                      what mirrors on the Hugging Face Hub hold, and which commit of them is read
clips/<class>/Y<key>.wav      the verified clips
set-aside/<class>/            files that lay in a clip's place and were not that clip, or are excluded
dataset.csv                   the frozen splits
dataset-<N>.csv               those of a smaller set, of N clips of each class
same-sound.csv                clips to leave out of a list that puts one sound into several splits
shards/<spec>/<split>-00000.h5
runs/<name>/
audit/                        whose labels are probably wrong, and what people said of them
indices/                      what archives of sounds hold, so that they need not be searched again
report/                       a page of all this, with sounds and pictures of some clips
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .exceptions import AudiosetToolsError, DataMismatch, EnvironmentProblem, Paused, UsageError
from .files import missing_folders, remedy_of, remove_empty
from .locks import hold, holders

AnyPath = str | os.PathLike[str]
"""A path as callers of the public API may give it."""

ANSWERS = "error-answers.jsonl"
"""What people said of a run's mistakes, or of an audit's suspects; in its folder, not in that of the page,
which one may hand on.
"""

_PARTS = ("ledger.sqlite", "clips", "sources", "dataset.csv", "shards", "runs", "audit")
"""Any of these makes a folder a workspace; lists alone, as `select` leaves them, do not."""

_NAME_IT = "Name the data set's folder with --workspace; `audioset-tools fetch` makes one."

_OF_A_BEGINNING = (
    *("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite-journal"),
    *("metadata", "mirrors", "indices", "youtube.json"),
)
"""What a fetch makes before it asks for its first clip."""


@dataclass(frozen=True, slots=True, init=False)
class Workspace:
    """One data set's folder, and where everything lies in it. Creating the object touches no disk.

        Workspace("audioset").runs

    Args:
        root: the folder; made on the first write.
        out: a folder for runs and what is made of them, of whoever may not write to the first.
    """

    root: Path
    out: Path | None

    def __init__(self, root: AnyPath, out: AnyPath | None = None) -> None:
        object.__setattr__(self, "root", Path(root))
        object.__setattr__(self, "out", None if out is None else Path(out))

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
    def sources(self) -> Path:
        """What clips were decoded from, where that is kept."""
        return self.root / "sources"

    @property
    def set_aside(self) -> Path:
        return self.root / "set-aside"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset.csv"

    def dataset_of(self, per_class: int | None) -> Path:
        """Where the splits of so many clips of each class are frozen; None for all clips."""
        return self.dataset if per_class is None else self.root / f"dataset-{per_class}.csv"

    def datasets(self) -> tuple[Path, ...]:
        """Every table of frozen splits that there is or may be: of all clips, and of smaller sets."""
        return (self.dataset, *sorted(self.root.glob("dataset-*.csv")))

    @property
    def same_sound(self) -> Path:
        return self.root / "same-sound.csv"

    @property
    def shards(self) -> Path:
        return self.root / "shards"

    @property
    def runs(self) -> Path:
        return self.out or self.root / "runs"

    @property
    def audit(self) -> Path:
        """What an audit of the labels found, and what people said of it."""
        return self.root / "audit"

    @property
    def youtube(self) -> Path:
        """What was learned of YouTube for the next run."""
        return self.root / "youtube.json"

    @property
    def indices(self) -> Path:
        """What archives of sounds hold."""
        return self.root / "indices"

    @property
    def mirrors(self) -> Path:
        """What mirrors on the Hugging Face Hub hold, and which commit of them is read."""
        return self.root / "mirrors"

    @property
    def report(self) -> Path:
        return self.root / "report"

    def clip(self, class_name: str, key: str) -> Path:
        """The path of a clip; `key` must come from `clip_key`."""
        return self.clips / folder_name(class_name) / f"Y{key}.wav"

    def kept_source(self, class_name: str, key: str) -> Path:
        """The path of what a clip was decoded from, without the suffix of its form."""
        return self.sources / folder_name(class_name) / f"Y{key}"

    def beside(self, run: Path) -> Path:
        """Where goes what is made of a run: into its folder, or into one of its name in `out`."""
        is_ours = self.out is None or run.parent.resolve() == self.out.resolve()
        return run if is_ours or self.out is None else self.out / run.name

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

    def existing(self) -> Self:
        """This workspace, whose folder must be there.

        Raises:
            UsageError: it is not; the message names those beside it.
        """
        if not self.root.is_dir():
            raise UsageError(f"there is no workspace {printable(self.root)}{self._beside()}", _NAME_IT)
        return self

    def begun(self) -> Self:
        """This workspace, in which something must be: a folder of that name does not make one.

        Raises:
            UsageError: there is no such folder.
            DataMismatch: nothing was fetched into it; the message names those beside it.
        """
        if not any((self.existing().root / name).exists() for name in _PARTS):
            raise DataMismatch(
                f"{printable(self.root)} is no workspace: nothing was fetched into it{self._beside()}",
                _NAME_IT,
            )
        return self

    def _beside(self) -> str:
        others = sorted(path.parent.name for path in self.root.parent.glob("*/ledger.sqlite"))
        return f"; beside it: {', '.join(map(printable, others))}" if others else ""

    def require_ledger(self) -> None:
        """See that there is a ledger, before a writer's opening it would make one.

        Raises:
            UsageError: there is no such workspace.
            DataMismatch: nothing was fetched into it, or its ledger is gone.
        """
        if not self.begun().ledger.exists():
            raise DataMismatch(
                f"{printable(self.root)} has lost its ledger, {self.ledger.name}",
                "Restore it from a backup, or copy it from where the data set was made.",
            )

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
            remedy = remedy_of(error)
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                remedy = "Choose another folder with --workspace, or change its permissions."
            what = f"the workspace {self.root} cannot be written to: {error.strerror}"
            raise EnvironmentProblem(what, remedy) from error

    @contextmanager
    def lock(self, shared: bool = False) -> Iterator[None]:
        """Keep other writers out; a process that dies holds no lock.

        Args:
            shared: let other processes that do a part of the same work hold it as well.

        Raises:
            EnvironmentProblem: another process holds it.
        """
        self.prepare()
        with hold(
            self.root / "lock",
            f"another audioset-tools process is working in {self.root}",
            "Wait for it to end, or stop it: two would undo each other's work, and spend an allowance twice.",
            shared,
        ):
            yield

    @contextmanager
    def begin(self) -> Iterator[Callable[[], None]]:
        """Keep other writers out of a workspace that may be a new one, of which an error leaves nothing.

        What the remote said when it asked for a pause is kept all the same.

        Yields:
            To be called once all is right: from then on everything stays.

        Raises:
            EnvironmentProblem: another process holds the lock.
        """
        there = {path.name for path in self.root.glob("*")}
        missing = missing_folders(self.root)
        undoes = not self.ledger.exists()

        def stays() -> None:
            nonlocal undoes
            undoes = False

        try:
            with self.lock():
                try:
                    yield stays
                except Paused:
                    stays()
                    raise
                except (AudiosetToolsError, OSError):
                    if undoes:
                        self._remove(name for name in _OF_A_BEGINNING if name not in there)
                    raise
        except (AudiosetToolsError, OSError):
            if undoes and not self.busy():
                self._remove({"lock"} - there)
                remove_empty(missing)
            raise

    def _remove(self, names: Iterable[str]) -> None:
        for path in map(self.root.joinpath, names):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()

    def busy(self) -> bool:
        """Whether a process that writes is at work here; changes nothing."""
        return bool(holders(self.root / "lock"))


_SMALLER = re.compile(r"[a-z]+-([1-9][0-9]{0,8})-[0-9a-f]{8}")
"""The folder of a smaller set's shards: its preset, the clips of each class, the digest of the spec."""


def smaller_set(shards: str) -> int | None:
    """How many clips of each class a folder of shards of that name holds; None if it holds all of them."""
    found = _SMALLER.fullmatch(shards)
    return int(found[1]) if found else None


def folder_name(class_name: str) -> str:
    """A class name as a folder name: letters, digits, `-` and `_`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", class_name)


def printable(path: Path | str) -> str:
    """A path that may hold any bytes, or a stranger's text, as text that a terminal and a database take.

    What is no plain character is written out, as `\\n`, `\\x1b`, or `\\xff` for a byte that is no UTF-8.
    """
    text = str(path)
    return text if text.isprintable() else "".join(c if c.isprintable() else _written_out(c) for c in text)


def said(trouble: object) -> str:
    """What a library says of a file, on one line of reasonable length: it may quote what is in it."""
    return printable(" ".join(str(trouble).split())[:300])


def _written_out(character: str) -> str:
    byte = ord(character) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()
