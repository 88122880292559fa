"""What a connection is made of is checked when it is made, and shown nowhere."""

from pathlib import Path
from typing import Any

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.sources.connection.connection import Connection
from tests.sources.connection.test_cookies import COOKIE, HEADER, SECRET


@pytest.mark.parametrize(
    "wrong",
    [
        {"proxy": "foo://x"},
        {"proxy": 5},
        {"options": {"proxy": 5}},
        {"options": {"socket_timeout": "x"}},
        {"options": {"nosuch": 1}},
        {"browser": "netscape"},
        {"browser": ""},
        {"cookies": Path("/nowhere/cookies.txt")},
    ],
)
def test_what_cannot_work_is_refused_when_it_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Connection(**wrong)


def test_cookies_are_read_once_and_every_session_has_them(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(HEADER + COOKIE)
    connection = Connection(cookies=path)
    path.unlink()
    texts = [connection.ytdlp_options(5)["cookiefile"].read() for _ in range(2)]
    assert connection.has_account and texts == [HEADER + COOKIE] * 2


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(HEADER + COOKIE)
    connection = Connection(
        f"http://me:{SECRET}@host:1", True, tmp_path / "c.txt", options={"http_headers": {"X": SECRET}}
    )
    assert SECRET not in repr(connection)
    assert not Connection().has_account
