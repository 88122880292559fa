"""A row is as its seals say, or it is refused, many at once as one by one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audioset_tools.ledger import Ledger
from audioset_tools.ledger.rows import CANDIDATE, CLIP, OF_CANDIDATE, check_candidate, check_columns, clip_of
from audioset_tools.types import KeptSource, VideoInfo
from tests.factories import candidate, clip, origin

NAMES = [*CANDIDATE.split(", "), *CLIP.split(", ")]


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[list[tuple[Any, ...]]]:
    """Three clips, the second with all that a clip may have."""
    some = [replace(candidate(f"{n:010}A", rank=n), labels=("/m/05r5c",), group="one") for n in range(3)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.load(origin("Flute"), some)
        for one in some:
            made = replace(clip(one), fingerprint=bytes(range(256)) * 6)
            if one.rank == 1:
                kept, video = KeptSource("sources/x", "b" * 64, 7), VideoInfo("UC", "\u00e9", "\x1f")
                made = replace(made, kept=kept, video=video)
            ledger.accept(one, made, 0)
        yield next(ledger.checked_columns())


def other(value: Any) -> Any:
    """Nearly the same, of the same kind."""
    if isinstance(value, str | bytes):
        return value[:-1] + (b"\0" if isinstance(value, bytes) else "\u2028")
    return value + 1


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_another_value_in_any_column_is_refused(number: int, columns: list[tuple[Any, ...]]) -> None:
    check_columns(columns)
    first, full, last = columns[number]
    columns[number] = first, other(full), last
    with pytest.raises(ValueError, match=r"is not (the one that was|as it was) (loaded|written)"):
        check_columns(columns)


def test_a_fingerprint_that_is_no_bytes_is_refused(columns: list[tuple[Any, ...]]) -> None:
    number = NAMES.index("fingerprint")
    columns[number] = (*columns[number][:2], columns[number][2].hex())
    with pytest.raises(TypeError):
        check_columns(columns)


@pytest.mark.parametrize("number", range(OF_CANDIDATE), ids=NAMES[:OF_CANDIDATE])
def test_a_candidate_alone_is_refused_as_among_others(number: int, columns: list[tuple[Any, ...]]) -> None:
    row = [column[1] for column in columns]
    check_candidate(tuple(row))
    row[number] = other(row[number])
    with pytest.raises(ValueError, match="is not the one that was loaded"):
        check_candidate(tuple(row))


@pytest.mark.parametrize("number", range(OF_CANDIDATE, len(NAMES)), ids=NAMES[OF_CANDIDATE:])
def test_a_clip_alone_is_refused_as_among_others(number: int, columns: list[tuple[Any, ...]]) -> None:
    row, one = [column[1] for column in columns], replace(candidate(f"{1:010}A", rank=1), group="one")
    assert clip_of(one, tuple(row[OF_CANDIDATE:])).group == "one"
    row[number] = other(row[number])
    with pytest.raises(ValueError, match=r"is not (the one that was|as it was) (loaded|written)"):
        clip_of(one, tuple(row[OF_CANDIDATE:]))
