"""Proxies: whether an address can be one, and how it is shown. A password in it is never printed."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from ...exceptions import UsageError

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
"""What names a proxy in the environment, for yt-dlp, huggingface_hub and ffmpeg alike."""

_KINDS = frozenset({"http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"})
_KINDS_OF_HUB = frozenset({"http", "https", "socks5", "socks5h"})
"""The kinds that yt-dlp knows, and those that huggingface_hub does."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,19}")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,253}")

_ESCAPE = "what is no letter or digit in a user's name or password is written as %XX"


def trouble_with(proxy: object) -> str | None:
    """Why something cannot be a proxy's address, in words that quote nothing of it; None if it can."""
    if not isinstance(proxy, str):
        return "it is no text"
    if any(one.isspace() or not one.isprintable() for one in proxy):
        return "it holds a blank or a control character"
    kind, rest = _kind_of(proxy)
    if kind not in _KINDS:
        return f"yt-dlp knows no such kind of proxy; those are {', '.join(sorted(_KINDS))}"
    try:
        parts = urlsplit(f"http://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"its host or its port is none ({_ESCAPE})"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return f"it does not end behind host and port ({_ESCAPE})"
    if not host:
        return "it names no host"
    if port == 0 or parts.netloc.endswith(":"):
        return "its port is none"
    return None if _is_host(host) else f"its host is none ({_ESCAPE})"


def _kind_of(proxy: str) -> tuple[str, str]:
    """What kind it says to be, and the rest; as in yt-dlp, one that does not say is an HTTP proxy."""
    kind, apart, rest = proxy.partition("://")
    return (kind.lower(), rest) if apart else ("http", proxy.removeprefix("//"))


def _is_host(host: str) -> bool:
    try:
        if ":" in host:
            return bool(ipaddress.IPv6Address(host.partition("%")[0]))
        return bool(_HOST.fullmatch(host.encode("idna").decode()))
    except ValueError:
        return False


def check_proxy(proxy: object, where: str) -> None:
    """See that a proxy's address can be one; "" stands for none.

    Args:
        where: what named it, as `--proxy`.

    Raises:
        UsageError: it cannot.
    """
    if proxy != "" and (trouble := trouble_with(proxy)):
        raise UsageError(
            f"{where} cannot be a proxy: {trouble}", "Write it as http://HOST:PORT or socks5://HOST:PORT."
        )


def check_environment(environ: Mapping[str, str], of_hub: bool = False) -> None:
    """See that the proxies which the environment names can be some.

    Args:
        environ: where `VARIABLES` are looked up.
        of_hub: whether the Hub is to be reached through them as well.

    Raises:
        UsageError: one cannot be, or a package is missing for it.
    """
    for name, proxy in named(environ):
        check_proxy(proxy, f"the environment's {name}")
        kind, _ = _kind_of(proxy)
        if of_hub and kind not in _KINDS_OF_HUB:
            raise UsageError(
                f"the environment's {name} is of a kind that huggingface_hub does not know",
                f"Use one of {', '.join(sorted(_KINDS_OF_HUB))}, or leave out --source hf:.",
            )
        if of_hub and kind.startswith("socks") and find_spec("socksio") is None:
            raise UsageError(
                f"the environment's {name} is a SOCKS proxy, for which huggingface_hub needs a package",
                "Install it: pip install socksio; or leave out --source hf:.",
            )


def named(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The proxies that an environment names: variable and address."""
    return ((name, environ[name]) for name in VARIABLES if environ.get(name))


def masked_proxy(proxy: str) -> str:
    """A proxy's address without the user's name and password: all between `//` and the last `@`."""
    credentials, at, host = proxy.rpartition("@")
    if not at:
        return proxy
    scheme, apart, _ = credentials.partition("://")
    shown = f"{scheme}{apart}" if apart and _SCHEME.fullmatch(scheme) else ""
    return f"{shown}***@{host}"
