"""The command line: one module a command, each importing its stage only when it runs.

So `--help` is instant. This package is the only door to click.
"""

import logging
import os
import sys
import traceback
import warnings
from io import TextIOWrapper
from pathlib import Path

import click

from .. import __version__
from ..exceptions import AudiosetToolsError, EnvironmentProblem
from ..files import remedy_of
from .audit import audit
from .demo import demo
from .doctor import doctor
from .errors import errors
from .evaluate import evaluate
from .export import export
from .featurize import featurize
from .fetch import fetch
from .forget import forget
from .freeze import freeze
from .inspect import inspect
from .offset import offset
from .options import FILE
from .predict import predict
from .publish import publish
from .report import report
from .select import select
from .status import status
from .train import train
from .verify import verify


def _read_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    from .config import read_config

    context.default_map = read_config(path, cli.commands)


class _Commands(click.Group):
    """The commands; click and rich both take a reader that goes away, as `| head` does, for a failure."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; its result is its exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python must not complain of it again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


@click.group(
    cls=_Commands, context_settings={"auto_envvar_prefix": "AUDIOSET_TOOLS", "max_content_width": 100}
)
@click.version_option(__version__, prog_name="audioset-tools")
@click.option(
    "--config", type=FILE, callback=_read_config, is_eager=True, expose_value=False,
    help="Settings as TOML, one table a command; flags and AUDIOSET_TOOLS_* variables win over it.",
)  # fmt: skip
def cli() -> None:
    """N verified AudioSet clips per class, mel shards from them, and the paper's CNN trained on those.

    The commands run in the order select, fetch, featurize, train. Each can be stopped at any instant and
    continues with the same command.
    """


for _command in (
    *(select, fetch, status, verify, forget, offset, featurize, freeze, inspect),
    *(train, evaluate, predict, audit, report, errors, export, publish, doctor, demo),
):
    cli.add_command(_command)


def main() -> None:
    """The console script: run a command and exit with its code; see `exceptions`."""
    _hush()
    for stream in (sys.stdout, sys.stderr):
        # What a terminal or a locale cannot show is replaced: it is no reason to stop.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def _hush() -> None:
    """Let no warning and no log of a library onto standard error: they quote addresses and headers.

    Whoever looks for a fault in one sets `PYTHONWARNINGS`.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.lastResort = logging.NullHandler()


def run(words: list[str]) -> int:
    """Run a command line; returns its exit code."""
    try:
        code = cli.main(words, prog_name="audioset-tools", standalone_mode=False, obj=run)
    except click.ClickException as error:
        error.show()
        return 2
    except AudiosetToolsError as error:
        from .. import console

        console.complain(error.what, error.remedy)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the same command continues", err=True)
        return 130
    except OSError as error:
        from .. import console

        where = f" ({error.filename})" if error.filename else ""
        console.complain(f"the machine refused: {error.strerror or error}{where}", remedy_of(error))
        return EnvironmentProblem.exit_code
    except Exception:  # noqa: BLE001 - the command line's boundary
        from .. import console

        console.bug(traceback.format_exc())
        return 1
    return code if isinstance(code, int) else 0
