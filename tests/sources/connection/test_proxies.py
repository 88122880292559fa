"""What can be a proxy's address, and that a password in it is never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import UsageError
from audioset_tools.sources.connection import proxies
from audioset_tools.sources.connection.proxies import check_environment, check_proxy, trouble_with

GOOD = [
    "http://127.0.0.1:3128",
    "https://proxy.example:443/",
    "proxy.example:3128",
    "//proxy.example",
    "proxy",
    "SOCKS5H://127.0.0.1:9050",
    "socks4a://[::1]:1080",
    "socks://h_1:1",
    "http://me:s3cr3t@proxy.example:3128",
    "http://me:p%40ss%2F@proxy.example:3128",
    "http://me@corp:p@ss!$&'()*+,;=-._~@proxy.example:1",
    "http://müller.example:3128",
]

SECRET = "s3cr3t"

BAD = [
    "foo://127.0.0.1:1",
    "ftp://127.0.0.1:1",
    "file:///etc/passwd",
    "http://",
    "http://:3128",
    "://x",
    "http://host:port",
    "http://host:0",
    "http://host:65536",
    "http://host:-1",
    "http://host:+80",
    "http://host:٣",
    "http://host:",
    "http://host:3128:3128",
    "http://ho st:1",
    " http://host:1",
    "http://host:1\n",
    "http://host:1\r\nX: y",
    "http://ho\x00st:1",
    "http://[::1:3128",
    "http://[nothing]:3128",
    "http://::1:3128",
    "http://host:3128/path",
    "http://host:3128?query",
    "http://host:3128#fragment",
    f"http://me:{SECRET}#{SECRET}@host:1",
    f"http://me:{SECRET}/{SECRET}@host:1",
    f"http://me:{SECRET}?{SECRET}@host:1",
    f"http://me:[{SECRET}@host:1",
    f"http://me:{SECRET}",
    f"http://me:{SECRET}@",
    f"http://me:{SECRET}@:3128",
    f"me:{SECRET}@host:port",
    f"{SECRET}://me@host",
    "http://" + "a" * 300,
    "http://..",
    "http://-:1",
    "http://a\\b:1",
    5,
    None,
    ["http://host:1"],
]


@pytest.mark.parametrize("proxy", GOOD)
def test_what_can_be_a_proxy_is_taken(proxy: str) -> None:
    check_proxy(proxy, "--proxy")
    check_environment({"HTTPS_PROXY": proxy, "no_proxy": "foo://", "FTP_PROXY": "foo://"})


@pytest.mark.parametrize("proxy", BAD, ids=ascii)
def test_what_cannot_be_one_is_refused_without_its_password(proxy: object) -> None:
    with pytest.raises(UsageError, match="--proxy cannot be a proxy") as refused:
        check_proxy(proxy, "--proxy")
    assert SECRET not in str(refused.value)
    if isinstance(proxy, str):
        for name in proxies.VARIABLES:
            with pytest.raises(UsageError, match=f"the environment's {name} cannot be"):
                check_environment({name: proxy})


@given(st.text(max_size=60) | st.binary(max_size=30))
def test_no_address_however_odd_breaks_it(proxy: object) -> None:
    trouble = trouble_with(proxy)
    assert trouble is None or isinstance(trouble, str)


def test_an_empty_one_is_none() -> None:
    check_proxy("", "--proxy")
    check_environment({"HTTP_PROXY": ""})


def test_the_hub_knows_fewer_kinds_and_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="a kind that huggingface_hub does not know"):
        check_environment({"ALL_PROXY": "socks4://127.0.0.1:1"}, of_hub=True)
    socks = {"ALL_PROXY": "socks5://127.0.0.1:1"}
    monkeypatch.setattr(proxies, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs a package"):
        check_environment(socks, of_hub=True)
    monkeypatch.setattr(proxies, "find_spec", lambda name: object())
    check_environment(socks, of_hub=True)
    check_environment({"ALL_PROXY": "socks4://127.0.0.1:1"})
