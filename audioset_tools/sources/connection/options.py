"""Options of yt-dlp that a fetch takes: named one by one, each with what its value may be.

yt-dlp knows two hundred. Most concern downloading and converting, for which it is not used here; some run
commands, write files, or print what is secret; a mistaken value would make every clip fail. So what is not in
the table is refused. Of a settings file, which may be a colleague's, fewer are taken than of the user's own
hands: none that starts a program, or has the requests go to another host.
"""

import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from ...exceptions import UsageError
from .proxies import check_proxy

_NAME = re.compile(r"[a-z_]{1,40}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
_MOST_SECONDS = 86_400
_RUNTIMES = frozenset({"deno", "node", "bun", "quickjs"})
_COMPONENTS = frozenset({"ejs:npm", "ejs:github"})


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST_SECONDS


def _is_timeout(value: Any) -> bool:
    return _is_seconds(value) and value > 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


def _is_own_address(value: Any) -> bool:
    try:
        address = ipaddress.ip_address(value) if isinstance(value, str) else None
        if address is None:
            return False
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6) as one:
            one.bind((value, 0))
    except (ValueError, OSError):
        return False
    return True


def _is_block(value: Any) -> bool:
    try:
        return isinstance(value, str) and "/" in value and bool(ipaddress.IPv4Network(value, strict=False))
    except ValueError:
        return False


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha()


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        bool(_HEADER_NAME.fullmatch(name)) and _is_text(text) and text.isascii()
        for name, text in value.items()
    )


def _are_arguments(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(named, dict) and all(map(_are_texts, named.values())) for named in value.values()
    )


def _are_runtimes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in _RUNTIMES
        and (
            one is None
            or (isinstance(one, dict) and one.keys() <= {"path"} and all(map(_is_text, one.values())))
        )
        for name, one in value.items()
    )


def _are_components(value: Any) -> bool:
    return _are_texts(value) and _COMPONENTS.issuperset(value)


def _is_folder_or_none(value: Any) -> bool:
    return value is False or (_is_text(value) and bool(value))


def _is_proxy(value: Any) -> bool:
    return isinstance(value, str)


_A_TEXT, _A_FLAG = (_is_text, "a text"), (_is_flag, "true or false")
_A_PROXY = (_is_proxy, "a proxy's address")

_KNOWN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "proxy": _A_PROXY,
    "geo_verification_proxy": _A_PROXY,
    "source_address": (_is_own_address, "an IP address of this machine"),
    "socket_timeout": (_is_timeout, "seconds"),
    "sleep_interval_requests": (_is_seconds, "seconds"),
    "extractor_retries": (_is_count, "a whole number up to 100"),
    "nocheckcertificate": _A_FLAG,
    "legacyserverconnect": _A_FLAG,
    "prefer_insecure": _A_FLAG,
    "geo_bypass": _A_FLAG,
    "geo_bypass_country": (_is_country, "a country's two letters"),
    "geo_bypass_ip_block": (_is_block, "an IPv4 block, as 192.0.2.0/24"),
    "client_certificate": _A_TEXT,
    "client_certificate_key": _A_TEXT,
    "client_certificate_password": _A_TEXT,
    "http_headers": (_are_headers, "an object of texts"),
    "compat_opts": (_are_texts, "a list of texts"),
    "allow_unplayable_formats": _A_FLAG,
    "verbose": _A_FLAG,
    "quiet": _A_FLAG,
    "no_warnings": _A_FLAG,
    "cachedir": (_is_folder_or_none, "a folder, or false"),
    "extractor_args": (
        _are_arguments,
        """objects of lists of texts, as in 'extractor_args={"youtube": {"po_token": ["web+..."]}}'""",
    ),
    "js_runtimes": (_are_runtimes, """an object, as in 'js_runtimes={"node": {}}'"""),
    "remote_components": (_are_components, f"a list of {', '.join(sorted(_COMPONENTS))}"),
}

OF_FILES = frozenset(
    {
        *("source_address", "socket_timeout", "sleep_interval_requests", "extractor_retries"),
        *("legacyserverconnect", "geo_bypass", "geo_bypass_country", "geo_bypass_ip_block", "extractor_args"),
    }
)
"""What a settings file may set."""

ARGUMENTS_OF_FILES = frozenset(
    {"player_client", "player_skip", "webpage_skip", "skip", "po_token", "visitor_data"}
)
"""What it may set of `extractor_args`, for the extractor `youtube` alone: others run scripts."""

_OWN = {
    "cookiefile": "--cookies",
    "cookiesfrombrowser": "--cookies-from-browser",
}
"""What has an option of its own."""


def check_options(options: Mapping[str, Any], where: str = "--ytdlp-option", of_file: bool = False) -> None:
    """See that a fetch can take some options of yt-dlp.

    Args:
        options: name -> value, as `YoutubeDL` takes them.
        where: what they were given by.
        of_file: whether they are a settings file's.

    Raises:
        UsageError: it takes no such option, or no such value.
    """
    if not isinstance(options, Mapping):
        raise UsageError(f"{where}: the options are no mapping", "Give them as name -> value.")
    for name, value in options.items():
        shown = name if isinstance(name, str) and _NAME.fullmatch(name) else "of this name"
        if own := _OWN.get(name):
            raise UsageError(f"{where} {shown} is not taken", f"Use {own}.")
        if name not in _KNOWN:
            raise UsageError(
                f"{where} {shown}: a fetch takes no such option of yt-dlp",
                f"It takes {', '.join(sorted(_KNOWN))}.",
            )
        if of_file and name not in OF_FILES:
            raise UsageError(
                f"{where} {shown}: not from a settings file, which may be somebody else's",
                f"Give it on the command line; a file may set {', '.join(sorted(OF_FILES))}.",
            )
        fits, words = _KNOWN[name]
        if not fits(value):
            raise UsageError(f"{where} {shown}: the value is not {words}", "Correct it, or leave it out.")
        if name.endswith("proxy"):
            check_proxy(value, f"{where} {shown}")
        if of_file and name == "extractor_args":
            _check_arguments(value, where)
    _check_certificate(options, where)


def _check_certificate(options: Mapping[str, Any], where: str) -> None:
    """See that a certificate of the user's own can be shown."""
    certificate, key, password = (
        options.get(f"client_certificate{part}") for part in ("", "_key", "_password")
    )
    if certificate is key is None:
        return
    try:
        if certificate is None:
            raise ValueError
        ssl.create_default_context().load_cert_chain(certificate, key, lambda: password or "")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{where} client_certificate: it cannot be read", "Name a PEM file, and its key and password."
        ) from error


def _check_arguments(arguments: Any, where: str) -> None:
    for extractor, named in arguments.items():
        if extractor != "youtube" or not named.keys() <= ARGUMENTS_OF_FILES:
            raise UsageError(
                f"{where} extractor_args: a settings file may set a few of extractor youtube's alone",
                f"Those are {', '.join(sorted(ARGUMENTS_OF_FILES))}; give others on the command line.",
            )
