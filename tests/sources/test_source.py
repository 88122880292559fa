"""What a failure to decode means for a candidate; and no secret outlives an error's text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media
from audioset_tools.sources.source import LONGEST, Excerpt, FetchError, decode_failure, masked
from audioset_tools.types import Reason

REFUSED = "[https @ 0x1] HTTP error 403 Forbidden\nhttps://rr1.googlevideo.com/x has none"


@pytest.mark.parametrize(
    ("length_ms", "output", "reason", "step", "detail"),
    [
        (None, "", Reason.TRUNCATED, "stream", "4000 ms are missing"),
        (60_000, "", Reason.TRUNCATED, "stream", "4000 ms are missing"),
        (60_000, "Invalid data found", Reason.TRUNCATED, "stream", "4000 ms are missing"),
        (35_900, "", Reason.BEYOND_END, "stream", "the recording is 35.9 s long, the segment ends at 40 s"),
        (39_600, "", Reason.TRUNCATED, "stream", "4000 ms are missing"),
        (35_900, REFUSED, Reason.MEDIA_REFUSED, "stream", "HTTP error 403 Forbidden; <address> has none"),
        (None, "1 bytes read, 9 more expected", Reason.TRUNCATED, "stream", "1 bytes read, 9 more expected"),
    ],
)  # fmt: skip
def test_what_ends_early_is_told_by_the_remotes_words_and_by_the_length(
    length_ms: int | None, output: str, reason: Reason, step: str, detail: str
) -> None:
    error = DecodeError(DecodeFault.SHORT, "4000 ms are missing", output)
    failure = decode_failure(Excerpt(Media(b""), "", length_ms), error, 40_000)
    assert (failure.reason, failure.step, failure.detail) == (reason, step, detail)


@pytest.mark.parametrize(
    ("fault", "reason", "step"),
    [
        (DecodeFault.FAILED, Reason.CONNECTION, "stream"),
        (DecodeFault.UNMIXABLE, Reason.DECODE, "decoding"),
        (DecodeFault.BROKEN, Reason.DECODE, "decoding"),
        (DecodeFault.LONG, Reason.DECODE, "decoding"),
        (DecodeFault.LATE, Reason.SILENT, "decoding"),
        (DecodeFault.SILENT, Reason.SILENT, "decoding"),
        (DecodeFault.TIMEOUT, Reason.TIMEOUT, "stream"),
        (DecodeFault.INTERRUPTED, Reason.UNKNOWN, "decoding"),
    ],
)
def test_every_other_fault_has_its_reason(fault: DecodeFault, reason: Reason, step: str) -> None:
    failure = decode_failure(Excerpt(Media(b""), ""), DecodeError(fault, "why", "Input/output error"), 0)
    assert (failure.reason, failure.step, failure.detail) == (reason, step, "why")


def test_a_file_without_an_audio_stream_has_no_sound() -> None:
    error = DecodeError(DecodeFault.NO_SOUND, "why", "Stream map '0:a' matches no streams.")
    assert decode_failure(Excerpt(Media(b""), ""), error, 0).reason is Reason.NO_AUDIO


_SECRET = "s3cr3t-0f-th3-us3r"
_plain = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
_userinfo = st.text(
    st.characters(whitelist_categories=("Ll", "Nd"), whitelist_characters=":/.%!$@-_"), max_size=9
)


@given(_plain, _userinfo, _userinfo, _plain, st.sampled_from(["http", "https", "socks5h", "HTTP", ""]))
def test_users_and_passwords_of_addresses_are_masked(
    before: str, user: str, rest: str, after: str, scheme: str
) -> None:
    address = f"{scheme}://{user}{_SECRET}{rest}@proxy.example:3128"
    for text in (address, f"{before} {address} {after}", f"{before}'{address}'{after}"):
        assert _SECRET not in masked(text)
        assert _SECRET not in FetchError(Reason.UNKNOWN, text).detail
        assert _SECRET not in str(FetchError(Reason.UNKNOWN, text))


@given(_plain, st.sampled_from(["Cookie", "cookie", "Set-Cookie", "Authorization", "Proxy-Authorization"]))
def test_headers_that_open_doors_are_masked(before: str, name: str) -> None:
    for text in (f"{name}: SID={_SECRET}; HSID={_SECRET}", f"{{'{name}': 'Basic {_SECRET}'}}"):
        assert _SECRET not in masked(f"{before}\n{text}\nend")
        assert masked(f"{before}\n{text}\nend").endswith("\nend")


@given(_plain)
def test_media_addresses_are_masked(before: str) -> None:
    for text in (
        f"https://rr1.googlevideo.com/videoplayback?ip=192.0.2.1&sig={_SECRET}",
        f"Max retries exceeded with url: /videoplayback?expire=1&sig={_SECRET} (Caused by X)",
        f"https://manifest.googlevideo.com/videoplayback/expire/1/sig/{_SECRET}/x",
    ):
        assert _SECRET not in masked(f"{before} {text}")


def test_the_rest_is_kept() -> None:
    said = "ERROR: [youtube] -_goodvid0A: The aurora keeps it. See https://github.com/yt-dlp/yt-dlp/wiki/FAQ"
    assert masked(said) == said


@given(st.integers(LONGEST + 1, 3 * LONGEST))
def test_what_is_too_long_loses_its_middle(size: int) -> None:
    kept = masked(f"begin {'x ' * (size // 2)} end")
    assert kept.startswith("begin")
    assert kept.endswith("end")
    assert len(kept) <= LONGEST + 10


_FILLER = 3 * LONGEST


@pytest.mark.parametrize(
    "text",
    [
        f"http://user:{'x' * _FILLER}{_SECRET}@proxy.example",
        f"http://user:{_SECRET}{'x' * _FILLER}@proxy.example",
        f"http://x/?key={'x' * _FILLER}{_SECRET}",
        f"/videoplayback/{'x/' * _FILLER}{_SECRET}",
        f"Cookie: {'a=b; ' * _FILLER}SID={_SECRET}",
        f"{{'Proxy-Authorization': '{'a b ' * _FILLER}{_SECRET}'}}",
        f"Set-Cookie:{' ' * _FILLER}{_SECRET}",
        f"Cookie{' ' * _FILLER}: {_SECRET}",
    ],
)
def test_no_cut_lays_a_secret_open(text: str) -> None:
    for before in ("", "x" * 3, "word " * 1_000, "\n"):
        for after in ("", "x" * 10, " word" * 700, "\nthe end"):
            assert _SECRET not in masked(f"{before}{text}{after}")


@given(
    st.integers(-60, 60),
    st.sampled_from(["//u:{}@h", "?k={}", "cookie: a b {} c", "COOKIE:\n{}", "cookie\n\n:\n {}"]),
    _plain,
)
def test_a_secret_across_a_cut_is_masked(shift: int, form: str, around: str) -> None:
    secret = form.format(_SECRET)
    half = LONGEST // 2
    for at in (half + shift, 3 * LONGEST - half + shift):
        text = f"{'x ' * at}"[: at - 1] + f"\n{around} {secret}\n" + "y " * (2 * LONGEST)
        assert _SECRET not in masked(text[: 3 * LONGEST])


@pytest.mark.parametrize(
    "part", ["/", "//", "?", "=", "cookie", "cookie: ", "\n", "'", " ", "@//", "/videoplayback/"]
)
def test_a_text_of_any_length_is_masked_at_once(part: str) -> None:
    """200 kB of "/" took minutes."""
    text = part * (5_000_000 // len(part))
    began = time.thread_time()
    FetchError(Reason.UNKNOWN, text)
    assert time.thread_time() - began < 2
