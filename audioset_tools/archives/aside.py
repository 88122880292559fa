"""Sounds that were unpacked along with another one, kept on the disk until they are asked for.

To read one sound of a row group of parquet all must be unpacked: who will want others of it puts them here.
"""

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path


class Aside:
    """A file without a name, which is gone with the process; used by several threads at once.

    Args:
        folder: on whose disk it lies.
        most: bytes that it may take; what comes when it is full is not kept.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._most = most
        self._end = 0
        self._places: dict[tuple[int, ...], tuple[int, int]] = {}
        self._lock = threading.Lock()

    def put(self, key: tuple[int, ...], content: bytes) -> None:
        """Keep a sound, if there is room."""
        with self._lock:
            if not self._places:
                self._end = 0
                self._file.truncate()
            if self._end + len(content) > self._most:
                return
            try:
                written = os.pwrite(self._file.fileno(), content, self._end)
            except OSError:
                # Clips need what room there is.
                self._most = 0
                return
            if written == len(content):
                self._places[key] = self._end, written
                self._end += written

    def take(self, key: tuple[int, ...]) -> bytes | None:
        """A sound that was kept, once; None if it is not there."""
        with self._lock:
            place = self._places.pop(key, None)
            if place is None:
                return None
            content = b""
            with suppress(OSError):
                content = os.pread(self._file.fileno(), place[1], place[0])
            return content if len(content) == place[1] else None

    def close(self) -> None:
        """Let go of all."""
        self._file.close()
