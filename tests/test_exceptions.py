"""Every error says what happened and what to do, and has an exit code of its own."""

import re

import pytest

from audioset_tools import exceptions
from audioset_tools.exceptions import AudiosetToolsError

KINDS = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]


def test_the_drawing_has_every_error_with_its_exit_code() -> None:
    drawn = re.findall(r"(\w+) +(\d)  ", exceptions.__doc__ or "")
    assert drawn == [(kind.__name__, str(kind.exit_code)) for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_two_sentences(kind: type[AudiosetToolsError]) -> None:
    error = kind("this happened", "Do that.")
    assert (error.what, error.remedy, str(error)) == ("this happened", "Do that.", "this happened\nDo that.")
    assert issubclass(kind, AudiosetToolsError)
