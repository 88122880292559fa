"""The pages keep up with the commands: each has a page, each page names every option, no link is broken."""

import re
from pathlib import Path

import click
import pytest

from audioset_tools.cli import cli
from audioset_tools.types import Reason

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_a_command_has_a_page_that_names_all_its_options(name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text()
    context = click.Context(cli.commands[name])
    for parameter in cli.commands[name].params:
        names = parameter.opts if isinstance(parameter, click.Option) else [parameter.make_metavar(context)]
        assert any(option in page for option in names), f"docs/{name}.md says nothing of {names[0]}"
    assert name in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_a_command_and_each_option_have_help(name: str) -> None:
    command = cli.commands[name]
    assert command.help
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)


def test_what_all_commands_have_in_common_has_a_page_that_names_it_all() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert [one.opts[-1] for one in cli.params if one.opts[-1] not in page] == ["--version"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_reason_is_in_the_page_of_fetch() -> None:
    page = (ROOT / "docs" / "fetch.md").read_text()
    assert [reason for reason in Reason if reason not in page] == []


def test_the_readme_stays_under_200_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200
