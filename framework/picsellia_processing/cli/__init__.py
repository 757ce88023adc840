"""The command `pxp`: one module per command, each with `configure(parser)` and `run(arguments) -> exit code`.

A command's module docstring is its help. It imports what is heavy inside `run`, so that `pxp --help` is immediate.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from picsellia_processing.cli import build, deploy, describe, doctor, dry_run, launch, new, platform, push, run
from picsellia_processing.cli.interruption import INTERRUPTED, exit_code
from picsellia_processing.errors import ExitCode, ProcessingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMMANDS = {
    "new": new,
    "dry-run": dry_run,
    "run": run,
    "describe": describe,
    "platform": platform,
    "build": build,
    "push": push,
    "deploy": deploy,
    "launch": launch,
    "doctor": doctor,
}


EXIT_CODES = f"""\
exit codes:
  {ExitCode.OK:<4} all went well
  {ExitCode.FAILED:<4} the Job failed: its processing raised, or too many assets failed; Docker or a registry failed;
       what a processing needs is missing
  {ExitCode.USAGE:<4} wrong use, refused before any work: a flag, a fixture, a parameter, a definition
  {ExitCode.PLATFORM:<4} the platform cannot be reached, or refused
  {INTERRUPTED:<4} interrupted (Ctrl-C)
  {ExitCode.TERMINATED:<4} terminated (SIGTERM)
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are `UsageError`s."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nsee `{self.prog} --help`")

    def refuse(self, unknown: str) -> NoReturn:
        """Raise for a word this parser does not know, naming the flag that comes closest."""
        flags = self._option_string_actions if unknown.startswith("-") else ()
        word = unknown.partition("=")[0]
        self.error(f"{word} is not known here{_closest(word, flags)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `pxp` with these arguments, `sys.argv`'s when None, and return its exit code. Raises `SystemExit` for --help.

    What is wrong goes to stderr as one message, without a stack trace unless --debug asks for it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has left; the interpreter's last flush must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except (ProcessingError, OSError) as error:
        if "--debug" in words:
            traceback.print_exc()
        print(f"pxp: error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, ProcessingError) else ExitCode.FAILED
    except KeyboardInterrupt as interrupt:
        print("pxp: stopped", file=sys.stderr)
        return exit_code(interrupt)
    return code


def _run(words: list[str]) -> int:
    parser = _Parser(prog="pxp", description="Write, try and run Picsellia processings.", epilog=EXIT_CODES)
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the stack trace of an error")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser, dest="command")
    parsers = {name: _add_command(commands, name) for name in COMMANDS}
    _refuse_unknown_command(parser, words)
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        parsers.get(arguments.command, parser).refuse(unknown[0])
    if arguments.version:
        print(_version())
        return ExitCode.OK
    if not arguments.command:
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    return int(COMMANDS[arguments.command].run(arguments))


def _add_command(commands: argparse._SubParsersAction[_Parser], name: str) -> _Parser:
    module = COMMANDS[name]
    description = module.__doc__ or ""
    parser = commands.add_parser(name, help=description.partition("\n")[0], description=description)
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    module.configure(parser)
    return parser


def _refuse_unknown_command(parser: _Parser, words: list[str]) -> None:
    command = next((word for word in words if not word.startswith("-")), None)
    if command is not None and command not in COMMANDS:
        parser.error(f"there is no command {command!r}{_closest(command, COMMANDS)}; there are {', '.join(COMMANDS)}")


def _closest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    match = get_close_matches(word, list(known), n=1)
    return f" (did you mean {match[0]}?)" if match else ""


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - slow, and seldom needed

    return f"picsellia-processing {version('picsellia-processing')}"
