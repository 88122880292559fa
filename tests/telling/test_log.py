"""What goes into a log: every line once, with its time, and nobody's password."""

import os
import time
from pathlib import Path

import pytest

from audioset_tools import console
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.telling import Log, stamp, telling, until_the_end

AT = time.mktime((2026, 11, 24, 14, 5, 10, 0, 0, -1))


def test_a_line_is_added_with_its_time_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "fetch.log"
    path.write_text("before\n")
    for text in ("one", "two\nthree"):
        log = Log(path)
        assert log.write(text, AT) == ""
        log.close()
    assert path.read_text().splitlines() == [
        "before",
        "2026-11-24 14:05:10  one",
        "2026-11-24 14:05:10  two",
        "2026-11-24 14:05:10  three",
    ]


@pytest.mark.parametrize(
    "secret", ["http://me:s3cr3t@proxy:8080/x", "(socks5://me:s3cr3t/@host)", "at=http://s3cr3t@h, b@c"]
)
def test_no_password_of_an_address_is_written_down(tmp_path: Path, secret: str) -> None:
    log = Log(tmp_path / "log")
    log.write(f"through {secret}", AT)
    assert "s3cr3t" not in (tmp_path / "log").read_text()
    log.write("me@home asks for https://youtu.be/abcdefghijA", AT)
    assert "me@home asks for https://youtu.be/abcdefghijA" in (tmp_path / "log").read_text()


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "no" / "log", tmp_path / "pipe"):
        with pytest.raises(EnvironmentProblem, match="cannot be written") as refused:
            Log(path)
        assert "--log" in refused.value.remedy


def test_a_full_disk_ends_the_log_and_not_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    with until_the_end():
        telling.logs = (Log(Path("/dev/full")),)
        console.say("one")
        console.say("two")
        assert telling.logs == ()
    said = capsys.readouterr().err
    assert said.count("can be written no longer: No space left on device") == 1
    assert "one" in said and "two" in said


def test_what_a_command_sets_ends_with_it(tmp_path: Path) -> None:
    with until_the_end():
        telling.quiet, telling.logs = True, (Log(tmp_path / "outer"),)
        with until_the_end():
            telling.verbose, telling.logs = True, (*telling.logs, Log(tmp_path / "inner"))
            console.say("both")
        assert telling.quiet and not telling.verbose
        console.say("outer")
    assert (telling.quiet, telling.verbose, telling.logs) == (False, False, ())
    assert (tmp_path / "inner").read_text().count("\n") == 1
    assert (tmp_path / "outer").read_text().count("\n") == 2


def test_a_stamp_is_local_time() -> None:
    assert stamp(AT) == "2026-11-24 14:05:10"
