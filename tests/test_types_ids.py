"""The forms in which people hold an id, and that nothing else is taken for one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.types import MOST_OF_AN_ID, YTID, ClipId, parse_id

ytids = st.from_regex(YTID, fullmatch=True)
starts = st.integers(0, 10**10 - 1)
hosts = st.sampled_from(
    ["youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "WWW.YouTube.com"]
)
schemes = st.sampled_from(["https://", "http://", "HTTPS://", ""])
behind = st.sampled_from(["", "?t=30", "?t=1m30s&si=x_-", "#t=30", "?feature=share", "/"])


@given(ytids)
def test_an_id_is_a_video_with_a_y_in_front_or_without(ytid: str) -> None:
    for text in (ytid, f"Y{ytid}", f" {ytid}\n", f"Y{ytid}.wav", f"/my/sounds/{ytid}.webm"):
        assert parse_id(text) == ClipId(ytid)


@given(ytids, starts, st.sampled_from(["", "Y"]), st.sampled_from(["", ".wav", ".flac", ".m4a"]))
def test_a_key_is_a_clip_whatever_its_file_is_called_and_wherever_it_lies(
    ytid: str, start: int, y: str, suffix: str
) -> None:
    name = f"{y}{ytid}_{start}{suffix}"
    for folder in ("", "clips/Flute/", "./", "/a b/https:/", r"C:\clips\Other" + "\\"):
        found = parse_id(folder + name)
        assert found == ClipId(ytid, start) and str(found) == f"{ytid}_{start}"
        assert found.holds(f"{ytid}_{start}") and not found.holds(f"{ytid}_{start}0")
        assert ClipId(ytid).holds(f"{ytid}_{start}")


@given(ytids, schemes, hosts, behind)
def test_an_address_is_a_video_and_its_moment_is_none_of_a_clip(
    ytid: str, scheme: str, host: str, rest: str
) -> None:
    after = rest.replace("?", "&").rstrip("/")
    assert parse_id(f"{scheme}{host}/watch?v={ytid}{after}") == ClipId(ytid)
    assert parse_id(f"{scheme}{host}/watch?list=PL&v={ytid}&t=30s") == ClipId(ytid)
    for place in ("shorts", "embed", "live", "v"):
        assert parse_id(f"{scheme}{host}/{place}/{ytid}{rest}") == ClipId(ytid)
    assert parse_id(f"{scheme}youtu.be/{ytid}{rest}") == ClipId(ytid)
    assert parse_id(f"{scheme}www.youtube-nocookie.com/embed/{ytid}{rest}") == ClipId(ytid)


@given(st.text(max_size=80))
def test_of_any_text_only_what_is_an_id_comes_out(text: str) -> None:
    found = parse_id(text)
    assert found is None or (YTID.fullmatch(found.ytid) and found.ytid in text)


@pytest.mark.parametrize(
    "text",
    [
        "", "abc", "Y", "abcdefghijB", "abcdefghij\u0663", "abcdefghijA_", "abcdefghijA_01", "abcdefghijA_-1",
        "abcdefghijA_99999999999", "abcdefghijA.exe", "train-00000.h5", "abcdefghijA/", "abcdefghijA b",
        "https://vimeo.com/abcdefghijA", "https://youtube.com.evil.org/watch?v=abcdefghijA",
        "https://www.youtube.com/watch?v=abcdefghijB", "https://www.youtube.com/@abcdefghijA",
        "https://www.youtube.com/", "https://youtu.be", "file://clips/Yabcdefghij_0.wav",
        "ftp://youtu.be/abcdefghijA", "javascript:abcdefghijA", "http://[/abcdefghijA",
    ],
)  # fmt: skip
def test_what_is_near_an_id_is_none(text: str) -> None:
    assert parse_id(text) is None


@pytest.mark.parametrize("piece", ["A", "Y", "/", "..", "youtu.be/", "?v=", "&", "%", "abcdefghijA_0"])
def test_a_hostile_text_is_cut_off_before_anything_looks_at_it(piece: str) -> None:
    begun = time.process_time()
    assert parse_id(piece * (10_000_000 // len(piece))) is None
    assert parse_id("youtu.be/abcdefghijA?" + piece * MOST_OF_AN_ID) is None
    parse_id((piece * MOST_OF_AN_ID)[:MOST_OF_AN_ID])
    assert time.process_time() - begun < 1
