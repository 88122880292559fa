"""`audioset-tools forget`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..exceptions import UsageError
from ..types import ClipId
from ..workspace import Workspace
from .command import ID, Command
from .options import workspace_option

if TYPE_CHECKING:
    from ..removal.run import Erased


@click.command(cls=Command)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=ID)
@workspace_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and change nothing.")
def forget(ids: tuple[ClipId, ...], workspace: Workspace, yes: bool, dry_run: bool) -> None:
    """Remove videos everywhere, as a take-down asks for, and never fetch them again."""
    from .. import console
    from ..removal.run import forget as erase

    ytids = list(dict.fromkeys(one.ytid for one in ids))
    if not yes:
        found = erase(workspace, ytids, dry_run=True)
        _print(found, "would erase")
        if dry_run:
            console.result(f"nothing was changed; {_named(ytids)} would be forgotten")
            return
        _ask(ytids)
    erased = erase(workspace, ytids)
    _print(erased, "erased")
    console.result(f"forgotten: {', '.join(ytids)}; no fetch will ask for it again")
    if erased.shards:
        console.say(
            "The shards are unfinished now; run: audioset-tools fetch, and then: audioset-tools featurize"
        )
    elif erased.clips:
        console.say("The next fetch gives the place to the next candidate.")
    if erased.anything and erased.weights:
        console.say(f"What was learned cannot be undone. Delete {', '.join(erased.weights)} if it matters.")


def _ask(ytids: Sequence[str]) -> None:
    """Go on only if the user says so.

    Raises:
        UsageError: there is nobody to ask, or he says no.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            "forget asks before it erases, and there is no terminal to ask on",
            "Add --yes to erase, or --dry-run to see what would go. Nothing was changed.",
        )
    if not click.confirm(f"Erase all this, and never fetch {_named(ytids)} again?", err=True):
        raise UsageError("nothing was changed", "Run it again and answer y, or add --yes.")


def _print(erased: "Erased", verb: str) -> None:
    from .. import console
    from ..words import counted

    for path in (*erased.clips, *erased.pages, *erased.shards):
        console.result(f"{verb} {path}")
    for path, n in erased.rows:
        console.result(f"{verb} {counted(n, 'row')} of {path}")


def _named(ytids: Sequence[str]) -> str:
    return ytids[0] if len(ytids) == 1 else f"these {len(ytids)} videos"
