"""What several commands share: their options, and the checks that their exit codes rest on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import DataMismatch, EnvironmentProblem
from ..workspace import Workspace

if TYPE_CHECKING:
    from ..exclusions import Exclusion
    from ..ledger import Ledger

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


def _listed(_: click.Context, __: click.Parameter, path: Path | None) -> "tuple[Exclusion, ...] | None":
    from ..exclusions import read_exclusions

    return None if path is None else read_exclusions(path)


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
