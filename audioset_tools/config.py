"""Settings from a TOML file, one table a command: defaults < this file < environment < flags.

    [fetch]
    per-class = 2400
    proxy = "http://127.0.0.1:3128"

The command line hands every stage one frozen dataclass made of all four.
"""

import tomllib
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from .errors import UsageError


def read_config(path: Path, known: Mapping[str, Set[str]]) -> dict[str, dict[str, Any]]:
    """Read a settings file.

    Args:
        path: the TOML file.
        known: the options of each command, by name with underscores.

    Raises:
        UsageError: it cannot be read, or names a command or option that does not exist.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read as TOML: {error}", "Correct it, or leave --config out."
        ) from error
    config = {}
    for command, table in tables.items():
        if command not in known or not isinstance(table, dict):
            raise UsageError(
                f"{path}: there is no command {command!r}", f"Tables are {', '.join(sorted(known))}."
            )
        config[command] = {name.replace("-", "_"): value for name, value in table.items()}
        if unknown := sorted(config[command].keys() - known[command]):
            raise UsageError(
                f"{path}: {command} has no option {unknown[0]!r}",
                f"`audioset-tools {command} --help` lists them.",
            )
    return config
