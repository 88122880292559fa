"""How this package was installed, and so how more of it, or a newer one, is."""

import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .exceptions import EnvironmentProblem
from .files import parse_json

NAME = "audioset-tools"

_HERE = Path(__file__).parents[1]


def missing(package: str, extra: str) -> EnvironmentProblem:
    """An error for a package that an extra brings."""
    return EnvironmentProblem(f"the package {package} is not installed", f"Install it: {install(extra)}")


def install(extra: str = "", *, options: str = "") -> str:
    """The command that installs this package as it was installed, with an extra.

    From the checkout it runs from or was built from; by name only where an index of packages gave it. A file
    that somebody handed over knows neither.

    Args:
        options: more for pip, as `--upgrade`.
    """
    command = f"pip install {options} " if options else "pip install "
    wanted = f"[{extra}]" if extra else ""
    if _is_checkout(_HERE):
        return f"{command}-e {shlex.quote(f'{_HERE}{wanted}')}"
    origin = _origin()
    if origin is None:
        return f"{command}{shlex.quote(f'{NAME}{wanted}')}"
    folder = Path(unquote(urlsplit(origin).path))
    if origin.startswith("file:") and _is_checkout(folder):
        return f"{command}{shlex.quote(f'{folder}{wanted}')}"
    return f"in a checkout of {NAME}, {command}{shlex.quote(f'.{wanted}')}"


def upgrade() -> str:
    """What to do where a newer version of this package is needed."""
    command = install(options="--upgrade")
    return f"Upgrade: {command}" if command.endswith(f" {NAME}") else f"Renew the checkout, then: {command}"


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() and (folder / "audioset_tools").is_dir()


def _origin() -> str | None:
    """The address that pip was given; None where it was a name, or where pip installed nothing (PEP 610)."""
    try:
        noted = distribution(NAME).read_text("direct_url.json")
        return str(parse_json(noted)["url"]) if noted else None
    except (PackageNotFoundError, ValueError, KeyError, TypeError):
        return None
