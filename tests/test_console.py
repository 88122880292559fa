"""What reaches the terminal: a stranger's names steer nothing."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from audioset_tools import console
from audioset_tools.telling import Log, telling, until_the_end
from audioset_tools.types import Progress, Table, message
from audioset_tools.workspace import printable
from tests.fitting import require_fit
from tests.screens import every_table

HOSTILE = "run\x1b]0;pwned\x07\x1b[31m\r\u202egpj.\udcff\ud800[bold]"
PLAIN = r"run\x1b]0;pwned\x07\x1b[31m\r\u202egpj.\xff\ud800[bold]"


def test_nothing_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(Table(HOSTILE, (HOSTILE,), ((HOSTILE,),)))
    console.result(HOSTILE)
    console.say(HOSTILE)
    console.step(HOSTILE)
    console.complain(HOSTILE, HOSTILE)
    out, err = capsys.readouterr()
    assert out.count(PLAIN) == 4 and err.count(PLAIN) == 4
    assert all(character.isprintable() or character == "\n" for character in out + err)


def test_every_table_of_every_command_fits_every_screen() -> None:
    for _, table in every_table():
        require_fit(table)


def test_a_table_is_as_wide_as_the_terminal_or_80_columns_without_one() -> None:
    code = (
        "from audioset_tools import console; from audioset_tools.types import Table;"
        "console.table(Table('', ('a',), (('word ' * 40,),)))"
    )
    # Some shells leave 0 behind, or nothing.
    for told, width in ((None, 80), ("100", 100), ("0", 80), ("", 80)):
        columns = {} if told is None else {"COLUMNS": told}
        without = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=without | columns, capture_output=True, text=True, check=True
        )
        assert max(map(len, done.stdout.splitlines())) == width - 1


def test_a_result_is_cut_between_words_where_a_terminal_would_cut_it_anywhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    console.result("word " * 40)
    assert capsys.readouterr().out == "word " * 40 + "\n"
    drawn = Console(file=io.StringIO(), force_terminal=True, width=22)
    monkeypatch.setattr(console, "_out", drawn)
    console.result("word " * 8)
    assert drawn.file.getvalue().split("\n")[:2] == ["word word word word"] * 2  # type: ignore[attr-defined]


AT = time.mktime((2026, 11, 24, 14, 5, 10, 0, 0, -1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time that the console goes by, in seconds after `AT`."""
    now = [AT]
    monkeypatch.setattr(console, "clock", lambda: now[0])

    def at(seconds: float) -> None:
        now[0] = AT + seconds

    return at


@pytest.mark.usefixtures("clock")
def test_lines_stay_lines_each_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("one\ntwo")
    console.complain("what", "remedy")
    stamp = "2026-11-24 14:05:10  "
    # What scripts look for at the beginning of a line stays there.
    assert capsys.readouterr().err == f"{stamp}one\n{stamp}two\nerror: what\nremedy\n"


