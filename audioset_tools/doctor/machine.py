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

from ..exceptions import UsageError
from ..words import counted
from ..workspace import printable
from .check import Level, Outcome

OLD_DAYS, VERY_OLD_DAYS = 60, 120
"""yt-dlp appears monthly and breaks with YouTube: two releases missed, and four."""

_MOST_PLUGINS = 10

_UPGRADE = "pip install --upgrade 'yt-dlp[default,deno]'"


def python() -> Outcome:
    """Which Python runs this."""
    return Outcome(Level.OK, f"{platform.python_version()}, {sys.executable}")


def clock(today: date) -> Outcome:
    """Whether the clock is right: before the day of yt-dlp's release no certificate holds."""
    from ..sources.versions import release_date, ytdlp_version

    earliest = release_date(ytdlp_version()) or date(2026, 1, 1)
    if today < earliest - timedelta(days=1):
        return Outcome(
            Level.PROBLEM,
            f"it says {today}, before the installed yt-dlp was released ({earliest})",
            "Set the clock; certificates and pauses go by it.",
        )
    return Outcome(Level.OK, str(today))


def ffmpeg(timeout: float = 20) -> Outcome:
    """Which ffmpeg is used, and whether it runs within `timeout` seconds."""
    from ..audio.binary import ffmpeg_build

    build = ffmpeg_build(timeout)
    resampler = "with soxr" if build.soxr else "without soxr: its own resampler with a longer filter is used"
    return ffmpeg_verdict(build.version, f"{build.version} {build.found} ({build.binary}), {resampler}")


