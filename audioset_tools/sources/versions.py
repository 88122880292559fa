"""What is installed of yt-dlp and of what it needs, asked of itself. Nothing is sent."""

import os
import re
import sysconfig
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import yt_dlp
from yt_dlp.version import __version__ as _YTDLP

from ..exceptions import EnvironmentProblem
from ..words import counted

NIGHTLY = 'Its nightly build follows YouTube first: pip install -U --pre "yt-dlp[default]"'
"""What to try where yt-dlp's last release fails with YouTube; nightlies appear between the releases."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A JavaScript runtime that yt-dlp finds.

    `supported` says whether it is new enough, `asked` whether yt-dlp uses it without an option.
    """

    name: str
    version: str
    path: str
    supported: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Scripts:
    """The package yt-dlp-ejs, without which no runtime is of use: what is installed, what yt-dlp wants."""

    installed: str | None
    wanted: str | None


def ytdlp_version() -> str:
    """yt-dlp's version as it gives it itself: `2026.08.19`."""
    return str(_YTDLP)


def release_date(ytdlp: str) -> date | None:
    """The day that a version of yt-dlp names, or None if it names none."""
    match = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})(?!\d)", ytdlp)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def nightly_advice(today: date, ytdlp: str | None = None) -> str:
    """Two sentences where YouTube's clients fail: how old yt-dlp is, and how to get its nightly build.

    Args:
        today: what the age is counted to.
        ytdlp: the version; None for the installed one.
    """
    version = ytdlp or ytdlp_version()
    released = release_date(version)
    days = max(0, (today - released).days) if released else None
    age = "of unknown age" if days is None else f"{counted(days, 'day')} old"
    return f"yt-dlp {version} is {age}, and YouTube may have changed since. {NIGHTLY}"


def installed(package: str) -> str | None:
    """The version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def scripts() -> Scripts:
    """Whether yt-dlp-ejs is there in the version that this yt-dlp asks for."""
    try:
        wanted = scripts_wanted(requires("yt-dlp") or ())
    except PackageNotFoundError:
        wanted = None
    return Scripts(installed("yt-dlp-ejs"), wanted)


def scripts_wanted(requirements: Iterable[str]) -> str | None:
    """The one version of yt-dlp-ejs that yt-dlp's requirements name, or None."""
    matches = (re.match(r"yt[-_.]dlp[-_.]ejs\s*==\s*([\w.]+)", one) for one in requirements)
    return next((match[1] for match in matches if match), None)


def scripts_verdict(found: Scripts) -> str | None:
    """What is wrong with the installed yt-dlp-ejs, or None: yt-dlp passes over any other than its own."""
    if found.installed is None:
        return "the package yt-dlp-ejs is not installed"
    if found.wanted not in (None, found.installed):
        return f"yt-dlp-ejs is {found.installed} where this yt-dlp asks for {found.wanted}"
    return None


@dataclass(frozen=True, slots=True)
class Plugin:
    """A module that yt-dlp runs whenever it starts; `installed` says whether it came with a package."""

    path: str
    installed: bool


def plugins(environ: Mapping[str, str] = os.environ) -> list[Plugin] | None:
    """The plugins that yt-dlp loads without a word, none of which is run by this; None if they are not known.

    It takes them from the packages of Python, from `PYTHONPATH`, and from folders of its settings, which need
    not be the user's own. A fetch leaves that as it is: providers of PO tokens are plugins.
    """
    # What is asked is none of yt-dlp's public interface: a later one may not have it.
    try:
        from yt_dlp.globals import plugin_specs
        from yt_dlp.plugins import COMPAT_PACKAGE_NAME, directories
        from yt_dlp.utils import get_executable_path

        if environ.get("YTDLP_NO_PLUGINS"):
            return []
        kinds = sorted(str(one) for one in plugin_specs.value)
        folders = [Path(folder) / kind for folder in directories() for kind in kinds]
        older = [Path(get_executable_path(), COMPAT_PACKAGE_NAME, kind, "__init__.py") for kind in kinds]
    except (ImportError, AttributeError, TypeError, ValueError, OSError):
        return None
    ours = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")]
    found = [path for folder in folders for path in _modules(folder)] + [
        one for one in older if one.is_file()
    ]
    return [
        Plugin(str(path), any(path.resolve().is_relative_to(folder) for folder in ours))
        for path in dict.fromkeys(found)
    ]


def _modules(folder: Path) -> list[Path]:
    """What can be imported from a folder; the folder itself where it lies in a zip."""
    if not folder.is_dir():
        return [folder] if any(part.is_file() for part in folder.parents) else []
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return [folder]
    return [
        path
        for path in inside
        if not path.name.startswith("_") and (path.suffix in (".py", ".pyc", ".so") or path.is_dir())
    ]


def javascript_runtimes(timeout: float = 20) -> list[Runtime] | None:
    """The runtimes that yt-dlp finds, those first that it uses without an option; None if they are not known.

    Args:
        timeout: seconds after which one of them is taken to hang; yt-dlp itself would wait for ever.

    Raises:
        EnvironmentProblem: one hangs.
    """
    found: list[list[Runtime] | None] = []
    asking = threading.Thread(target=lambda: found.append(_told_runtimes()), daemon=True)
    asking.start()
    asking.join(timeout)
    if asking.is_alive():
        raise EnvironmentProblem(
            f"a JavaScript runtime did not tell its version within {timeout:g} s",
            "Run `deno --version` and `node --version`, and repair or remove the one that hangs.",
        )
    runtimes = found[0] if found else None
    return None if runtimes is None else sorted(runtimes, key=lambda runtime: not runtime.asked)


def _told_runtimes() -> list[Runtime] | None:
    # What is asked is none of yt-dlp's public interface: a later one may not have it.
    try:
        return _runtimes()
    except (ImportError, AttributeError, LookupError, TypeError, OSError):
        return None


def _runtimes() -> list[Runtime]:
    from yt_dlp.globals import supported_js_runtimes

    with yt_dlp.YoutubeDL({"quiet": True, "cachedir": False}) as ydl:
        asked = set(ydl.params["js_runtimes"])
    found = []
    for name, kind in supported_js_runtimes.value.items():
        if info := kind().info:
            found.append(Runtime(info.name, info.version, info.path, bool(info.supported), name in asked))
    return found
