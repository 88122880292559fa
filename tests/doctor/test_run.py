"""The whole round: every check is made, nothing is sent, and a recipe that there is not is refused."""

import socket
from pathlib import Path

import pytest

from audioset_tools.doctor.check import Level
from audioset_tools.doctor.run import examine
from audioset_tools.exceptions import UsageError
from audioset_tools.workspace import Workspace
from tests.doctor.conftest import look


def test_no_socket_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the doctor opened a connection")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(AssertionError, match="opened"):
        socket.create_connection(("127.0.0.1", 9))
    assert look(tmp_path)["ffmpeg"].verdict is Level.OK


def test_every_check_is_made_in_the_order_of_the_table(tmp_path: Path) -> None:
    assert list(look(tmp_path)) == [
        *("Python", "clock", "ffmpeg", "decoders", "yt-dlp", "plugins", "JavaScript", "proxies"),
        *("temporary files", "compiled code", "workspace", "file system", "tried there", "ledger", "pause"),
        "disk space",
    ]


def test_a_recipe_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recipe nosuch"):
        examine(Workspace(tmp_path), recipe="nosuch")
