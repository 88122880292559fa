"""One client's word is not enough to lose a video, and asking another one costs little in the long run."""

import random

import pytest

from audioset_tools.sources.opinions import OUT_OF_ORDER, SAMPLE, Opinions, wording
from audioset_tools.sources.reasons import generic
from audioset_tools.sources.source import FetchError
from audioset_tools.types import Reason

KIDS = "This video is not available"


def confirm(opinions: Opinions, times: int, agreed: bool = True) -> None:
    for _ in range(times):
        opinions.settled(Reason.UNAVAILABLE, KIDS, agreed)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.PRIVATE, "Private video"),
        (Reason.REMOVED, "This video has been removed by the uploader"),
        (Reason.TERMINATED, "the YouTube account associated with this video has been terminated"),
        (Reason.GEO_BLOCKED, "The uploader has not made this video available in your country"),
        (Reason.MEMBERS_ONLY, "Join this channel"),
        (Reason.PAID, "This video requires payment to watch"),
        (Reason.LIVE, "live status is_live"),
        (Reason.BEYOND_END, "the stream ends at 3 ms"),
    ],
)
def test_a_verdict_in_plain_words_needs_no_second_opinion(reason: Reason, words: str) -> None:
    assert not Opinions().wanted_for_verdict(reason, words)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.UNAVAILABLE, KIDS),
        (Reason.AGE_GATED, "Sign in to confirm your age"),
        (Reason.DRM, "This video is DRM protected"),
        (Reason.NO_AUDIO, "the video has no sound"),
        (Reason.REMOVED, "This video is no longer available"),
    ],
)
def test_a_verdict_in_generic_words_does(reason: Reason, words: str) -> None:
    assert generic(reason, words)
    assert Opinions().wanted_for_verdict(reason, words)


def test_words_confirmed_nineteen_times_are_believed_and_sampled() -> None:
    opinions = Opinions()
    confirm(opinions, 18)
    assert opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS)
    confirm(opinions, 1)
    asked = [opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS) for _ in range(10 * SAMPLE)]
    assert sum(asked) == 10
    assert opinions.wanted_for_verdict(Reason.AGE_GATED, "Sign in to confirm your age")


def test_one_contradiction_has_all_of_them_asked_again() -> None:
    opinions = Opinions()
    confirm(opinions, 25)
    confirm(opinions, 1, agreed=False)
    assert opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS)


@pytest.mark.parametrize("living", [0, 0.01, 0.03, 0.05, 0.0625, 0.0875, 0.15, 0.5, 1])
def test_few_living_videos_are_lost_whatever_their_share(living: float) -> None:
    """Of 2,000 videos with the same generic words a share lives: on average 5 % at most get lost.

    By bad luck more are: words that are wrong one time in eleven may be right the first 19 times.
    """
    lost = 0
    for seed in range(30):
        rng, opinions = random.Random(seed), Opinions()
        for _ in range(2_000):
            alive = rng.random() < living
            if opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS):
                opinions.settled(Reason.UNAVAILABLE, KIDS, agreed=not alive)
            else:
                lost += alive
    assert lost <= 0.05 * 2_000 * 30


def test_what_was_confirmed_is_known_to_the_next_run() -> None:
    before = Opinions()
    confirm(before, 19)
    assert not Opinions(before.confirmed).wanted_for_verdict(Reason.UNAVAILABLE, KIDS)


def test_an_extraction_that_is_out_of_order_is_not_waited_for() -> None:
    opinions = Opinions()
    for _ in range(OUT_OF_ORDER):
        assert opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS)
        opinions.verdict(FetchError(Reason.UNAVAILABLE, KIDS), FetchError(Reason.SERVER_ERROR, "500"))
    asked = [opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS) for _ in range(SAMPLE)]
    assert sum(asked) == 1
    confirm(opinions, 1)
    assert opinions.wanted_for_verdict(Reason.UNAVAILABLE, KIDS)


def test_a_block_costs_one_second_opinion() -> None:
    opinions = Opinions()
    assert opinions.wanted_for_refusal(Reason.BOT_CHECK)
    opinions.refused_by_both()
    assert not opinions.wanted_for_refusal(Reason.BOT_CHECK)
    opinions.answered()
    assert opinions.wanted_for_refusal(Reason.RATE_LIMITED)


@pytest.mark.parametrize("reason", [Reason.TOO_MANY_REQUESTS, Reason.CAPTCHA, Reason.NETWORK_DOWN])
def test_what_concerns_the_address_is_believed_at_once(reason: Reason) -> None:
    assert not Opinions().wanted_for_refusal(reason)


def test_names_and_numbers_make_no_wording_of_their_own() -> None:
    words = ["Error 12 of this video. By X", "Error 345 of this video. By Y\nmore"]
    assert len({wording(Reason.UNAVAILABLE, one) for one in words}) == 1
    assert len(wording(Reason.UNAVAILABLE, "x" * 10_000)) < 120
