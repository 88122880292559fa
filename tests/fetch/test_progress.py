"""When a clip that failed for now is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.progress import LONGEST_WAIT, retry_at


@given(key=st.text(max_size=12), attempts=st.integers(1, 30), first_wait=st.floats(0.1, 600))
def test_the_wait_doubles_up_to_an_hour_with_a_quarter_of_jitter(
    key: str, attempts: int, first_wait: float
) -> None:
    wait = min(first_wait * 2 ** (attempts - 1), LONGEST_WAIT)
    at = retry_at(key, attempts, 1_000.0, first_wait, most_attempts=99)
    assert at is not None
    assert wait * 0.999 <= at - 1_000 <= wait * 1.2501
    assert at == retry_at(key, attempts, 1_000.0, first_wait, most_attempts=99)


def test_after_the_last_attempt_there_is_no_next() -> None:
    assert retry_at("a", 4, 0.0, 30, most_attempts=5) is not None
    assert retry_at("a", 5, 0.0, 30, most_attempts=5) is None
