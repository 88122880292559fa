"""The one door to jinja2: pages that open from disk, load nothing from elsewhere, and run nothing but ours.

Titles, ids, names of files, reasons, labels and notes are a stranger's text. They are escaped wherever they
stand, a name that a template asks for and nobody gave is an error, and what a page may run is named by its
hash: should a stranger's script reach a page all the same, the browser does not run it.
"""

import base64
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .files import read_file, write_beside
from .types import Table
from .words import figure_columns
from .workspace import printable

TEMPLATES = Path(__file__).parent / "templates"

MOST_ROWS = 500
"""Rows of a table on a page."""

MOST_COLUMNS = 60
"""Columns of a table on a page."""

LONGEST_TEXT = 2_000
"""Characters of a text on a page."""

_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    # Of a page from disk Chromium takes 'self' for any file; for a browser that does not, that is `file:`.
    "img-src": "'self' file: data:",
    "media-src": "'self' file:",
    "style-src": "'unsafe-inline'",
}


def write_page(
    target: Path,
    template: str,
    *,
    scripts: Sequence[str] = (),
    data: Any = None,
    serves: str = "",
    **content: Any,
) -> None:
    """Write what `render_page` makes, whole or not at all; the same content gives the same bytes."""
    page = render_page(template, scripts=scripts, data=data, serves=serves, **content).encode()
    with suppress(OSError):
        if read_file(target, len(page)) == page:
            return
    with write_beside(target) as temporary:
        temporary.write_bytes(page)


def render_page(
    template: str, *, scripts: Sequence[str] = (), data: Any = None, serves: str = "", **content: Any
) -> str:
    """A page as text.

    Args:
        template: its file in `templates`; extends `base.html`.
        scripts: files in `templates` that the page runs, in this order; they stand in the page.
        data: what the scripts read as JSON from the element `data`; None for nothing.
        serves: further sources the page may use, such as "connect-src 'self'" where a server answers.
        content: what the template names, `title` among it.
    """
    sources = [script(name) for name in scripts]
    return (
        environment()
        .get_template(template)
        .render(css=script("base.css"), policy=policy(sources, serves), scripts=sources, data=data, **content)
    )


def policy(scripts: Sequence[str], serves: str = "") -> str:
    """The content security policy of a page that runs some scripts and nothing else."""
    hashes = " ".join(f"'sha256-{_hash(text)}'" for text in scripts)
    rules = [f"{name} {sources}" for name, sources in _POLICY.items()]
    return "; ".join([*rules, f"script-src {hashes or repr('none')}", *([serves] if serves else [])])


@lru_cache
def script(name: str) -> str:
    """The text of a file in `templates` that goes into pages as it is."""
    return read_file(TEMPLATES / name).decode()


@lru_cache
def environment() -> Environment:
    """jinja2 as all our pages use it."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= {"most_rows": MOST_ROWS, "most_columns": MOST_COLUMNS}
    made.filters["number"] = lambda value: f"{value:,}"
    made.filters["figures"] = _figures
    made.filters["printable"] = printable
    return made


def _visible(value: object) -> object:
    """What is shown of a value: of text no sign that cannot be seen, such as those that steer terminals.

    Of a text that somebody made endless the beginning is shown.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if len(value) > LONGEST_TEXT:
        value = f"{value[: LONGEST_TEXT - 1]}…"
    return "\n".join(printable(line) for line in value.split("\n"))


def _figures(table: Table) -> set[int]:
    """The columns of a table that hold figures and nothing else; they stand to the right."""
    return figure_columns(replace(table, header=table.header[:MOST_COLUMNS], rows=table.rows[:MOST_ROWS])) - {
        0
    }


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
