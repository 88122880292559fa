"""Which extraction is tried first, what that costs, and that a client switched off costs little.

Which stream is read; and that only a video that certainly has no sound is said to have none.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.simulator import Plan, Simulator, decide
from audioset_tools.simulator.faults import DEAD, OFF, PASSING
from audioset_tools.sources.connection.connection import Connection
from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.extractions import EXTRACTIONS, Extraction, Preference, choose_format
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import Reason, Scope
from tests.factories import candidate
from tests.sources.hearing import hear

Serve = Callable[[Plan], Simulator]
Connect = Callable[..., YouTube]

LEAN = EXTRACTIONS[0]
SKIP = LEAN.arguments["youtube"]["player_skip"]
OTHER = Extraction("other", {"youtube": {"player_client": ["web_embedded"], "player_skip": SKIP}})
"""In the place of the default one, which with this yt-dlp has no guest's client but the lean one's."""


def ids(number: int) -> list[str]:
    return [f"{n:09}_A" for n in range(number)]


def fetch(source: YouTube, ytid: str) -> Reason | None:
    try:
        hear(source, candidate(ytid))
    except FetchError as error:
        return error.reason
    return None


def after(preference: Preference, *winners: int | None) -> int:
    """Let videos go by, each got by one extraction or by none; says which is first then."""
    for winner in winners:
        order = preference.order()
        for number in order:
            if number == winner:
                preference.worked(order, number)
                break
            if number == order[0]:
                assert preference.leads_on(Reason.NO_FORMATS)
    return preference.first


def test_three_in_a_row_change_places_and_back() -> None:
    preference = Preference()
    assert after(preference, 1, 1) == 0
    assert after(preference, 1) == 1
    assert after(preference, 0, 0) == 1
    assert after(preference, 0) == 0


def test_what_comes_now_and_then_changes_nothing() -> None:
    preference = Preference()
    assert after(preference, *[1, 1, 0] * 50) == 0


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_client_that_fails_a_share_of_the_videos_stays_first(share: float) -> None:
    """Changing places would cost three requests a video for fifty videos."""
    rng, preference, changed = random.Random(1), Preference(), 0
    for _ in range(5_000):
        changed += after(preference, int(rng.random() < share)) == 1
    assert changed < 100


def test_a_client_that_is_switched_off_after_a_thousand_good_videos_is_found_out() -> None:
    preference = Preference()
    after(preference, *[0] * 1_000)
    assert next(n for n in range(1, 100) if after(preference, 1) == 1) <= 12


def test_videos_that_neither_gets_change_nothing() -> None:
    assert after(Preference(), *[None] * 200) == 0


def test_the_cheap_one_is_tried_again_and_taken_back_when_it_works() -> None:
    preference = Preference(again=50)
    assert after(preference, 1, 1, 1) == 1
    orders = [preference.order() for _ in range(500)]
    assert Counter(orders) == {(1, 0): 490, (0, 1): 10}
    while (order := preference.order())[0] != 0:
        preference.worked(order, 1)
    preference.worked(order, 0)
    assert preference.first == 0


@given(st.lists(st.sampled_from([0, 1, None]), max_size=300), st.integers(2, 60))
def test_any_history_leaves_an_order(winners: list[int | None], again: int) -> None:
    preference = Preference(again)
    assert after(preference, *winners) in (0, 1)
    assert sorted(preference.order()) == [0, 1]


@pytest.mark.parametrize("reason", Reason)
def test_which_reasons_lead_to_the_other_extraction(reason: Reason) -> None:
    leads = {Reason.NO_FORMATS, Reason.CLIENT, Reason.MEDIA_REFUSED, Reason.BAD_ANSWER, Reason.UNKNOWN}
    assert Preference().leads_on(reason) == (reason in leads)


def test_a_server_in_trouble_is_asked_once_unless_it_always_is() -> None:
    preference = Preference()
    assert [preference.leads_on(Reason.SERVER_ERROR) for _ in range(5)] == [False] * 3 + [True] * 2
    assert not preference.leads_on(Reason.PRIVATE)
    assert not preference.leads_on(Reason.SERVER_ERROR)


@pytest.mark.parametrize("way", OFF)
def test_a_client_that_is_switched_off_costs_a_few_requests(serve: Serve, connect: Connect, way: str) -> None:
    simulator = serve(Plan(clients_off={"VISIONOS": way}))
    source = connect(simulator, extractions=(LEAN, OTHER), patience=Patience())
    assert {fetch(source, ytid) for ytid in ids(12)} == {None}
    requests = simulator.counts()["requests"]
    assert requests["player"] == 12 + 3, requests
    assert requests["media"] == 24 + (3 if way == "media-403" else 0)


def test_a_user_who_chooses_a_client_gets_that_one(serve: Serve) -> None:
    simulator = serve(Plan(clients_off={"VISIONOS": "no-formats"}))
    source = YouTube(
        Pace(parse_pace("unlimited")),
        Connection(simulator.proxy, check_certificate=False, options={"extractor_args": LEAN.arguments}),
    )
    try:
        assert fetch(source, ids(1)[0]) is Reason.NO_FORMATS
    finally:
        source.close()
    assert +Counter(simulator.counts()["requests"]) == {"player": 1}


def test_now_and_then_a_403_is_got_over_and_changes_nothing(serve: Serve, connect: Connect) -> None:
    tried = ids(12)
    simulator = serve(Plan(faults={tried[2]: "media-403", tried[7]: "media-403"}))
    source = connect(simulator, extractions=(LEAN, OTHER), patience=Patience())
    assert {fetch(source, ytid) for ytid in tried} == {None}
    assert simulator.counts()["requests"]["player"] == 12 + 2


def test_a_final_answer_in_plain_words_is_asked_for_once(serve: Serve, connect: Connect) -> None:
    plain = [fault for fault in DEAD if fault not in ("age-gated", "drm")]
    gone = dict(zip(ids(len(plain)), plain, strict=True))
    simulator = serve(Plan(faults=gone))
    source = connect(simulator, patience=Patience())
    assert all(fetch(source, ytid) for ytid in gone)
    assert simulator.counts()["requests"]["player"] == len(plain)
    assert simulator.counts()["requests"]["page"] == 0


PLAIN = [fault for fault in DEAD if fault not in ("age-gated", "drm")]
"""Of what a video is said to be dead in words that need no second opinion."""


@pytest.mark.parametrize(
    ("shares", "most"),
    [
        (dict.fromkeys(PLAIN, 0.25 / len(PLAIN)), 1.1),
        # Of every kind, and one in fifty fails in passing in the media, one in a hundred is odd.
        (
            dict.fromkeys(DEAD, 0.2 / len(DEAD))
            | dict.fromkeys(("media-403", "media-503", "truncate", "reset"), 0.02 / 4)
            | dict.fromkeys(("unavailable", "kids"), 0.01 / 2),
            1.2,
        ),
    ],
    ids=["a quarter dead for plain reasons", "every kind"],
)
def test_a_realistic_mix_takes_little_more_than_one_request_a_video(
    serve: Serve, connect: Connect, shares: dict[str, float], most: float
) -> None:
    plan = Plan(seed=11, shares=shares)
    simulator = serve(plan)
    source = connect(simulator, patience=Patience())
    tried = ids(60)
    reasons = Counter(fetch(source, ytid) for ytid in tried)
    counts = simulator.counts()
    clips = reasons.pop(None)
    expected = [decide(plan, ytid).fault for ytid in tried]
    requests = {kind: n for kind, n in counts["requests"].items() if kind != "media"}
    told = (
        f"{sum(requests.values()) / len(tried):.3f} requests a video tried ({requests}), "
        f"{counts['requests']['media'] / clips:.2f} media requests and "
        f"{counts['bytes_sent'] / clips / 1000:.0f} kB a clip, {clips} clips, {dict(reasons)}"
    )
    assert sum(requests.values()) <= most * len(tried), told
    assert counts["bytes_sent"] < 350_000 * clips, told
    assert sum(reasons.values()) <= sum(fault in (*DEAD, *PASSING, "unavailable") for fault in expected), told
    assert all(reason.scope is not Scope.RUN for reason in reasons), told


BOARD = {
    "format_id": "sb0",
    "url": "https://i.ytimg.com/x",
    "protocol": "mhtml",
    "acodec": "none",
    "vcodec": "none",
}
PICTURE = {"format_id": "160", "url": "https://x", "protocol": "https", "acodec": "none", "vcodec": "avc1"}
OPUS = {
    "format_id": "251",
    "url": "https://x",
    "protocol": "https",
    "acodec": "opus",
    "vcodec": "none",
    "tbr": 130,
}
AAC = {
    "format_id": "140",
    "url": "https://x",
    "protocol": "https",
    "acodec": "mp4a.40.2",
    "vcodec": "none",
    "tbr": 129,
}
MUXED = {
    "format_id": "18",
    "url": "https://x",
    "protocol": "https",
    "acodec": "mp4a.40.2",
    "vcodec": "avc1",
    "tbr": 500,
}
UNTOLD = {"format_id": "234", "url": "https://x", "protocol": "m3u8_native", "acodec": None, "vcodec": "none"}


def chosen(*formats: dict[str, Any], lists_sound: bool = False) -> str | Reason:
    try:
        return str(choose_format({"formats": list(formats)}, lists_sound)["format_id"])
    except FetchError as error:
        return error.reason


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        ([BOARD, PICTURE, AAC, OPUS, MUXED], "251"),
        ([MUXED, AAC], "140"),
        ([BOARD, MUXED, PICTURE], "18"),
        ([{**OPUS, "has_drm": True}, AAC], "140"),
        ([{**OPUS, "has_drm": "maybe"}], "251"),
        ([UNTOLD, {**PICTURE, "protocol": "m3u8_native"}], "234"),
        ([UNTOLD, MUXED], "18"),
        ([{**OPUS, "format_id": "251-drc"}, OPUS], "251"),
        (
            [{**OPUS, "format_id": "251-1", "language_preference": 5}, {**AAC, "language_preference": 10}],
            "140",
        ),
        ([{**OPUS, "preference": -10}, AAC], "140"),
        ([{"format_id": "251", "url": "https://x"}], "251"),
    ],
)
def test_the_best_sound_is_read(formats: list[dict[str, Any]], expected: str) -> None:
    assert chosen(*formats) == chosen(*reversed(formats)) == expected


@pytest.mark.parametrize(
    ("formats", "lists_sound", "expected"),
    [
        ([], False, Reason.NO_FORMATS),
        ([BOARD], False, Reason.NO_FORMATS),
        ([{**OPUS, "url": None}], True, Reason.NO_FORMATS),
        ([{**OPUS, "protocol": "sabr"}], True, Reason.NO_FORMATS),
        ([{**OPUS, "protocol": "http_dash_segments"}], True, Reason.NO_FORMATS),
        ([BOARD, PICTURE], True, Reason.NO_FORMATS),
        ([BOARD, PICTURE], False, Reason.NO_AUDIO),
        ([{**OPUS, "has_drm": True}, {**AAC, "has_drm": True}], True, Reason.DRM),
    ],
)
def test_why_there_is_none(formats: list[dict[str, Any]], lists_sound: bool, expected: Reason) -> None:
    assert chosen(*formats, lists_sound=lists_sound) is expected
