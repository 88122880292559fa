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
from ..exceptions import AudiosetToolsError, EnvironmentProblem, UsageError
from ..files import remedy_of
from ..telling import telling, until_the_end
from .audit import audit
from .command import COMMON, NO_WORDS, Commands, in_our_words
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
from .options import FILE, FOLDER
from .predict import predict
from .publish import publish
from .report import report
from .select import select
from .status import status
from .train import train
from .verify import verify

_MOST_OF_A_PATH = 200
"""Characters of a path that an error repeats."""


def _read_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    from .config import read_config

    context.default_map = read_config(path, cli)


class _Commands(Commands):
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
    cls=_Commands,
    context_settings={
        "auto_envvar_prefix": "AUDIOSET_TOOLS",
        "max_content_width": 100,
        "help_option_names": ["-h", "--help"],
    },
)
@click.version_option(__version__, prog_name="audioset-tools")
@click.option(
    "--config", type=FILE, callback=_read_config, is_eager=True, expose_value=False,
    help="Settings as TOML, one table a command; flags and AUDIOSET_TOOLS_* variables win over it.",
)  # fmt: skip
@click.option("--workspace", type=FOLDER, help="Folder of the data set, for whatever command follows.")
def cli(workspace: Path | None) -> None:
    """N verified AudioSet clips per class, mel shards from them, and the paper's CNN trained on those.

    The commands stand in the order of the work. Each can be stopped at any instant and continues with the
    same command. A setting may also stand in a variable, such as AUDIOSET_TOOLS_WORKSPACE.
    """


cli.params += COMMON
for _command in (
    *(doctor, select, fetch, status, verify, forget, offset, featurize, freeze, inspect),
    *(train, evaluate, predict, audit, errors, report, export, publish, demo),
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
    with until_the_end():
        code = _run(words)
        if telling.logs or telling.verbose:
            from .. import console

            console.note(f"exit code {code}")
        return code


def _run(words: list[str]) -> int:
    try:
        code = cli.main(words, prog_name="audioset-tools", standalone_mode=False, obj=run)
    except NO_WORDS as error:
        error.show()
        return UsageError.exit_code
    except click.ClickException as error:
        from .. import console

        console.complain(*in_our_words(error))
        return UsageError.exit_code
    except AudiosetToolsError as error:
        from .. import console

        console.complain(error.what, error.remedy)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        from .. import console

        console.conclude("interrupted; the same command continues")
        return 130
    except OSError as error:
        from .. import console

        where = f" ({str(error.filename)[:_MOST_OF_A_PATH]})" if error.filename else ""
        console.complain(f"the machine refused: {error.strerror or error}{where}", remedy_of(error))
        return EnvironmentProblem.exit_code
    except Exception:  # noqa: BLE001 - the command line's boundary
        from .. import console

        console.bug(traceback.format_exc())
        return 1
    return code if isinstance(code, int) else 0
