"""The ``lupus`` command: parse, call, print.

One module per family of subcommands; what a subcommand needs is imported when it runs, so that
``lupus --help`` and each subcommand start as fast as they can.
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

INTERRUPTED = 130  # exit code of a shell's command that Ctrl-C ended


def run() -> NoReturn:
    """Run the process's own subcommand and end it at once.

    Python takes 30 ms to free one by one what the system takes back as a whole: a twentieth of what a profile
    of a million rows takes. Whatever a subcommand writes is written, and closed, when it returns.
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
        Arguments after the name of the command; None means the process's own.
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
    except BrokenPipeError:  # whoever read the answer, as `head` does, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains as it ends
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except LupusError as error:
        said = error.problems if isinstance(error, DeclarationError) else [error]
        for each in said:
            print(f"{parser.prog} {arguments.command}: {one_line(str(each))}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else MISTAKES


class _Parser(argparse.ArgumentParser):
    """Repeats no argument raw: it may come from a file name, or from a page on the web."""

    def error(self, message: str) -> NoReturn:
        super().error(plain(message))


class _Version(argparse.Action):
    """Like argparse's own, but looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"lupus {version('lupus')}")
        parser.exit()
