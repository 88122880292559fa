"""What several commands share: their options, and the checks that their exit codes rest on."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import DataMismatch, EnvironmentProblem, UsageError
from ..workspace import Workspace

if TYPE_CHECKING:
    from ..exclusions import Exclusion
    from ..ledger import Ledger

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


def _listed(_: click.Context, __: click.Parameter, path: Path | None) -> "tuple[Exclusion, ...] | None":
    from ..exclusions import read_exclusions

    return None if path is None else read_exclusions(path)


def _ytdlp_options(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            options[name] = json.loads(value)
        except ValueError as error:
            raise UsageError(
                f"--ytdlp-option {name}{equals}...: the value is not JSON",
                """Write it as in --ytdlp-option 'source_address="192.0.2.1"'""",
            ) from error
    return options


def connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """How to reach YouTube: through what, as whom, and with what else for yt-dlp."""
    for option in reversed(_CONNECTION):
        command = option(command)
    return command


_CONNECTION = (
    click.option("--proxy", metavar="URL", help="Send every request through this proxy."),
    click.option(
        "--no-check-certificate", is_flag=True, help="Accept any TLS certificate, as behind a test proxy."
    ),
    click.option(
        "--cookies",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Cookies of a YouTube account (Netscape format); risks the account.",
    ),
    click.option(
        "--cookies-from-browser",
        "browser",
        metavar="BROWSER[:PROFILE]",
        help="Cookies of the account that this browser is signed in to, as in yt-dlp; risks the account.",
    ),
    click.option(
        "--ytdlp-option",
        "ytdlp_options",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_ytdlp_options,
        help="Option of YoutubeDL, value as JSON; may be repeated.",
    ),
)

recipe_option = click.option(
    "--recipe", default="paper", show_default=True, help="What the classes are: a recipe's name or TOML file."
)
metadata_option = click.option(
    "--metadata", type=FOLDER, help="Folder with AudioSet's lists; downloaded to the workspace if left out."
)
workspace_option = click.option(
    "--workspace", type=FOLDER, default=Path("audioset"), show_default=True, help="Folder of the data set."
)
exclude_option = click.option(
    "--exclude", "exclusions", type=click.Path(path_type=Path, exists=True, dir_okay=False), callback=_listed,
    help="First leave out the clips of this list, a CSV key,reason,note, for good.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def leave_out(ledger: "Ledger", place: Workspace, exclusions: "tuple[Exclusion, ...] | None") -> None:
    """Exclude what is listed, if there is a list, and tell."""
    from .. import console
    from ..clock import steady
    from ..exclude import exclude, excluded_line

    if exclusions is not None:
        console.say(excluded_line(exclude(ledger, place, exclusions, steady())))


def require(path: Path, remedy: str) -> None:
    """Refuse to go on without a file that an earlier command makes."""
    if not path.exists():
        raise DataMismatch(f"{path} does not exist", remedy)


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Say which extra brings a package that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise EnvironmentProblem(
            f"the package {error.name} is not installed", f"Install it: pip install 'audioset-tools[{extra}]'"
        ) from error
