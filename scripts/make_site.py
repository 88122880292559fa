"""Build the docs site: lay out its pages, have zensical make HTML of them, and look at every link of that.

    make_site.py [OUT]     into OUT, or site/ beside this checkout's pyproject.toml

The pages are those of docs/, as they stand, with README, changelog, contributing and licence; the command
line's reference comes from click, that of the API from the docstrings. What is made asks nobody for anything.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
from readme import PAGES, page_of, relinked

import audioset_tools
from audioset_tools.cli import cli

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "zensical.toml"


class Page(HTMLParser):
    """What a page offers and asks for.

    `ids` are the places in it, `links` what a reader may follow, `loads` what a browser fetches by itself.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag."""
        given = {name: value for name, value in attrs if value is not None}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(given["href"])
        elif "src" in given:
            self.loads.append(given["src"])


def lay_out(folder: Path) -> None:
    """Write the Markdown of all pages into a folder."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        (folder / path.name).write_text(relinked(path.read_text(), lambda file: page_of(file, "docs")))
    for name, page in PAGES.items():
        if not name.endswith(".py"):
            (folder / page).write_text(relinked((ROOT / name).read_text(), lambda file: page_of(file, "")))
    notebook = json.loads((ROOT / "docs" / "notebook.ipynb").read_text())
    text = "\n\n".join(_cells(notebook))
    (folder / "notebook.md").write_text(relinked(text, lambda file: page_of(file, "docs")))
    (folder / "cli.md").write_text("\n".join(_command_line()))
    (folder / "reference.md").write_text("\n".join(_reference()))


def _cells(notebook: dict[str, list[dict[str, str | list[str]]]]) -> Iterator[str]:
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"


def _command_line() -> Iterator[str]:
    """`--help` of every command; a command's page says what its options mean."""
    yield "# The command line\n\nWhat `--help` prints, of every command. The name of one leads to its page.\n"
    root = click.Context(cli, info_name="audioset-tools", max_content_width=80, terminal_width=80)
    yield f"```text\n{cli.get_help(root)}\n```\n"
    for name in cli.list_commands(root):
        context = click.Context(cli.commands[name], parent=root, info_name=name, terminal_width=80)
        yield f"## [{name}]({name}.md)\n\n```text\n{cli.commands[name].get_help(context)}\n```\n"


def _reference() -> Iterator[str]:
    """Every public name; mkdocstrings fills in its signature and docstring."""
    yield (
        "# The API in full\n\nSignatures and docstrings of all that `from audioset_tools import ...` gives."
        " [The Python API](api.md) has examples.\n"
    )
    for name in sorted(set(audioset_tools.__all__) - {"__version__"}, key=str.lower):
        yield f"::: audioset_tools.{audioset_tools._HOMES[name]}.{name}\n"


def troubles(site: Path) -> list[str]:
    """What is wrong with a finished site: links to nowhere, or to no such place; what asks strangers."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = path.relative_to(site)
        found += [f"{here}: loads {one}" for one in page.loads if urlsplit(one).netloc]
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            # The page for what is not found may be shown anywhere, and begins at the root.
            base = site if parts.path.startswith("/") else path.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                found.append(f"{here}: {link} leads nowhere")
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{here}: {link}: there is no such place")
        # What GitHub shows as a list may be a paragraph here.
        if re.search(r"<p>[^<]*\n(?:-|\d+\.) ", path.read_text(encoding="utf-8")):
            found.append(f"{here}: a list lacks the empty line before it")
    return found


def unlinked(site: Path) -> list[str]:
    """The pages that the navigation does not lead to."""
    listed = set(re.findall(r'"([\w-]+)\.md"', CONFIG.read_text()))
    return sorted({path.stem for path in site.glob("*.html")} - listed - {"404"})


def build(out: Path) -> list[str]:
    """Make the site, and say what is wrong with it.

    Args:
        out: the folder of the site; what lies there is replaced.
    """
    with tempfile.TemporaryDirectory(prefix="audioset-tools-site-") as name:
        work = Path(name)
        (work / "pages").mkdir()
        lay_out(work / "pages")
        shutil.copy(CONFIG, work)
        zensical = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        done = subprocess.run(zensical, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode:
            return [done.stdout + done.stderr]
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(work / "site", out)
    return [*troubles(out), *(f"{page}: zensical.toml does not name it" for page in unlinked(out))]


if __name__ == "__main__":
    where = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "site"
    wrong = build(where)
    sys.exit("\n".join(wrong) if wrong else None)
