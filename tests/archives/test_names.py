"""What a file's name says of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.archives.names import FileName, Match, match, parse_name
from audioset_tools.types import YTID

ID = "-_Y_30_40_A"
"""An id made to be mistaken: for an option, for a prefix, for numbers."""

ids = st.from_regex(YTID, fullmatch=True)
starts = st.integers(0, 40_000_000)
lengths = st.integers(1, 10_000)
suffixes = st.sampled_from([".wav", ".flac", ".m4a", ".MP3", ".16k.wav", ".f251.webm", ".3gp", ""])
prefixes = st.sampled_from(["", "Y"])


def seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"


@given(prefixes, ids, suffixes)
def test_a_name_of_an_id_alone_gives_the_id(prefix: str, ytid: str, suffix: str) -> None:
    name = parse_name(f"{prefix}{ytid}{suffix}")
    assert name == FileName(ytid, None, None)
    assert match(name, 30_000, 40_000) is Match.VIDEO


@given(prefixes, ids, suffixes, starts, lengths, st.sampled_from([str, seconds]))
def test_a_name_with_times_gives_the_id_and_fits_its_segment(
    prefix: str, ytid: str, suffix: str, start: int, length: int, written: type[str]
) -> None:
    only_start = parse_name(f"{prefix}{ytid}_{written(start)}{suffix}")
    both = parse_name(f"{prefix}{ytid}_{written(start)}_{written(start + length)}{suffix}")
    assert only_start == FileName(ytid, written(start), None)
    assert both == FileName(ytid, written(start), written(start + length))
    assert match(only_start, start, start + length) is Match.START
    assert match(both, start, start + length) is Match.SEGMENT
    assert match(both, start, start + length + 1) is Match.START
    assert match(both, start + 1, start + length) is None


@given(ids, st.integers(1, 30_000), st.integers(1, 10))
def test_whole_seconds_are_understood_too(ytid: str, start: int, length: int) -> None:
    name = parse_name(f"{ytid}_{start}_{start + length}.wav")
    assert name is not None
    assert match(name, start * 1000, (start + length) * 1000) is Match.SEGMENT
    assert match(name, start * 1000, start + length) is Match.START
    assert match(name, start * 100_000, (start + length) * 1000) is None


@given(st.text())
def test_no_text_is_too_odd_to_be_taken_apart(text: str) -> None:
    name = parse_name(text)
    assert name is None or (YTID.fullmatch(name.ytid) and name.ytid in text)


@pytest.mark.parametrize(
    "name",
    [
        *("abcdefghijA.wav.part", "abcdefghijA.f251.webm.part-Frag3", "abcdefghijA.temp.m4a"),
        *("abcdefghijA.info.json", "abcdefghijA.en.vtt", "abcdefghijA.jpg", "abcdefghijA.M3U8"),
        *("abcdefghijA.avs", "abcdefghijA_30.csv", "abcdefghijB.wav", "abcdefghij.wav", "YabcdefghijAA.wav"),
        *("abcdefghijA_x.wav", ".abcdefghijA.wav", "abcdefghijA_30_40_50.wav", "abcdefghijA_30.0x40.0.wav"),
        *("abcdefghijA_vocals.wav", "abcdefghijA_30_40 (1).wav", "vocals-abcdefghijA.wav"),
        *("Title [abcdefghijA].info.json", "Title [abcdefghijA] x.wav", "[abcdefghijB].wav"),
    ],
)
def test_what_is_no_recording_of_a_video_is_passed_over(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize(
    ("written", "start_ms", "end_ms"),
    [
        *((f"{{}}{apart}{{}}", 12_500, 22_500) for apart in ("-", "_", " ", "~", " - ", "_to_", " to ", ",")),
        *((f"{{}}{apart}{{}}", 30_000, 40_000) for apart in ("-", "_")),
        ("{}-{}", 0, 10_000),
        ("{}-{}", 39_000_000, 39_010_000),
    ],
)
def test_segments_are_known_however_their_times_are_joined(written: str, start_ms: int, end_ms: int) -> None:
    times = [
        written.format(start_ms, end_ms),
        written.format(start_ms / 1000, end_ms / 1000),
        written.format(f"{start_ms}ms", f"{end_ms}ms"),
        written.format(f"{start_ms / 1000}s", f"{end_ms / 1000}s"),
        written.format(seconds(start_ms), seconds(end_ms)),
    ]
    if not start_ms % 1000:
        times.append(written.format(start_ms // 1000, end_ms // 1000))
        times.append(written.format(start_ms // 1000, f"{end_ms // 1000}s"))
    for time in times:
        for name in (f"{ID}_{time}.wav", f"Y{ID}-{time}.16k.flac", f"{ID} ({time}).mp3", f"{ID}[{time}].m4a",
                     f"A title [{ID}] [{time}].webm", f"A [title] [{ID}]_{time}"):  # fmt: skip
            parsed = parse_name(name)
            assert parsed is not None and parsed.ytid == ID, name
            assert match(parsed, start_ms, end_ms) is Match.SEGMENT, name
            assert match(parsed, start_ms + 1_000, end_ms + 1_000) is None, name


def test_a_unit_that_is_written_is_believed() -> None:
    for name, start_ms, end_ms, how in (
        ("_30s_40s", 30, 40, None),
        ("_30ms-40ms", 30, 40, Match.SEGMENT),
        ("_30ms-40ms", 30_000, 40_000, None),
        ("_30-40s", 30_000, 40_000, Match.SEGMENT),
        ("_00:30-00:40", 30_000, 40_000, Match.SEGMENT),
        ("_3:59:50_4:00:00", 14_390_000, 14_400_000, Match.SEGMENT),
        ("_000030", 30_000, 40_000, Match.START),
    ):
        parsed = parse_name(f"{ID}{name}.wav")
        assert parsed is not None
        assert match(parsed, start_ms, end_ms) is how, name


@pytest.mark.parametrize(
    "name",
    [
        f"Title [{ID}].webm",
        f"[a] b: [c] – d [{ID}].f251.webm",
        f"001 - Night\n[x] [{ID}].16k.wav",
        f"x [{ID}]",
    ],
)
def test_the_names_that_ytdlp_gives_are_understood(name: str) -> None:
    assert parse_name(name) == FileName(ID, None, None)
