"""What words, statuses and errors mean: above all, no refusal of the run is ever taken for a dead clip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.sources.reasons import Stage, Trouble, reason_of
from audioset_tools.types import Reason, Scope

SAID = [
    (
        "Video unavailable. This content isn't available, try again later. The current session has been "
        "rate-limited by YouTube for up to an hour.",
        Reason.RATE_LIMITED,
    ),
    ("Sign in to confirm you’re not a bot. Use --cookies", Reason.BOT_CHECK),
    ("Sign in to confirm you're not a bot", Reason.BOT_CHECK),
    ("Video unavailable. YouTube is requiring a captcha challenge before playback", Reason.CAPTCHA),
    ("Our systems have detected unusual traffic from your computer network", Reason.CAPTCHA),
    ("All player responses are invalid. Your IP is likely being blocked by Youtube", Reason.WRONG_VIDEO),
    ("The following content is not available on this app.. Watch on the latest version", Reason.CLIENT),
    ("This content isn’t available on this app", Reason.CLIENT),
    ("This video is not available on this device.", Reason.CLIENT),
    ("YouTube is no longer supported in this application or device", Reason.CLIENT),
    ("The page needs to be reloaded.", Reason.CLIENT),
    ("YouTube said: ERROR - Precondition check failed.", Reason.CLIENT),
    ("YouTube said: ERROR - Request contains an invalid argument.", Reason.CLIENT),
    ("Please sign in. Use --cookies-from-browser", Reason.CLIENT),
    ("An error occurred. Please try again later. (Playback ID: x)", Reason.CLIENT),
    ("This video is unavailable. Error code: 152 - 18", Reason.CLIENT),
    ("Video unavailable. Playback on other websites has been disabled by the video owner", Reason.CLIENT),
    ("Video unavailable. This video is restricted. Try signing in with a Google Workspace", Reason.CLIENT),
    ("Private video. Sign in if you've been granted access to this video", Reason.PRIVATE),
    ("This video is private", Reason.PRIVATE),
    ("Video unavailable. This video has been removed by the uploader", Reason.REMOVED),
    ("This video has been removed for violating YouTube's policy on hate speech", Reason.REMOVED),
    ("This video isn't available anymore", Reason.REMOVED),
    ("This video does not exist.", Reason.REMOVED),
    (
        "Video unavailable. This video is no longer available because the YouTube account associated with "
        "this video has been terminated.",
        Reason.TERMINATED,
    ),
    ("This video isn't available because the uploader has closed their YouTube account", Reason.TERMINATED),
    ("Video unavailable. This video is no longer available due to a copyright claim by X", Reason.COPYRIGHT),
    (
        "It contains content from X, who has blocked it in your country on copyright grounds",
        Reason.GEO_BLOCKED,
    ),
    ("This video contains content from X, who has blocked it on copyright grounds", Reason.COPYRIGHT),
    (
        "Video unavailable. This video is restricted. Please check the Google Workspace administrator and/or "
        "the network administrator restrictions",
        Reason.RESTRICTED,
    ),
    ("This video is not available", Reason.UNAVAILABLE),
    ("This video is unavailable", Reason.UNAVAILABLE),
    ("We're processing this video. Check back later.", Reason.CLIENT),
    ("Sign in to confirm your age. This video may be inappropriate for some users.", Reason.AGE_GATED),
    ("This video is age-restricted and only available on YouTube.", Reason.AGE_GATED),
    ("The uploader has not made this video available in your country", Reason.GEO_BLOCKED),
    ("Video unavailable. This video is not available in your region", Reason.GEO_BLOCKED),
    ("This video is not available from your location due to geo restriction", Reason.GEO_BLOCKED),
    ("This content is not available on this country domain due to a legal complaint", Reason.GEO_BLOCKED),
    ("Join this channel to get access to members-only content like this video", Reason.MEMBERS_ONLY),
    ("This video is available to this channel's members on level: Fan", Reason.MEMBERS_ONLY),
    ("This video requires payment to watch.", Reason.PAID),
    ("This video is only available to Music Premium members", Reason.PAID),
    ("This live event will begin in 3 hours.", Reason.LIVE),
    ("This live event has ended.", Reason.LIVE),
    ("This live stream recording is not available.", Reason.LIVE),
    ("Premieres in 20 minutes", Reason.LIVE),
    ("Premiere will begin shortly", Reason.LIVE),
    ("This video is DRM protected", Reason.DRM),
    ("Video unavailable", Reason.UNAVAILABLE),
    ("Video unavailable. This video is not available", Reason.UNAVAILABLE),
    ("This video is unavailable", Reason.UNAVAILABLE),
]

OFFLINE = [
    ("Failed to resolve 'www.youtube.com' ([Errno -2] Name or service not known)", False),
    ("Failed to resolve 'www.youtube.com' ([Errno -3] Temporary failure in name resolution)", True),
    ("Failed to establish a new connection: [Errno 101] Network is unreachable", True),
    ("Failed to establish a new connection: [Errno 113] No route to host", False),
    ("Failed to establish a new connection: [Errno 111] Connection refused", False),
    ("Connection to www.youtube.com timed out. (connect timeout=20)", False),
    ("('Unable to connect to proxy', NewConnectionError('... Connection refused'))", True),
]
"""What a machine without a network sees, and whether it is sure even of one media server."""

FFMPEG = [
    ("Server returned 403 Forbidden (access denied)", Reason.MEDIA_REFUSED),
    ("Server returned 404 Not Found", Reason.MEDIA_REFUSED),
    ("Server returned 4XX Client Error, but not one of 40{0,1,3,4}", Reason.MEDIA_REFUSED),
    ("HTTP error 429 Too Many Requests", Reason.TOO_MANY_REQUESTS),
    ("Server returned 5XX Server Error reply", Reason.SERVER_ERROR),
    ("Connection to tcp://127.0.0.1:9 failed: Connection refused", Reason.CONNECTION),
    ("Error in the pull function: Connection reset by peer", Reason.CONNECTION),
    ("Connection timed out", Reason.TIMEOUT),
    ("Stream map '0:a' matches no streams.", Reason.NO_AUDIO),
    ("Invalid data found when processing input", Reason.DECODE),
    ("ffmpeg said nothing", Reason.DECODE),
]


@pytest.mark.parametrize(
    ("said", "reason"), SAID, ids=[f"{reason}-{n}" for n, (_, reason) in enumerate(SAID)]
)
def test_youtubes_own_words(said: str, reason: Reason) -> None:
    assert reason_of(Trouble(Stage.ANSWER, said)) is reason


@pytest.mark.parametrize("stage", [Stage.PLAYER, Stage.MEDIA])
@pytest.mark.parametrize(
    ("said", "reason"), SAID, ids=[f"{reason}-{n}" for n, (_, reason) in enumerate(SAID)]
)
def test_trouble_on_the_way_is_never_final(said: str, reason: Reason, stage: Stage) -> None:
    assert reason_of(Trouble(stage, said)).scope is not Scope.FINAL


@given(st.text(max_size=80), st.sampled_from([said for said, reason in SAID if reason.scope is Scope.RUN]))
def test_a_refusal_of_the_run_is_seen_behind_any_wrapper(wrapper: str, said: str) -> None:
    assert reason_of(Trouble(Stage.ANSWER, f"{wrapper} Video unavailable. {said}")).scope is Scope.RUN
    assert reason_of(Trouble(Stage.ANSWER, "Video unavailable", f"{wrapper}\n{said}")).scope is Scope.RUN


@given(st.sampled_from([said for said, reason in SAID if reason.scope is Scope.FINAL]))
def test_a_warning_alone_is_never_final(said: str) -> None:
    assert reason_of(Trouble(Stage.ANSWER, "the answer names no stream", said)).scope is not Scope.FINAL


@given(st.text(alphabet="abcdefgh ", max_size=80), st.sampled_from([Stage.ANSWER, Stage.PLAYER, Stage.MEDIA]))
def test_unknown_words_are_tried_again(said: str, stage: Stage) -> None:
    assert reason_of(Trouble(stage, said)) is Reason.UNKNOWN
    assert Reason.UNKNOWN.scope is Scope.PASSING


@given(
    st.text(max_size=40),
    st.none() | st.integers(100, 599),
    st.frozensets(st.sampled_from(["TransportError", "ProxyError", "IncompleteRead", "GeoRestrictedError"])),
    st.sampled_from([Stage.PLAYER, Stage.MEDIA]),
)
def test_only_answers_are_final(said: str, status: int | None, raised: frozenset[str], stage: Stage) -> None:
    assert reason_of(Trouble(stage, said, status=status, raised=raised)).scope is not Scope.FINAL


@pytest.mark.parametrize(
    ("status", "player", "media"),
    [
        (302, Reason.BAD_ANSWER, Reason.BAD_ANSWER),
        (400, Reason.CLIENT, Reason.MEDIA_REFUSED),
        (402, Reason.TOO_MANY_REQUESTS, Reason.MEDIA_REFUSED),
        (403, Reason.CLIENT, Reason.MEDIA_REFUSED),
        (407, Reason.PROXY, Reason.MEDIA_REFUSED),
        (416, Reason.CLIENT, Reason.BAD_ANSWER),
        (429, Reason.TOO_MANY_REQUESTS, Reason.TOO_MANY_REQUESTS),
        (451, Reason.CLIENT, Reason.MEDIA_REFUSED),
        (500, Reason.SERVER_ERROR, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR, Reason.SERVER_ERROR),
    ],
)
def test_statuses(status: int, player: Reason, media: Reason) -> None:
    assert reason_of(Trouble(Stage.PLAYER, "Failed to extract any player response", status=status)) is player
    assert reason_of(Trouble(Stage.MEDIA, f"HTTP Error {status}", status=status)) is media


@pytest.mark.parametrize(("said", "sure"), OFFLINE, ids=[said[:40] for said, _ in OFFLINE])
def test_no_network_is_the_runs_but_one_lost_media_server_the_clips(said: str, sure: bool) -> None:
    raised = frozenset({"TransportError", "RequestError"})
    assert reason_of(Trouble(Stage.PLAYER, "no answer came", said, raised=raised)) is Reason.NETWORK_DOWN
    media = reason_of(Trouble(Stage.MEDIA, said, raised=raised))
    assert media is Reason.NETWORK_DOWN if sure else media.scope is Scope.PASSING


@pytest.mark.parametrize(("said", "reason"), FFMPEG, ids=[said[:30] for said, _ in FFMPEG])
def test_ffmpegs_words(said: str, reason: Reason) -> None:
    assert reason_of(Trouble(Stage.FFMPEG, said)) is reason