def ffmpeg_verdict(version: str, found: str) -> Outcome:
    """What to think of a version of ffmpeg."""
    if re.match(r"n?8\.1(?!\d)", version):
        return Outcome(
            Level.WARNING,
            found,
            "8.1 is reported broken for sections of YouTube: choose another with AUDIOSET_TOOLS_FFMPEG.",
        )
    numbers = re.match(r"n?(\d{1,4})\.(\d{1,4})", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < (5, 1):
        return Outcome(
            Level.WARNING,
            found,
            "Before 5.1 it cannot be kept from following redirects, and reads no stream without an index:"
            " choose another with AUDIOSET_TOOLS_FFMPEG.",
        )
    return Outcome(Level.OK, found)


def decoders() -> Outcome:
    """What decodes clips in this process; a clip's bytes depend on it."""
    from ..audio import libav, libsndfile

    found = f"{libsndfile.library()} for WAV and FLAC"
    if libav.pyav() is None:
        return Outcome(
            Level.OK, f"{found}; Opus, AAC and the rest by ffmpeg (the extra `av` is not installed)"
        )
    return Outcome(Level.OK, f"{found}, {libav.library()} for Opus, AAC, Vorbis and MP3; the rest by ffmpeg")


def ytdlp(today: date) -> Outcome:
    """yt-dlp's version and age."""
    from ..sources.versions import installed, release_date, ytdlp_version

    version = ytdlp_version()
    with_certifi = f" (certifi {installed('certifi') or 'not installed'})"
    return ytdlp_verdict(version, release_date(version), today, with_certifi)


def ytdlp_verdict(version: str, released: date | None, today: date, remark: str = "") -> Outcome:
    """What to think of a version of yt-dlp, released on a day (None: unknown), on the day `today`."""
    from ..sources.versions import NIGHTLY

    if released is None:
        return Outcome(Level.WARNING, f"{version}, of unknown age{remark}", f"Install a release: {_UPGRADE}")
    days = (today - released).days
    found = f"{version}, {counted(max(0, days), 'day')} old{remark}"
    if days > VERY_OLD_DAYS:
        return Outcome(
            Level.WARNING,
            f"{found}: too old, YouTube has very likely changed since",
            f"Before anything else: {_UPGRADE}. If pip keeps the old one, it lacks a package that the new one"
            f" asks for (certifi, in 2026): pip install --upgrade certifi, then again. {NIGHTLY}",
        )
    if days > OLD_DAYS:
        return Outcome(
            Level.WARNING,
            found,
            f"{_UPGRADE}; if pip keeps this one, docs/doctor.md says why. {NIGHTLY}",
        )
    return Outcome(Level.OK, found)


def plugins(environ: Mapping[str, str] = os.environ) -> Outcome:
    """Which plugins yt-dlp loads: programs that run in every fetch."""
    from ..sources.versions import plugins

    found = plugins(environ)
    if found is None:
        return Outcome(Level.WARNING, "this yt-dlp does not say what it loads", "Run `yt-dlp --verbose`.")
    if not found:
        off = ": YTDLP_NO_PLUGINS is set" if environ.get("YTDLP_NO_PLUGINS") else ""
        return Outcome(Level.OK, f"none{off}")
    names = ", ".join(printable(one.path) for one in found[:_MOST_PLUGINS])
    more = f", and {len(found) - _MOST_PLUGINS} more" if len(found) > _MOST_PLUGINS else ""
    told = f"{len(found)} loaded in every fetch: {names}{more}"
    if all(one.installed for one in found):
        return Outcome(Level.OK, told)
    return Outcome(
        Level.WARNING,
        told,
        "Delete what is not yours to run, or set YTDLP_NO_PLUGINS=1: then yt-dlp loads none.",
    )


def javascript() -> Outcome:
    """Which JavaScript runtime yt-dlp uses."""
    from ..sources.versions import javascript_runtimes, scripts, scripts_verdict

    runtimes, solver = javascript_runtimes(), scripts()
    if runtimes is None:
        return Outcome(
            Level.WARNING,
            "this yt-dlp does not say what it finds",
            "Run `yt-dlp --verbose`: its line `JS runtimes` says it.",
        )
    words = [f"{one.name} {one.version}{'' if one.supported else ' (too old)'}" for one in runtimes]
    found = ", ".join(words) or "no runtime"
    lacking = f"{found}: only the visionos client can be used, and nothing takes its place if it fails"
    if not any(one.supported for one in runtimes):
        return Outcome(Level.WARNING, lacking, _UPGRADE)
    if trouble := scripts_verdict(solver):
        return Outcome(Level.WARNING, f"{found}, but {trouble}: yt-dlp cannot use it", _UPGRADE)
    if not any(one.supported and one.asked for one in runtimes):
        name = next(one.name for one in runtimes if one.supported)
        return Outcome(
            Level.WARNING,
            f"{found}, which yt-dlp does not use unasked",
            f"""{_UPGRADE}, or fetch with --ytdlp-option 'js_runtimes={{"{name}": {{}}}}'""",
        )
    return Outcome(Level.OK, f"{found}, yt-dlp-ejs {solver.installed}")


def temporary_files() -> Outcome:
    """Whether there is a folder for temporary files."""
    try:
        return Outcome(Level.OK, tempfile.gettempdir())
    except FileNotFoundError as error:
        return Outcome(Level.WARNING, str(error.strerror), "Set TMPDIR to a folder that can be written to.")


def compiled_code() -> Outcome:
    """Where the machine code of compiled functions is kept, and whether the next command finds it."""
    from ..compiled import CHOICE, KEPT

    if KEPT.trouble:
        return Outcome(
            Level.WARNING,
            f"kept until the process ends, so that each compiles again: {KEPT.trouble}",
            f"Set {CHOICE} to a folder that you can write to, and nobody else.",
        )
    return Outcome(Level.OK, f"kept {KEPT.where}")


def proxies(environ: Mapping[str, str] = os.environ) -> Outcome:
    """The proxies that the environment names: yt-dlp and ffmpeg go through them."""
    from ..sources.connection.proxies import check_environment, masked_proxy, named

    try:
        check_environment(environ)
    except UsageError as error:
        return Outcome(Level.PROBLEM, error.what, f"{error.remedy} No request goes out through this one.")
    shown = [f"{name}={masked_proxy(proxy)}" for name, proxy in named(environ)]
    return Outcome(Level.OK, ", ".join(shown) or "none in the environment")
