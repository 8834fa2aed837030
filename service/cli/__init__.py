"""The command line: one module a command; prints for people and exits with sysexits codes."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence

from service.cli import (
    auditing,
    checking,
    explaining,
    health,
    keys,
    previewing,
    serving,
    simulating,
)
from service.cli.words import say
from service.domain.errors import BadConfiguration, BadInput

EXIT_CONFIG = 78  # sysexits.h: EX_CONFIG
Command = Callable[[Sequence[str], Mapping[str, str]], int]

COMMANDS: dict[str, tuple[Command, str]] = {
    "serve": (serving.run, "run the service"),
    "check": (checking.run, "validate the configuration, every problem at once"),
    "explain": (explaining.run, "say why each campaign may or may not show on a page"),
    "simulate": (simulating.run, "run the planner on synthetic traffic"),
    "preview": (previewing.run, "print a link that shows one creative and counts nothing"),
    "audit": (auditing.run, "compare journals, marks and counts"),
    "health": (health.run, "ask a running service"),
    "keys": (keys.run, "make a token key"),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="handbill",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"{name:9} {text}" for name, (_, text) in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="see `handbill <command> --help`")
    if not arguments:
        parser.print_help()
        return os.EX_USAGE
    command = parser.parse_args(arguments[:1]).command
    try:
        return COMMANDS[command][0](arguments[1:], os.environ)
    except BadConfiguration as bad:
        for problem in bad.problems:
            say(str(problem), error=True)
        return EXIT_CONFIG
    except BadInput as bad:
        say(f"{bad.field}: {bad.message}", error=True)
        return os.EX_DATAERR
