"""Checks of the machine: Python, the clock, ffmpeg, yt-dlp and its JavaScript, proxies.

A check imports what it looks at only when it runs, so that a broken package is one row of the table.
"""

import os
import platform
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta

from .check import Finding, Verdict

OLD_DAYS, VERY_OLD_DAYS = 60, 120
"""yt-dlp appears monthly and breaks with YouTube: two releases missed, and four."""

_UPGRADE = "pip install --upgrade 'yt-dlp[default,deno]'"
_PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def python() -> Finding:
    """Which Python runs this."""
    return Finding(Verdict.OK, f"{platform.python_version()}, {sys.executable}")


def clock(today: date) -> Finding:
    """A clock before the day of yt-dlp's release is wrong: no certificate holds, no pause can be told."""
    from ..fetch.versions import release_date, ytdlp_version

    earliest = release_date(ytdlp_version()) or date(2026, 1, 1)
    if today < earliest - timedelta(days=1):
        return Finding(
            Verdict.PROBLEM,
            f"it says {today}, before the installed yt-dlp was released ({earliest})",
            "Set the clock; certificates and pauses go by it.",
        )
    return Finding(Verdict.OK, str(today))


def ffmpeg(timeout: float = 20) -> Finding:
    """Which ffmpeg is used, and whether it runs within `timeout` seconds."""
    from ..ffmpeg_path import ffmpeg_build

    build = ffmpeg_build(timeout)
    resampler = "with soxr" if build.soxr else "without soxr: its own resampler with a longer filter is used"
    return ffmpeg_verdict(build.version, f"{build.version} {build.found} ({build.binary}), {resampler}")


def ffmpeg_verdict(version: str, found: str) -> Finding:
    """What to think of a version of ffmpeg."""
    if re.match(r"n?8\.1(?!\d)", version):
        return Finding(
            Verdict.WARNING,
            found,
            "8.1 is reported broken for sections of YouTube: choose another with AUDIOSET_TOOLS_FFMPEG.",
        )
    return Finding(Verdict.OK, found)


def ytdlp(today: date) -> Finding:
    """yt-dlp's version and age."""
    from ..fetch.versions import installed, release_date, ytdlp_version

    version = ytdlp_version()
    with_certifi = f" (certifi {installed('certifi') or 'not installed'})"
    return ytdlp_verdict(version, release_date(version), today, with_certifi)


def ytdlp_verdict(version: str, released: date | None, today: date, remark: str = "") -> Finding:
    """What to think of a version of yt-dlp, released on a day (None: unknown), on the day `today`."""
    from ..fetch.versions import NIGHTLY

    if released is None:
        return Finding(
            Verdict.WARNING, f"{version}, of unknown age{remark}", f"Install a release: {_UPGRADE}"
        )
    days = (today - released).days
    found = f"{version}, {max(0, days)} days old{remark}"
    if days > VERY_OLD_DAYS:
        return Finding(
            Verdict.WARNING,
            f"{found}: too old, YouTube has very likely changed since",
            f"Before anything else: {_UPGRADE}. If pip keeps the old one, it lacks a package that the new one"
            f" asks for (certifi, in 2026): pip install --upgrade certifi, then again. {NIGHTLY}",
        )
    if days > OLD_DAYS:
        return Finding(
            Verdict.WARNING,
            found,
            f"{_UPGRADE}; if pip keeps this one, docs/doctor.md says why. {NIGHTLY}",
        )
    return Finding(Verdict.OK, found)


def javascript() -> Finding:
    """Which JavaScript runtime yt-dlp uses."""
    from ..fetch.versions import javascript_runtimes, scripts, scripts_verdict

    runtimes, solver = javascript_runtimes(), scripts()
    if runtimes is None:
        return Finding(
            Verdict.WARNING,
            "this yt-dlp does not tell what it finds",
            "Run `yt-dlp --verbose`: its line `JS runtimes` tells.",
        )
    words = [f"{one.name} {one.version}{'' if one.supported else ' (too old)'}" for one in runtimes]
    found = ", ".join(words) or "no runtime"
    lacking = f"{found}: only the visionos client can be used, and nothing takes its place if it fails"
    if not any(one.supported for one in runtimes):
        return Finding(Verdict.WARNING, lacking, _UPGRADE)
    if trouble := scripts_verdict(solver):
        return Finding(Verdict.WARNING, f"{found}, but {trouble}: yt-dlp cannot use it", _UPGRADE)
    if not any(one.supported and one.asked for one in runtimes):
        name = next(one.name for one in runtimes if one.supported)
        return Finding(
            Verdict.WARNING,
            f"{found}, which yt-dlp does not use unasked",
            f"""{_UPGRADE}, or fetch with --ytdlp-option 'js_runtimes={{"{name}": {{}}}}'""",
        )
    return Finding(Verdict.OK, f"{found}, yt-dlp-ejs {solver.installed}")


def temporary_files() -> Finding:
    """Whether there is a folder for temporary files."""
    try:
        return Finding(Verdict.OK, tempfile.gettempdir())
    except FileNotFoundError as error:
        return Finding(Verdict.WARNING, str(error.strerror), "Set TMPDIR to a folder that can be written to.")


def proxies(environ: Mapping[str, str] = os.environ) -> Finding:
    """The proxies that the environment names: yt-dlp and ffmpeg go through them."""
    named = [f"{name}={masked(environ[name])}" for name in _PROXIES if environ.get(name)]
    return Finding(Verdict.OK, ", ".join(named) or "none in the environment")


def masked(proxy: str) -> str:
    """A proxy's address without the user's name and password: all between `//` and the last `@`."""
    credentials, at, host = proxy.rpartition("@")
    if not at:
        return proxy
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", credentials)
    return f"{scheme[0] if scheme else ''}***@{host}"
