"""Settings from a TOML file, one table a command: defaults < this file < environment < flags.

    workspace = "/data/audioset"

    [fetch]
    per-class = 2400
    source = ["local:recordings", "youtube"]
    no-check-certificate = true

A key is the name of a flag, its value what the flag takes: a list where the flag may be repeated, true where
it takes none. What stands before the first table are flags before a command, and so for all of them. The file
may be a colleague's: of yt-dlp's options it sets a few that are harmless.
The command line hands every stage one frozen dataclass made of all four.
"""

import math
from pathlib import Path
from typing import Any

import click

from ..exceptions import UsageError
from ..files import parse_toml, read_file
from .options import parse_ytdlp_options

MOST_BYTES = 100_000
"""Of a settings file."""

_NO_SETTINGS = {"config", "version"}
"""Flags before a command that set nothing."""

_YTDLP_OPTION = "ytdlp-option"


def read_config(path: Path, group: click.Group) -> dict[str, Any]:
    """Read a settings file.

    Args:
        path: of a TOML file, one table a command.
        group: whose commands have a table each, with their flags as keys; its own flags stand before these.

    Returns:
        By the parameters' names in Python the values; of each command that it has a table for in one of its
        own.

    Raises:
        UsageError: it cannot be read, or names a command, an option or a value that there is not.
    """
    try:
        tables = parse_toml(read_file(path, MOST_BYTES).decode("utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"{path} cannot be read as TOML: {why}", "Correct it, or leave --config out."
        ) from error
    config: dict[str, Any] = {}
    of_all = {name: option for name, option in _flags(group).items() if name not in _NO_SETTINGS}
    for command, table in tables.items():
        if command in of_all and not isinstance(table, dict):
            option = of_all[command]
            config[option.name or ""] = _value(option, table, f"{path}: {command}")
            continue
        if command not in group.commands or not isinstance(table, dict):
            raise UsageError(
                f"{path}: there is no command {command[:80]!r}",
                f"Tables are {', '.join(sorted(group.commands))}; before them stand {', '.join(of_all)}.",
            )
        flags = _flags(group.commands[command])
        config[command] = {}
        for key, value in table.items():
            name = key.replace("_", "-")
            if name not in flags:
                raise UsageError(
                    f"{path}: {command} has no option {key[:80]!r}",
                    f"`audioset-tools {command} --help` lists them.",
                )
            option = flags[name]
            config[command][option.name or ""] = _value(option, value, f"{path}: {command}: {name}")
            if name == _YTDLP_OPTION:
                parse_ytdlp_options(config[command][option.name or ""], f"{path}: {name}", of_file=True)
    return config


def _flags(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by the names of their flags, without the dashes."""
    return {
        flag.lstrip("-"): option
        for option in command.params
        if isinstance(option, click.Option)
        for flag in option.opts
        if flag.startswith("--")
    }


def _value(option: click.Option, value: Any, where: str) -> Any:
    """A value as click takes it from a file.

    Raises:
        UsageError: the flag takes no such value.
    """
    if option.is_flag:
        fits, words = isinstance(value, bool), "true or false"
    elif option.multiple:
        value = value if isinstance(value, list) else [value]
        fits, words = all(map(_is_single, value)), "a text, or a list of texts"
    else:
        fits, words = _is_single(value), "a text or a number"
        if isinstance(option.type, click.types.IntParamType):
            fits, words = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        elif isinstance(option.type, click.types.FloatParamType):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            fits, words = number and not math.isnan(value), "a number"
        elif isinstance(option.type, click.Choice):
            value = str(value)
        else:
            fits, words = isinstance(value, str), "a text"
    if not fits:
        raise UsageError(f"{where}: the value is not {words}", "Correct it, or leave it out.")
    return value


def _is_single(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
