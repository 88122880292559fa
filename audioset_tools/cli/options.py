"""What several commands share: their options, and the checks that their exit codes rest on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..errors import DataMismatch, EnvironmentProblem

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)

recipe_option = click.option(
    "--recipe", default="paper", show_default=True, help="What the classes are: a recipe's name or TOML file."
)
metadata_option = click.option(
    "--metadata", type=FOLDER, help="Folder with AudioSet's lists; downloaded to the workspace if left out."
)
workspace_option = click.option(
    "--workspace", type=FOLDER, default=Path("audioset"), show_default=True, help="Folder of the data set."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


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
