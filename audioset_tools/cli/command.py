"""What all commands have in common: -h, -q, -v, --log, ids that begin with `-`, one style of error."""

import sys
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .. import __version__
from ..exceptions import UsageError
from ..telling import Log, telling
from ..types import ID_FORMS, ClipId, parse_id


def _quietly(context: click.Context, _: click.Parameter, asked: bool) -> None:
    telling.quiet |= asked and not context.resilient_parsing


def _with_everything(context: click.Context, _: click.Parameter, asked: bool) -> None:
    telling.verbose |= asked and not context.resilient_parsing


def _written_down(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    if path is not None and not context.resilient_parsing:
        telling.logs += (Log(path),)


COMMON = (
    click.Option(
        ["-q", "--quiet"], is_flag=True, is_eager=True, expose_value=False, callback=_quietly,
        help="Tell results, warnings and errors alone.",
    ),
    click.Option(
        ["-v", "--verbose"], is_flag=True, is_eager=True, expose_value=False, callback=_with_everything,
        help="Tell also which settings count and where they come from, and how long it took.",
    ),
    click.Option(
        ["--log"], type=click.Path(path_type=Path, dir_okay=False), is_eager=True, expose_value=False,
        callback=_written_down, metavar="FILE",
        help="Add every line that is told to this file too, with the time.",
    ),
)  # fmt: skip
"""Options of every command; they may stand before its name as well."""

_SECRET = frozenset({"proxy", "ytdlp_options"})
"""Options whose values may hold a password."""

_SOURCES = {
    ParameterSource.COMMANDLINE: "the command line",
    ParameterSource.ENVIRONMENT: "the environment",
    ParameterSource.DEFAULT_MAP: "--config",
}


NO_WORDS: tuple[type[click.ClickException], ...] = tuple(
    kind for kind in (getattr(click.exceptions, "NoArgsIsHelpError", None),) if kind
)
"""What click raises where no command is named, to show the help; older versions raise nothing."""


class IdType(click.ParamType):  # type: ignore[type-arg]
    """A video or a clip, in any form in which people hold its id."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ClipId:
        """What is meant.

        Raises:
            UsageError: it is no id.
        """
        found = value if isinstance(value, ClipId) else parse_id(value)
        if found is None:
            raise no_id(value)
        return found


class OrIdType(IdType):
    """A text that may be something else as well: the command itself finds out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text."""
        return value


ID, OR_ID = IdType(), OrIdType()


def no_id(text: str) -> UsageError:
    """The error of a text that is no id where one is wanted."""
    shown = ascii(text[:60]) + ("..." if len(text) > 60 else "")
    return UsageError(f"{shown} is neither a video's id nor a clip's key", f"Give {ID_FORMS}.")


class Command(click.Command):
    """A command with the options that all have; where it takes ids, these may begin with `-`."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own options and arguments, then those that all have, then --help."""
        *own, asking = super().get_params(ctx)
        return [*own, *COMMON, asking]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read a command line."""
        if _takes_ids(self):
            args = self._arguments_last(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, and tell whoever wants to know with which settings and for how long."""
        if not telling.verbose and not telling.logs:
            return super().invoke(ctx)
        from .. import console
        from ..words import duration

        begun = time.monotonic()
        console.note(f"audioset-tools {__version__}, Python {sys.version.split()[0]}: {self.name} begins")
        if telling.verbose:
            for line in self._settings(ctx):
                console.note(line)
        try:
            return super().invoke(ctx)
        finally:
            console.note(f"{self.name} ends after {duration(time.monotonic() - begun)}")

    def _arguments_last(self, ctx: click.Context, words: list[str]) -> list[str]:
        """The same command line with its arguments behind `--`, where none is taken for an option."""
        takes_value = {
            name: not (one.is_flag or one.count)
            for one in self.get_params(ctx)
            if isinstance(one, click.Option)
            for name in (*one.opts, *one.secondary_opts)
        }
        options: list[str] = []
        arguments: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                arguments += rest
            elif word in takes_value:
                options += [word, *islice(rest, 1 if takes_value[word] else 0)]
            elif word.startswith("-") and parse_id(word) is None:
                options.append(word)
            else:
                arguments.append(word)
        return [*options, "--", *arguments] if arguments else options

    def _settings(self, ctx: click.Context) -> Iterator[str]:
        """What was not left out, and where it stands."""
        while ctx is not None:
            for one in ctx.command.params:
                source = _SOURCES.get(ctx.get_parameter_source(one.name or ""))  # type: ignore[arg-type]
                if source and one.name in ctx.params:
                    name = one.opts[0] if isinstance(one, click.Option) else one.make_metavar(ctx)
                    value = "(not shown)" if one.name in _SECRET else _shown(ctx.params[one.name])
                    yield f"{name} {value}, by {source}"
            if ctx.parent is None:
                return
            ctx = ctx.parent


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _takes_ids(command: click.Command) -> bool:
    """Whether an argument of a command may be an id."""
    return any(isinstance(one.type, IdType) for one in command.params if isinstance(one, click.Argument))


class Commands(click.Group):
    """The commands, in the order of the work."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, as they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say of each what it does, in its whole sentence."""
        rows = [(name, one.get_short_help_str(1_000)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def in_our_words(error: click.ClickException) -> tuple[str, str]:
    """What click says of a command line, as our errors are written: what is wrong, and what to do."""
    possible: Mapping[str, Any] = vars(error)
    similar = possible.get("possibilities") or ()
    what = error.message if similar else error.format_message()
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "audioset-tools"
    lists = "commands" if context and isinstance(context.command, click.Group) else "options"
    if isinstance(error, click.NoSuchOption) and context and _takes_ids(context.command):
        lists = "options, and an id has 11 characters, the last of them one of AEIMQUYcgkosw048"
    guess = f"Did you mean {' or '.join(similar)}? " if similar else ""
    what = what[:1].lower() + what[1:].rstrip(".").replace("\n", " ")
    return what, f"{guess}`{where} --help` lists all {lists}."
