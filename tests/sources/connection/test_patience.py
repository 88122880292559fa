"""Answers that drip, flood or never begin, on a clock of our own; and threads that end when told to."""

import io
import threading
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.sources.connection.patience import BoundedBody, Endable, Patience, within


class Given(Exception):
    """What is raised past a bound."""


class Slow:
    """A body that gives some bytes a read, each read taking a second."""

    def __init__(self, total: float, a_second: int) -> None:
        self.left = total
        self.a_second = a_second
        self.now = 0.0
        self.reads = 0
        self.closed = False

    def read1(self, amount: int) -> bytes:
        self.reads += 1
        self.now += 1
        size = int(min(amount, self.left, self.a_second))
        self.left -= size
        return bytes(size)

    def close(self) -> None:
        self.closed = True


def bounded(body: Slow, patience: Patience) -> BoundedBody:
    return BoundedBody(body, patience, Given, lambda: body.now)


@given(st.binary(max_size=300_000), st.lists(st.none() | st.integers(0, 70_000), max_size=9))
def test_what_comes_in_time_is_untouched(data: bytes, amounts: list[int | None]) -> None:
    body, plain = BoundedBody(io.BytesIO(data), Patience(), Given), io.BytesIO(data)
    for amount in [*amounts, None, None]:
        assert body.read(amount) == plain.read(amount)
    assert not body.closed
    body.close()
    assert body.closed


def test_a_byte_a_second_is_given_up() -> None:
    body = Slow(total=float("inf"), a_second=1)
    with pytest.raises(Given, match="timed out: 61 bytes in 61 s"):
        bounded(body, Patience()).read()
    assert body.closed


def test_a_slow_line_is_waited_for() -> None:
    """32 KiB/s is what YouTube is reported to go down to."""
    body = Slow(total=20_000_000, a_second=32_768)
    assert len(bounded(body, Patience()).read(20_000_000)) == 20_000_000
    assert body.now > 600


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(1, 100))
def test_every_body_ends(a_second: int, rate: int, seconds: int) -> None:
    patience = Patience(body=seconds, rate=rate, size=10**5)
    body = Slow(total=float("inf"), a_second=a_second)
    with pytest.raises(Given):
        bounded(body, patience).read()
    assert body.now <= 1 + min(patience.longest, seconds + (patience.size + 65_536) / rate)
    assert body.reads <= patience.crumbs + patience.size // 512 + 2


def test_a_drip_that_is_just_fast_enough_ends_all_the_same() -> None:
    """It was 65 minutes for 32 MB."""
    body = Slow(total=float("inf"), a_second=8_193)
    with pytest.raises(Given, match="timed out"):
        bounded(body, Patience()).read()
    assert body.now <= 901


def test_crumbs_are_counted_and_small_reads_are_none() -> None:
    patience = Patience(body=10**9, longest=10**9)
    crumbs = Slow(total=float("inf"), a_second=1)
    with pytest.raises(Given, match="almost one by one"):
        bounded(crumbs, patience).read()
    assert crumbs.reads < 10_100
    whole = bounded(Slow(total=50_000, a_second=65_536), patience)
    assert sum(len(whole.read(1)) for _ in range(50_001)) == 50_000


def test_many_reads_share_the_bounds() -> None:
    answer = bounded(Slow(total=float("inf"), a_second=1000), Patience(size=5_000))
    with pytest.raises(Given, match="does not end"):
        while answer.read(100):
            pass


def test_a_bomb_is_counted_as_it_unfolds() -> None:
    """urllib3 unfolds by parts where it is asked for parts."""
    import urllib3

    bomb = zlib.compress(bytes(200_000_000), 9)
    answer = urllib3.HTTPResponse(
        io.BytesIO(bomb), {"content-encoding": "deflate"}, preload_content=False, status=200
    )
    with pytest.raises(Given, match="does not end"):
        BoundedBody(answer, Patience(size=1_000_000), Given).read(None, decode_content=True)


def test_within_gives_what_is_returned_or_raised() -> None:
    assert within(5, lambda: 7, print) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0, print)


def test_what_comes_too_late_is_put_away() -> None:
    go, gone = threading.Event(), threading.Event()
    put_away: list[int] = []

    def late() -> int:
        go.wait(5)
        return 7

    def forget(answer: int) -> None:
        put_away.append(answer)
        gone.set()

    with pytest.raises(TimeoutError, match="no answer within"):
        within(0.05, late, forget)
    go.set()
    # It is told to end, unless what it got was there already.
    assert gone.wait(1) is (put_away == [7])


def test_what_is_waited_for_no_longer_reads_on_for_nobody() -> None:
    """A head without end would keep a thread busy for as long as the server sends."""
    reading = threading.Event()

    def endless() -> None:
        while True:
            reading.set()
            time.sleep(0.001)

    with pytest.raises(TimeoutError):
        within(0.05, endless, print)
    assert reading.is_set()
    assert ended("request")


def test_a_thread_that_is_over_is_left_alone() -> None:
    thread = Endable(lambda: None, "short")
    thread.start()
    thread.join(20)
    thread.end_soon()
    Endable(lambda: None, "never started").end_soon()


def ended(name: str) -> bool:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(20)
    return name not in {thread.name for thread in threading.enumerate()}
