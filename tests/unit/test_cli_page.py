"""The pages show commands that exist, and the page of the command line names every command and option."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from lupus_assets.cli import backtest, check, compare, profile, query, search, upkeep

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "cli.md").read_text(encoding="utf-8")
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")), PROJECT / "deploy" / "README.md"]
COMMAND = re.compile(r"^ *(?:\.venv/bin/)?lupus (.+)$", re.MULTILINE)
SHOWN = [
    pytest.param(line, id=f"{path.relative_to(PROJECT)}: {line}")
    for path in PAGES
    for line in COMMAND.findall(
        "".join(re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL))
    )
]


@pytest.fixture(scope="module")
def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of the command, and those of its subcommands by name."""
    parser = argparse.ArgumentParser("lupus")
    commands = parser.add_subparsers(dest="command", required=True)
    for family in (check, backtest, profile, compare, query, search, upkeep):
        family.add(commands)
    return parser, dict(commands.choices)


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_on_a_page_is_parsed(parsers, line: str):
    assert parsers[0].parse_args(shlex.split(line, comments=True)).command in parsers[1]


def test_the_page_has_an_example_of_every_command(parsers):
    shown = {shlex.split(line)[0] for line in COMMAND.findall(PAGE)}
    assert parsers[1].keys() - shown == set()


def test_the_page_names_every_option(parsers):
    options = {
        option for parser in parsers[1].values() for option in re.findall(r"--[a-z]+", parser.format_help())
    }
    assert {option for option in options if option not in PAGE} == set()
