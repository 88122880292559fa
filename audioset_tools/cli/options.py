"""What several commands share: their options, and what these options ask for."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..exceptions import UsageError
from ..files import parse_json
from ..installing import missing
from ..tasks.part import parse_part
from ..workspace import Workspace
from .completion import DEVICES, PACES, RECIPES, one_of, run_names, shard_folders

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


class Number(click.FloatRange):
    """A number; click takes "nan" for one, which is below no least and above no most."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The value as a number."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


DEFAULT_WORKSPACE = "audioset"

_FIRST = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP)
"""Where a setting counts before another: flags, then variables, then the settings file."""


def _opened(context: click.Context, _: click.Parameter, folder: Path | None) -> Workspace:
    """The workspace named behind the command, before it, in the environment or in the settings file."""
    named = []
    for nearest, level in enumerate((context, context.parent)):
        source = level.get_parameter_source("workspace") if level else None
        if level and source in _FIRST:
            value = level.params["workspace"] if nearest else folder
            named.append((_FIRST.index(source), nearest, value))
    first: Path | None = min(named)[2] if named else None
    return Workspace(first or DEFAULT_WORKSPACE)


def _ytdlp_options(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    return parse_ytdlp_options(texts, "--ytdlp-option")


def parse_ytdlp_options(texts: Iterable[str], where: str, of_file: bool = False) -> dict[str, Any]:
    """Options of yt-dlp, each written as `KEY=VALUE` with the value as JSON.

    Args:
        where: what they were given by.
        of_file: whether they are a settings file's.

    Raises:
        UsageError: one is not written so, or a fetch takes none such.
    """
    from ..sources.connection.options import check_options

    options = {}
    for text in texts:
        name, equals, value = str(text).partition("=")
        try:
            options[name] = parse_json(value)
        except ValueError as error:
            # What is no name may be an address with a password.
            shown = f" {name}=..." if equals and name.isidentifier() and len(name) <= 40 else ""
            raise UsageError(
                f"{where}{shown}: the value is not JSON",
                """Write it as in --ytdlp-option 'socket_timeout=30'""",
            ) from error
    check_options(options, where, of_file)
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
    "--recipe", shell_complete=one_of(RECIPES, "file"),
    help="What the classes are: a recipe's name or TOML file; the workspace's own, or paper, if left out.",
)  # fmt: skip
metadata_option = click.option(
    "--metadata", type=FOLDER, help="Folder with AudioSet's lists; downloaded to the workspace if left out."
)
workspace_option = click.option(
    "--workspace", type=FOLDER, show_default=DEFAULT_WORKSPACE, callback=_opened, is_eager=True,
    help="Folder of the data set.",
)  # fmt: skip
shards_option = click.option(
    "--shards", metavar="NAME", shell_complete=shard_folders,
    help="Which folder of shards, if there are several; the one trained on, if it is of a run.",
)  # fmt: skip
run_option = click.option(
    "--run", metavar="RUN", shell_complete=run_names,
    help="The run: its name in the workspace, or its folder.",
)  # fmt: skip
device_option = click.option(
    "--device", default="auto", show_default=True, shell_complete=one_of(DEVICES),
    help="auto, cpu, cuda or mps.",
)  # fmt: skip
pace_option = click.option(
    "--pace", default="guest", show_default=True, metavar="PACE", shell_complete=one_of(PACES),
    help="How fast YouTube is asked: guest, account, unlimited, or requests an hour: 600/h.",
)  # fmt: skip
exclude_option = click.option(
    "--exclude", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="First leave out the clips of this list, a CSV key,reason,note, for good.",
)  # fmt: skip
embedding_option = click.option(
    "--embedding", type=FILE, help="The file of a probe, if it does not lie where it lay in training."
)


def _part(_: click.Context, __: click.Parameter, text: str) -> tuple[int, int]:
    part = parse_part(text)
    return part.number, part.of


scheduler_option = click.option(
    "--scheduler", metavar="ADDRESS",
    help="Have the work done by the workers of this Dask scheduler: its address, or its file.",
)  # fmt: skip
part_option = click.option(
    "--part", metavar="I/N", default="1/1", callback=_part,
    help="Do the Ith of N shares only, as a task of a batch system's array; who finds all there finishes.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Say which extra brings a package that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing(str(error.name), extra) from error
