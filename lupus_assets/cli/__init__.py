"""The ``lupus`` command: parse, call, print.

One module per family of subcommands. Imports of a subcommand are in its functions, so that ``lupus --help``
and each subcommand start fast.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lupus_assets.cli import backtest, check, compare, profile, query, search, upkeep
from lupus_assets.cli.output import MISTAKES, USAGE, one_line
from lupus_assets.cli.table import plain
from lupus_assets.process import prepare

INTERRUPTED = 130  # exit code of a command ended by Ctrl-C, as in a shell


def run() -> NoReturn:
    """Run the subcommand in the process's arguments, and end the process without cleanup.

    Python takes 30 ms to free its objects one by one, a twentieth of the time of a profile of a million rows.
    Subcommands have written and closed all files when they return.
    """
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # as stderr is
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments after the name of the command; by default those of the process.
    """
    prepare()
    parser = _Parser(prog="lupus", description="Monitoring of machine-learning models.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for family in (check, backtest, profile, compare, query, search, upkeep):
        family.add(commands)
    arguments = parser.parse_args(argv)
    from lupus_assets.errors import DeclarationError, LupusError, UsageError

    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # or Python reports an error at its end
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except LupusError as error:
        messages = error.problems if isinstance(error, DeclarationError) else [error]
        for message in messages:
            print(f"{parser.prog} {arguments.command}: {one_line(str(message))}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else MISTAKES


class _Parser(argparse.ArgumentParser):
    """A parser that escapes arguments in its messages: they may come from a file name or a web page."""

    def error(self, message: str) -> NoReturn:
        super().error(plain(message))


class _Version(argparse.Action):
    """The ``version`` action of argparse, with a lookup at the time of the call only."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"lupus {version('lupus')}")
        parser.exit()
