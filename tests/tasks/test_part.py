"""A share of the work: what users write, and that shares make up the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import UsageError
from audioset_tools.tasks.part import MOST_PARTS, WHOLE, ArrayPart, parse_part, unfinished


@given(st.lists(st.integers()), st.integers(1, 40))
def test_every_task_is_of_one_part(tasks: list[int], of: int) -> None:
    shares = [ArrayPart(number, of).share(tasks) for number in range(1, of + 1)]
    assert sorted(task for share in shares for task in share) == sorted(tasks)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert shares == [[*ArrayPart(number, of).each(iter(tasks))] for number in range(1, of + 1)]


def test_a_part_is_read_as_it_is_written() -> None:
    assert parse_part("2/4") == ArrayPart(2, 4)
    assert parse_part("1/1") == WHOLE and WHOLE.is_first and not ArrayPart(2, 4).is_first
    assert str(ArrayPart(2, 4)) == "part 2 of 4"


@pytest.mark.parametrize(
    "text", ["", "0/4", "5/4", "1", "1/0", "-1/4", "1/4/4", "a/b", "1/4 ", "\N{ARABIC-INDIC DIGIT ONE}/4",
    f"1/{MOST_PARTS + 1}", "9" * 10_000],
)  # fmt: skip
def test_what_is_no_part_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="no part") as caught:
        parse_part(text)
    assert "SLURM_ARRAY_TASK_ID" in caught.value.remedy and len(caught.value.what) < 60


def test_what_is_left_is_told() -> None:
    assert unfinished(1_234, "shards").startswith("1,234 shards are still to be made by other parts")
