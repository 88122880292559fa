"""A round of the doctor in this process, and what it is to find."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audioset_tools.audio import ffmpeg
from audioset_tools.doctor.check import Outcome
from audioset_tools.doctor.run import examine
from audioset_tools.doctor.storage import Room
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.types import Candidate, Clip
from audioset_tools.workspace import Workspace

PLENTY = Room(10**13, None)


def look(workspace: Path, per_class: int = 2400, **options: object) -> dict[str, Outcome]:
    """The whole round, where there is room and no proxy."""
    options = {"room": lambda _: PLENTY, "environ": {}, **options}
    checks = examine(Workspace(workspace), per_class=per_class, **options)  # type: ignore[arg-type]
    return {check.name: check.finding for check in checks}


def make_ledger(workspace: Path, accepted: int = 0, per_class: int = 400, of_list: bool = False) -> Path:
    """A ledger of two classes, the first of which has so many clips."""
    workspace.mkdir(exist_ok=True)
    path = Workspace(workspace).ledger
    origin = Origin("paper", "r", "l", ("Piano", "Other"), 1, (10, 1, 1), of_list=of_list)
    rows = [
        Candidate(f"{name[0]}{rank:09}A", 0, 10_000, name, 0, rank, "eval")
        for name in origin.class_names
        for rank in range(per_class)
    ]
    with Ledger(path) as ledger:
        ledger.load(origin, rows)
        for one in rows[:accepted]:
            ledger.accept(one, Clip(one.key, one.class_name, one.rank, "p", "ab", 10.0, 0.5, "test"), 0.0)
    return path


def damage_pages(path: Path) -> None:
    """Overwrite pages in the middle, leaving the header as it is."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xa5" * 8192
    path.write_bytes(content)


def fake_ffmpeg(folder: Path, script: str) -> str:
    """A PATH on which `ffmpeg` is this script."""
    folder.mkdir(exist_ok=True)
    path = folder / "ffmpeg"
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def ffmpeg_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a script in the place of ffmpeg, in this process."""

    def put(script: str) -> None:
        monkeypatch.setenv("PATH", fake_ffmpeg(tmp_path / "bin", script))
        ffmpeg.ffmpeg_binary.cache_clear()

    yield put
    ffmpeg.ffmpeg_binary.cache_clear()
