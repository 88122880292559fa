"""The one door to numba: a decorator for the inner loops, and the folder where machine code is kept.

numba keeps the code of a compiled function in a folder and loads it again as a pickle, which may be any
program. So that folder is nobody else's: the one that `NUMBA_CACHE_DIR` names, `__pycache__` beside the
modules, or the user's cache folder. Where none of these can be written, or somebody else could write to it
too (a container under `--user`, a compute node without a home), a folder of this process takes their place
until it ends: without any, librosa could not even be imported. One that fills up later on costs what could
not be kept, and nothing else.

It looks at the decorated function's own file alone to see whether that code is still right, so a compiled
function calls only compiled functions of its own module.
"""

import atexit
import grp
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.misc import appdirs

from .exceptions import EnvironmentProblem

F = TypeVar("F", bound=Callable[..., object])

CHOICE = "NUMBA_CACHE_DIR"


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep the machine code for later processes.

    Every operation is rounded as it stands: the compiler may neither reorder a sum nor fuse a product with
    one. Which of them it fused would depend on whether a function was compiled just now or came from the
    folder, so that the first run after an installation would give other bytes than the second. Speed is the
    same.

    Args:
        function: of numpy arrays and numbers.
    """
    dispatcher: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    # A full disk, or a folder that is gone meanwhile: numba passes over them on Windows alone.
    dispatcher._cache._guard_against_spurious_io_errors = partial(suppress, OSError)
    return cast(F, dispatcher)


@contextmanager
def saying(say: Callable[[str], object]) -> Iterator[None]:
    """Say, once and before it is waited for, that something is being compiled; nothing where nothing is.

    Args:
        say: called with a line of words, in the thread that compiles.
    """
    with event.install_listener("numba:run_pass", _Begin(say)):
        yield


class _Begin(event.Listener):
    """Hears of every pass of the compiler, librosa's functions among them, and tells of the first."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say: Callable[[str], object] | None = say

    def on_start(self, _: object) -> None:
        say, self._say = self._say, None
        if say is not None:
            say(compiling_words(KEPT.trouble))

    def on_end(self, _: object) -> None:
        """Of no interest."""


def compiling_words(trouble: str) -> str:
    """What is said while code is compiled; `trouble` as of a `CodeFolder`."""
    if trouble:
        return f"compiling, for some seconds, as every command will here: {trouble}"
    return "compiling, once: some seconds, which later commands need not wait"


@dataclass(frozen=True, slots=True)
class CodeFolder:
    """Where machine code is kept.

    Args:
        folder: one that numba is told; None where it finds one by itself.
        where: the same in words.
        trouble: why it is gone with this process, in words; "" where later ones find it.
    """

    folder: Path | None
    where: str
    trouble: str = ""


def keep(chosen: str, packages: Sequence[Path], user: Path) -> CodeFolder:
    """Find the folder where machine code is kept.

    Args:
        chosen: what the user chose; "" for nothing.
        packages: the folders of the packages with compiled functions.
        user: numba's folder in the user's cache.

    Raises:
        EnvironmentProblem: not even a temporary folder can be made.
    """
    if chosen:
        trouble = _trouble(Path(chosen))
        if not trouble:
            return CodeFolder(Path(chosen), f"in {chosen}")
        trouble = f"{CHOICE} is not used: {trouble}"
    elif all(_takes_files(folder / "__pycache__") for folder in packages):
        return CodeFolder(None, "beside the modules")
    else:
        # Without a home its name begins with `~`, which would be made in whatever folder this is.
        trouble = _trouble(user) if user.is_absolute() else "there is no home"
        if not trouble:
            return CodeFolder(user, f"in {user}")
    try:
        # 0700, and under a name that nobody can guess.
        private = Path(tempfile.mkdtemp(prefix="audioset-tools-numba-"))
    except OSError as error:
        raise EnvironmentProblem(
            f"compiled code can be kept nowhere: {trouble}, and there is no temporary folder",
            f"Name a folder of yours that you can write to: {CHOICE}=DIR, or TMPDIR=DIR.",
        ) from error
    atexit.register(_remove, private, os.getpid())
    return CodeFolder(private, f"in {private}", trouble)


def _remove(folder: Path, process: int) -> None:
    """Remove a folder; a process forked from the one that made it leaves it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _takes_files(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made itself: what numba asks of one."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _trouble(folder: Path) -> str:
    """Why code is not kept in a folder, in words; "" if it can be, and nobody else can put any there."""
    if not _takes_files(folder):
        return f"{folder} cannot be written"
    for number, part in enumerate([folder.resolve(), *folder.resolve().parents]):
        about = part.stat()
        shared = about.st_mode & stat.S_IWOTH and not (number and about.st_mode & stat.S_ISVTX)
        ours = about.st_uid == os.geteuid() or (number and about.st_uid == 0)
        if shared or not ours or (not number and about.st_mode & stat.S_IWGRP and not _has_own_group(about)):
            return f"{folder} could be written by others"
    return ""


def _has_own_group(about: os.stat_result) -> bool:
    """Whether a file's group is the owner's alone, as far as names tell: that is how many systems do it."""
    try:
        return grp.getgrgid(about.st_gid).gr_name == pwd.getpwuid(about.st_uid).pw_name
    except KeyError:
        return False


def _folder_of(package: str) -> Path:
    found = find_spec(package)
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


_config: Any = numba.config
_appdirs: Any = appdirs

KEPT = keep(
    _config.CACHE_DIR,
    (Path(__file__).parent, _folder_of("librosa")),
    Path(_appdirs.AppDirs(appname="numba", appauthor=False).user_cache_dir),
)
"""Where this process keeps it; settled before the first function is decorated, librosa's among them."""

if KEPT.folder is not None:
    _config.CACHE_DIR = str(KEPT.folder)
    # Processes that are started by this one share it.
    os.environ[CHOICE] = str(KEPT.folder)
