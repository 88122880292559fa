"""The secret of a server: the same for the next one, and of nobody else."""

import os
import stat
from pathlib import Path

import pytest

from audioset_tools.errors.secret import SECRET, Secret, keep_secret
from audioset_tools.exceptions import EnvironmentProblem


def test_a_server_that_is_started_again_has_the_same_secret(tmp_path: Path) -> None:
    first = keep_secret(tmp_path, 4711)
    assert keep_secret(tmp_path, 4711) == first and len(first.token) == 43
    (tmp_path / SECRET).unlink()
    second = keep_secret(tmp_path, 4711)
    assert len({*first.cookie, *second.cookie, first.path, second.path, first.token, second.token}) == 7
    assert [one.name for one in tmp_path.iterdir()] == [SECRET]


def test_it_tells_nothing_of_itself(tmp_path: Path) -> None:
    one = keep_secret(tmp_path, 4711)
    assert one.token not in f"{one} {one!r} {one.path} {one.cookie}"
    assert one.address == f"http://127.0.0.1:4711/?token={one.token}"
    assert not one.opens(f"{one.cookie[0]}={one.token}") and not one.is_token(one.cookie[1])


def test_only_its_owner_can_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keep_secret(tmp_path, 1)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / SECRET).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "found", ["others", "empty", "short", "no text", "endless", "pipe", "link", "other's"]
)
def test_what_somebody_else_may_know_is_replaced(
    tmp_path: Path, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, planted = tmp_path / SECRET, "p" * 43
    path.write_text(planted)
    path.chmod(0o600)
    if found == "others":
        path.chmod(0o640)
    elif found == "other's":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    elif found in ("pipe", "link"):
        path.unlink()
        other = tmp_path / "planted"
        other.write_text(planted)
        other.chmod(0o644)
        os.mkfifo(path) if found == "pipe" else path.symlink_to(other)
    else:
        content = {"empty": b"", "short": b"p" * 42, "no text": b"\xff" * 43, "endless": b"p" * 10_000}
        path.write_bytes(content[found])
    assert keep_secret(tmp_path, 1).token != planted
    if found == "other's":
        # Where the file system cannot say whose it is, it is kept in memory alone.
        assert path.read_text() == ""
        return
    assert path.is_file() and not path.is_symlink()
    assert keep_secret(tmp_path, 1) == Secret(path.read_text().strip(), 1)


def test_where_it_cannot_be_written_this_is_said(tmp_path: Path) -> None:
    (tmp_path / SECRET).mkdir()
    with pytest.raises(EnvironmentProblem, match=SECRET):
        keep_secret(tmp_path, 1)
