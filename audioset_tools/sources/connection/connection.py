"""How YouTube is reached, checked as soon as it is said: what cannot work ends a command before it begins."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yt_dlp.cookies import SUPPORTED_BROWSERS

from ...exceptions import UsageError
from .cookies import read_cookies
from .options import check_options
from .proxies import check_proxy


@dataclass(frozen=True, slots=True)
class Connection:
    """How YouTube is reached: through what, as whom, and with what else for yt-dlp.

    Args:
        proxy: the address of one that every request goes through.
        check_certificate: False accepts any TLS certificate, as behind a test proxy.
        cookies: a file with cookies of a YouTube account, in Netscape's format; read once, now.
        browser: whose cookies to take, as yt-dlp's `--cookies-from-browser` names it.
        options: further options of `YoutubeDL`, which win over all of ours; `extractor_args` are merged.

    Raises:
        UsageError: one of them cannot be what it is to be.
    """

    proxy: str | None = field(default=None, repr=False)
    check_certificate: bool = True
    cookies: Path | None = None
    browser: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _cookies: str | None = field(default=None, init=False, repr=False, compare=False)
    _browser: tuple[str | None, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.proxy is not None:
            check_proxy(self.proxy, "--proxy")
        check_options(self.options)
        if self.browser is not None:
            object.__setattr__(self, "_browser", browser_of(self.browser))
        if self.cookies is not None:
            object.__setattr__(self, "_cookies", read_cookies(self.cookies))

    @property
    def has_account(self) -> bool:
        """Whether the requests are an account's."""
        return self._cookies is not None or self._browser is not None

    @property
    def names_proxy(self) -> bool:
        """Whether it says through which proxy to go, or that there is none; else the environment does."""
        return bool(self.proxy) or self.options.get("proxy") is not None

    def ytdlp_options(self, silence: float) -> dict[str, Any]:
        """All options of one `YoutubeDL`; `silence` is how many seconds without a byte are waited for."""
        return {
            "quiet": True,
            "cachedir": False,
            "noplaylist": True,
            "extractor_retries": 0,
            "socket_timeout": silence,
            "nocheckcertificate": not self.check_certificate,
            **({"proxy": self.proxy} if self.proxy else {}),
            **({} if self._cookies is None else {"cookiefile": io.StringIO(self._cookies)}),
            **({"cookiesfrombrowser": self._browser} if self._browser else {}),
            **self.options,
        }


def browser_of(text: str) -> tuple[str, str | None, str | None, str | None]:
    """A browser as yt-dlp's `--cookies-from-browser` takes it: BROWSER[+KEYRING][:PROFILE][::CONTAINER].

    Raises:
        UsageError: yt-dlp knows no such browser.
    """
    match = re.fullmatch(r"([^+:]{1,40})(?:\+([^:]{1,40}))?(?::(?!:)(.{1,1000}?))?(?:::(.{1,200}))?", text)
    name = match[1].strip().lower() if match else ""
    if match is None or name not in SUPPORTED_BROWSERS:
        raise UsageError(
            f"--cookies-from-browser {text!r}: yt-dlp knows no such browser",
            f"Name one of {', '.join(sorted(SUPPORTED_BROWSERS))}, perhaps with [+KEYRING][:PROFILE].",
        )
    return name, match[3], match[2].strip().upper() if match[2] else None, match[4]
