"""The doctor's round: every check that needs no network, in the order of the table."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from ..catalog.recipe import read_recipe
from ..catalog.run import DEFAULT
from ..workspace import Workspace
from . import disk, machine, storage
from .check import Check, Outcome, guarded


def examine(
    workspace: Workspace,
    *,
    per_class: int = 2400,
    recipe: str | None = None,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
    room: Callable[[Path], storage.Room] = storage.room_of,
) -> list[Check]:
    """Look at the machine and at a workspace; nothing is sent and nothing is left behind.

        problems(examine(Workspace("audioset")))        # names of the checks that found a problem

    Args:
        workspace: it need not exist.
        per_class: clips of each class that there must be room for.
        recipe: the name of a shipped one, or the path of a TOML file, for a workspace that is not there yet.
        environ: where proxies are named.
        clock: seconds since the epoch.
        room: how much may be written to a folder.

    Raises:
        UsageError: there is no such recipe, or it makes no sense.
    """
    held: list[storage.Held] = []
    wanted = read_recipe(recipe or DEFAULT)
    now = clock()
    today = date.fromtimestamp(now)
    round_: list[tuple[str, Callable[[], Outcome]]] = [
        ("Python", machine.python),
        ("clock", lambda: machine.clock(today)),
        ("ffmpeg", machine.ffmpeg),
        ("decoders", machine.decoders),
        ("yt-dlp", lambda: machine.ytdlp(today)),
        ("plugins", lambda: machine.plugins(environ)),
        ("JavaScript", machine.javascript),
        ("proxies", lambda: machine.proxies(environ)),
        ("temporary files", machine.temporary_files),
        ("compiled code", machine.compiled_code),
        ("workspace", lambda: storage.folder(workspace)),
        ("file system", lambda: storage.file_system(workspace)),
        ("tried there", lambda: disk.works(workspace)),
        ("ledger", lambda: storage.ledger(workspace, held)),
        ("pause", lambda: storage.pause(held, now)),
        ("disk space", lambda: storage.space(workspace, held, per_class, wanted, room)),
    ]
    return [guarded(name, look) for name, look in round_]
