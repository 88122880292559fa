"""No secret outlives an error's text, whatever stands around it."""

from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.detail import LONGEST, clean
from audioset_tools.fetch.source import FetchError
from audioset_tools.types import Reason

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
        assert _SECRET not in clean(text)
        assert _SECRET not in FetchError(Reason.UNKNOWN, text).detail
        assert _SECRET not in str(FetchError(Reason.UNKNOWN, text))


@given(_plain, st.sampled_from(["Cookie", "cookie", "Set-Cookie", "Authorization", "Proxy-Authorization"]))
def test_headers_that_open_doors_are_masked(before: str, name: str) -> None:
    for text in (f"{name}: SID={_SECRET}; HSID={_SECRET}", f"{{'{name}': 'Basic {_SECRET}'}}"):
        assert _SECRET not in clean(f"{before}\n{text}\nend")
        assert clean(f"{before}\n{text}\nend").endswith("\nend")


@given(_plain)
def test_media_addresses_are_masked(before: str) -> None:
    for text in (
        f"https://rr1.googlevideo.com/videoplayback?ip=192.0.2.1&sig={_SECRET}",
        f"Max retries exceeded with url: /videoplayback?expire=1&sig={_SECRET} (Caused by X)",
        f"https://manifest.googlevideo.com/videoplayback/expire/1/sig/{_SECRET}/x",
    ):
        assert _SECRET not in clean(f"{before} {text}")


def test_the_rest_is_kept() -> None:
    said = "ERROR: [youtube] -_goodvid0A: The aurora keeps it. See https://github.com/yt-dlp/yt-dlp/wiki/FAQ"
    assert clean(said) == said


@given(st.integers(LONGEST + 1, 3 * LONGEST))
def test_what_is_too_long_loses_its_middle(size: int) -> None:
    kept = clean(f"begin {'x ' * (size // 2)} end")
    assert kept.startswith("begin")
    assert kept.endswith("end")
    assert len(kept) <= LONGEST + 10
