"""What reaches the terminal: a stranger's names steer nothing."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from audioset_tools import console
from audioset_tools.types import Progress, Table
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
    for columns, width in (({}, 80), ({"COLUMNS": "100"}, 100)):
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


def test_lines_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("one\ntwo")
    assert capsys.readouterr().err == "one\ntwo\n"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_printed_and_plain_text_is_left_alone(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and printable(shown) == shown
    assert shown == text if text.isprintable() else shown != text


def test_bytes_that_are_no_utf8_are_written_out() -> None:
    assert printable(Path("a\udcff\udc80/b")) == r"a\xff\x80/b"


def test_where_there_is_no_terminal_a_bar_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    with console.bar("clips") as show:
        for second in range(30):
            now = float(second)
            show(Progress(second, 30, HOSTILE))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"{n} of 30 clips  {PLAIN}" for n in (2, 12, 22)]


def test_on_a_terminal_a_bar_shows_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(console, "_err", drawn)
    with console.bar("clips") as show:
        show(Progress(3, 30, HOSTILE))
    text = drawn.file.getvalue()  # type: ignore[attr-defined]
    assert "3/30" in text and PLAIN in text


def test_a_result_for_a_program_is_json_a_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a"}, {"name": "b", "n": 1}]
    console.result_json_rows("rows", rows)
    out = capsys.readouterr().out
    assert json.loads(out) == {"rows": rows} and len(out.splitlines()) == 4
    console.result_json({"rows": rows})
    assert json.loads(capsys.readouterr().out) == {"rows": rows}
