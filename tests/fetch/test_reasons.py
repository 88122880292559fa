"""What YouTube's words mean, above all that a refusal of the run is never taken for a dead clip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.reasons import reason_of
from audioset_tools.types import Reason, Scope

SAID = [
    (
        "Video unavailable. This content isn't available, try again later. The current session has been "
        "rate-limited by YouTube for up to an hour.",
        Reason.RATE_LIMITED,
    ),
    ("Sign in to confirm you’re not a bot. Use --cookies", Reason.BOT_CHECK),
    ("Video unavailable. YouTube is requiring a captcha challenge before playback", Reason.CAPTCHA),
    ("All player responses are invalid. Your IP is likely being blocked by Youtube", Reason.WRONG_VIDEO),
    ("Private video. Sign in if you've been granted access to this video", Reason.PRIVATE),
    ("Video unavailable. This video has been removed by the uploader", Reason.REMOVED),
    (
        "Video unavailable. This video is no longer available because the YouTube account associated with "
        "this video has been terminated.",
        Reason.TERMINATED,
    ),
    ("Video unavailable. This video is no longer available due to a copyright claim by X", Reason.COPYRIGHT),
    ("Sign in to confirm your age. This video may be inappropriate for some users.", Reason.AGE_GATED),
    ("The uploader has not made this video available in your country", Reason.GEO_BLOCKED),
    ("Join this channel to get access to members-only content like this video", Reason.MEMBERS_ONLY),
    ("This live event will begin in 3 hours.", Reason.LIVE),
    ("Premieres in 20 minutes", Reason.LIVE),
    ("This video is DRM protected", Reason.DRM),
    ("Video unavailable", Reason.UNAVAILABLE),
]


@pytest.mark.parametrize(("said", "reason"), SAID, ids=[reason for _, reason in SAID])
def test_youtubes_own_words(said: str, reason: Reason) -> None:
    assert reason_of(said, worded_by_youtube=True) is reason


@pytest.mark.parametrize(("said", "reason"), SAID, ids=[reason for _, reason in SAID])
def test_trouble_on_the_way_is_never_final(said: str, reason: Reason) -> None:
    assert reason_of(said, worded_by_youtube=False).scope is not Scope.FINAL


@given(st.text(max_size=80), st.sampled_from([said for said, reason in SAID if reason.scope is Scope.RUN]))
def test_a_refusal_of_the_run_is_seen_behind_any_wrapper(wrapper: str, said: str) -> None:
    assert reason_of(f"{wrapper} Video unavailable. {said}", worded_by_youtube=True).scope is Scope.RUN


@given(st.text(alphabet="abcdefgh ", max_size=80))
def test_unknown_words_are_tried_again(said: str) -> None:
    assert reason_of(said, worded_by_youtube=True) is Reason.UNKNOWN
    assert Reason.UNKNOWN.scope is Scope.PASSING