def test_on_a_terminal_no_line_has_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Console(file=io.StringIO(), force_terminal=True, width=100, soft_wrap=True)
    monkeypatch.setattr(console, "_err", drawn)
    console.say("one")
    console.warn("what", "remedy")
    text = drawn.file.getvalue()  # type: ignore[attr-defined]
    assert text.startswith("one\n") and "what\nremedy" in text


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_printed_and_plain_text_is_left_alone(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and printable(shown) == shown
    assert shown == text if text.isprintable() else shown != text


def test_bytes_that_are_no_utf8_are_written_out() -> None:
    assert printable(Path("a\udcff\udc80/b")) == r"a\xff\x80/b"


def test_where_there_is_no_terminal_a_bar_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with console.bar("clip") as show:
        for second in range(30):
            clock(second)
            show(Progress(second, 30, HOSTILE))
    lines = capsys.readouterr().err.splitlines()
    assert [line[21:] for line in lines] == [f"{n} of 30 clips  {PLAIN}" for n in (2, 12, 22)]
    assert [line[17:19] for line in lines] == ["12", "22", "32"]


def test_over_forty_hours_lines_grow_sparser_and_news_does_not_wait(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with console.class_bars() as show:
        for second in range(0, 40 * 3600, 5):
            clock(second)
            show({"Flute": (second, 144_000, "")}, "paused" if second == 100_000 else "", second == 100_000)
    done = [
        int(line.partition("Flute ")[2].partition("/")[0]) for line in capsys.readouterr().err.splitlines()
    ]
    waits = [after - before for before, after in pairwise(done)]
    assert min(waits[:20]) == 10 and 100_000 in done
    news = done.index(100_000)
    assert all(before <= after for before, after in pairwise(waits[: news - 1]))
    assert max(waits) == waits[-1] == 300 and 400 < len(done) < 700


def test_who_wants_to_know_everything_gets_a_line_every_ten_seconds_to_the_end(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with until_the_end(), console.bar("clips") as show:
        telling.verbose = True
        for second in range(7200):
            clock(second)
            show(Progress(second, 7200))
    assert len(capsys.readouterr().err.splitlines()) == 720


def test_quiet_is_for_the_screen_and_not_for_the_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clock: Callable[[float], None]
) -> None:
    with until_the_end():
        telling.quiet, telling.logs = True, (Log(tmp_path / "log"),)
        console.say("said")
        with console.bar("clip") as show:
            clock(5)
            show(Progress(1, 2))
            show(message("news"))
        console.note("noted")
        console.warn("warned", "remedy")
        console.result("result")
    out, err = capsys.readouterr()
    assert out == "result\n" and err == "warning: warned\nremedy\n"
    lines = (tmp_path / "log").read_text().splitlines()
    told = ["said", "1 of 2 clips", "news", "noted", "warning: warned", "remedy"]
    assert [line[21:] for line in lines] == told and lines[1].startswith("2026-11-24 14:05:15")


def test_a_log_has_the_lines_of_a_terminals_bars_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Callable[[float], None]
) -> None:
    monkeypatch.setattr(console, "_err", Console(file=io.StringIO(), force_terminal=True, width=100))
    with until_the_end():
        telling.logs = (Log(tmp_path / "log"),)
        with console.class_bars() as show:
            for second in (0, 5, 6, 7):
                clock(second)
                show({"Flute": (second, 9, "")}, "line", second == 7)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line[21:] for line in lines] == ["Flute 5/9; line", "Flute 7/9; line"]


def test_on_a_terminal_a_bar_shows_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(console, "_err", drawn)
    with console.bar("clip") as show:
        show(Progress(3, 30, HOSTILE))
    text = drawn.file.getvalue()  # type: ignore[attr-defined]
    assert "3/30" in text and PLAIN in text


def test_one_clip_is_no_plural_and_nothing_stands_behind_it(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with console.bar("clip") as show:
        clock(5)
        show(Progress(1, 1))
    assert capsys.readouterr().err[21:] == "1 of 1 clip\n"


@pytest.mark.parametrize("several", [False, True])
def test_no_bar_stands_still_behind_an_interrupt(several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(console, "_err", drawn)
    with pytest.raises(KeyboardInterrupt):
        if several:
            with console.class_bars() as show_all:
                show_all({"Piano": (3, 30, "2 dead"), "Drums": (3, 30, "")}, "pace", False)
                raise KeyboardInterrupt
        else:
            with console.bar("clip") as show:
                show(Progress(3, 30))
                raise KeyboardInterrupt
    # What is drawn last is erased: a line's worth for each line.
    *_, last = drawn.file.getvalue().rpartition("3/30")  # type: ignore[attr-defined]
    assert last.count("\x1b[2K") >= (3 if several else 1)


def test_a_result_for_a_program_is_json_a_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a"}, {"name": "b", "n": 1}]
    console.result_json_rows("rows", rows)
    out = capsys.readouterr().out
    assert json.loads(out) == {"rows": rows} and len(out.splitlines()) == 4
    console.result_json({"rows": rows})
    assert json.loads(capsys.readouterr().out) == {"rows": rows}
