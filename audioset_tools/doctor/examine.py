"""The doctor's round: every check that needs no network, in the order of the table."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..workspace import Workspace
from . import disk, machine, place
from .check import Check, Finding, guarded

if TYPE_CHECKING:
    from ..catalog.recipe import Recipe


def examine(
    workspace: Workspace,
    per_class: int,
    recipe: "Recipe",
    moment: Callable[[float], str],
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
    room: Callable[[Path], disk.Room] = disk.room,
) -> list[Check]:
    """Look at the machine and at a workspace; nothing is sent and nothing is left behind.

    Args:
        workspace: it need not exist.
        per_class: clips of each class that there must be room for.
        recipe: whose classes and splits.
        moment: a time in words.
        environ: the environment.
        clock: seconds since the epoch.
        room: how much may be written to a folder.
    """
    held: list[place.Held] = []
    now = clock()
    today = date.fromtimestamp(now)
    round_: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", machine.python),
        ("clock", lambda: machine.clock(today)),
        ("ffmpeg", machine.ffmpeg),
        ("yt-dlp", lambda: machine.ytdlp(today)),
        ("JavaScript", machine.javascript),
        ("proxies", lambda: machine.proxies(environ)),
        ("temporary files", machine.temporary_files),
        ("workspace", lambda: place.folder(workspace)),
        ("file system", lambda: place.file_system(workspace)),
        ("ledger", lambda: place.ledger(workspace, held)),
        ("pause", lambda: place.pause(held, now, moment)),
        ("disk space", lambda: place.space(workspace, held, per_class, recipe, room)),
    ]
    return [guarded(name, look) for name, look in round_]
