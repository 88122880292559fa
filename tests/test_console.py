"""What reaches the terminal: a stranger's names steer nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools import console
from audioset_tools.types import Table
from audioset_tools.workspace import printable

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
