"""Files arrive whole or not at all, nothing planted is followed, and no reader hangs or fills the memory."""

import errno
import os
import secrets
import stat
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.files import (
    leftovers,
    open_file,
    parse_json,
    parse_toml,
    read_file,
    read_named,
    remedy_of,
    write_beside,
)
from audioset_tools.processes import this_process


def test_a_write_that_breaks_off_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    with write_beside(target) as temporary:
        temporary.write_text("old")
    with pytest.raises(KeyboardInterrupt), write_beside(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


@pytest.fixture
def known_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """What `write_beside` will append, as if somebody had guessed it."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    return f".file.{this_process()}.guessed.part"


@pytest.mark.parametrize("plant", ["link", "dangling", "file", "pipe"])
def test_what_is_planted_at_the_temporary_name_is_not_followed(
    tmp_path: Path, known_name: str, plant: str
) -> None:
    mine, planted = tmp_path / "mine", tmp_path / known_name
    if plant != "dangling":
        mine.write_text("mine")
    make: dict[str, Callable[[], object]] = {
        "link": lambda: planted.symlink_to(mine),
        "dangling": lambda: planted.symlink_to(mine),
        "file": lambda: planted.write_text("planted"),
        "pipe": lambda: os.mkfifo(planted),
    }
    make[plant]()
    with pytest.raises(FileExistsError), write_beside(tmp_path / "file") as temporary:
        temporary.write_text("new")
    assert not (tmp_path / "file").exists() and mine.exists() == (plant != "dangling")
    assert plant == "dangling" or mine.read_text() == "mine"


def test_a_link_in_the_targets_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    mine, target = tmp_path / "mine", tmp_path / "file"
    mine.write_text("mine")
    target.symlink_to(mine)
    with write_beside(target) as temporary:
        temporary.write_text("new")
    assert mine.read_text() == "mine" and target.read_text() == "new" and not target.is_symlink()


def test_what_another_process_is_writing_just_now_is_no_leftover(tmp_path: Path) -> None:
    now, hours = 1_800_000_000.0, 3600.0
    me = this_process()
    dead, far = replace(me, started=me.started - 1), replace(me, machine="00000000")
    ages = {".x.7.part": 23 * hours, ".y.7.part": 25 * hours, f".f.{far}.{'0' * 16}.part": 25 * hours}
    ages |= {f".{name}.{of}.{'0' * 16}.part": 0.0 for name, of in (("a", me), ("b", dead), ("c", far))}
    ages |= {"whole.part": 25 * hours, "whole": 25 * hours}
    for name, age in ages.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now - age,) * 2)
    with write_beside(tmp_path / "shard.h5"):
        found = sorted(path.name[1] for path in leftovers(tmp_path, lambda: now))
    assert found == ["b", "f", "y"]
    assert leftovers(tmp_path / "missing") == []


def test_a_temporary_name_says_who_writes_and_is_never_too_long(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 127)
    with write_beside(target) as temporary:
        assert f".{this_process()}." in temporary.name
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_no_two_writers_share_a_name(tmp_path: Path) -> None:
    with write_beside(tmp_path / "file") as one, write_beside(tmp_path / "file") as other:
        assert one != other


@pytest.mark.parametrize(("umask", "rights"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_rights_are_the_umasks_whatever_the_writer_does(tmp_path: Path, umask: int, rights: int) -> None:
    before = os.umask(umask)
    try:
        with write_beside(tmp_path / "file") as temporary:
            # As safetensors does: a file of its own takes the temporary one's place.
            other = tmp_path / "other"
            other.touch(0o600)
            other.chmod(0o600)
            other.replace(temporary)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == rights


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is no regular file"):
            open_file(path)
    with pytest.raises(IsADirectoryError):
        open_file(tmp_path)


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    with pytest.raises(OSError, match="it is larger than 4 bytes"):
        read_file(path, 4)
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="it is larger than 64,000,000 bytes"):
        read_file(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        (f"[1{'0' * 400}]", "a number of 401 digits"),
        (f"-{'9' * 4_000_000}", "a number of 4,000,001 digits"),
        (b"\xff", "decode"),
        ("", "Expecting value"),
    ],
)
def test_hostile_json_is_a_value_error(content: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_json(content)


def test_json_keeps_the_numbers_that_mean_something() -> None:
    assert parse_json(f"[{2**64}, -1, 1.5]") == [2**64, -1, 1.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a = {'[' * 50_000}{']' * 50_000}", "nested too deep"),
        (f"a = {'[' * 100}{']' * 100}", "nested too deep"),
        (".".join("a" * 5_000) + " = 1", "nested too deep"),
        (f"[{'.'.join('a' * 5_000)}]", "nested too deep"),
        ("a = ", "Invalid value"),
    ],
)
def test_hostile_toml_is_a_value_error(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_toml(text)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "chmod"),
        (errno.EPERM, "chmod"),
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "Make room"),
        (errno.EDQUOT, "quota"),
        (errno.ENOENT, "name is right"),
        (errno.EISDIR, "what lies there"),
        (errno.EMFILE, "ulimit"),
        (errno.EIO, "disk is there and sound"),
        (errno.EBADF, "rights, the disk"),
        (None, "rights, the disk"),
    ],
)
def test_each_refusal_of_the_system_has_its_remedy(number: int | None, words: str) -> None:
    remedy = remedy_of(OSError() if number is None else OSError(number, os.strerror(number)))
    assert words in remedy and "\n" not in remedy
    assert ("room" in remedy.lower()) == (number in (errno.ENOSPC, errno.EDQUOT, errno.EBADF, None))


def test_what_a_user_names_may_be_a_pipe_and_no_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert read_named(tmp_path / "file", most=7) == b"content"
    with pytest.raises(OSError, match="larger than 6 bytes"):
        read_named(tmp_path / "file", most=6)
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.close(writing)
    assert read_named(Path(f"/dev/fd/{reading}")) == b"through a pipe"
    os.close(reading)
    for place in ("/dev/zero", str(tmp_path)):
        with pytest.raises(OSError, match="neither a file nor a pipe"):
            read_named(Path(place))


def test_no_more_memory_is_taken_than_there_is_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    tracemalloc.start()
    assert read_file(tmp_path / "file", most=1 << 33) == b"content"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_number_that_nothing_means_is_refused_in_toml_too() -> None:
    assert parse_toml("a = 12") == {"a": 12}
    with pytest.raises(ValueError, match="digits"):
        parse_toml(f"[a]\nb = [1{'0' * 400}]")


def test_json_may_be_read_strictly() -> None:
    assert parse_json('{"a": NaN, "a": 1}') == {"a": 1}
    for text in ('{"a": NaN}', '{"a": 1, "a": 1}'):
        with pytest.raises(ValueError):
            parse_json(text, strict=True)
