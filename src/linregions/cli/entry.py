"""The entry point: parse, run one command, and turn every failure into one line and an exit status."""

# Imports of any weight stand inside functions: Ctrl-C during them is then caught like Ctrl-C at any other time.
from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return its exit status.

    Example:
        >>> main(["--version"])  # doctest: +ELLIPSIS
        linregions 0...
        0
    """
    try:
        return _answered(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return _fail("interrupted before there was any result", status.INTERRUPTED)


def _answered(argv: list[str]) -> int:
    from ..errors import LinregionsError, OutputError

    if sys.stdout is None:
        return _fail("standard output is closed, so the result could not be printed; leave it open", status.OUTPUT)
    try:
        text, code, *more = _run(argv)
    except OutputError as error:
        return _fail(_with_names_escaped(str(error), argv), status.OUTPUT)
    except LinregionsError as error:
        return _fail(_with_names_escaped(str(error), argv), status.BAD_INPUT)
    except Exception:
        import traceback

        traceback.print_exc()
        return _fail("this is a bug in linregions; please report it with the lines above", status.BUG)
    code = _print(text, code)
    trouble = next((error for error in more if error is not None), None)
    if trouble is None:
        return code
    return _fail(_with_names_escaped(str(trouble), argv), status.OUTPUT if isinstance(trouble, OutputError) else code)


def _run(argv: list[str]) -> tuple[Any, ...]:
    """What to print, the exit status, and an error that did not keep the command from its result."""
    import io
    from contextlib import redirect_stdout

    from ..errors import InputError
    from .arguments import COMMANDS, parser

    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            options = parser().parse_args([_protected(word) for word in argv])
    except SystemExit as stop:  # --help and --version
        return printed.getvalue().rstrip("\n"), int(stop.code or 0)
    if options.command is None:
        raise InputError(f"a command is needed: {', '.join(COMMANDS)}; `linregions --help` lists them")
    from importlib import import_module

    command = getattr(import_module(f".{options.command}", __package__), options.command)
    return command(options)


def _protected(word: str) -> str:
    """A word such as -2 or -1,-1 with a space in front, so that it is read as a value and not as an option."""
    import re

    return f" {word}" if re.match(r"-(\d|\.\d|inf|nan)", word, re.IGNORECASE) else word


def _print(text: str, code: int) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader of our output left, as `head` does
        _discard(sys.stdout)
        return status.DONE
    except OSError as error:
        _discard(sys.stdout)
        return _fail(f"the result could not be written to standard output ({error.strerror})", status.OUTPUT)
    return code


def _fail(message: str, code: int) -> int:
    try:
        if sys.stderr is not None:  # print would take None for standard output
            print("error: " + _escaped(" ".join(message.split())), file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)
    return code


def _discard(stream: TextIO | None) -> None:
    """Send what the stream still holds nowhere, so that the interpreter does not fail on it at its end."""
    import os
    from contextlib import suppress

    if stream is None:
        return
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _with_names_escaped(message: str, argv: list[str]) -> str:
    # A line end in a file's name has to be told from one in the message, which becomes a space.
    for word in argv:
        message = message.replace(word, _escaped(word)) if not word.isprintable() else message
    return message


def _escaped(text: str) -> str:
    r"""The text with control characters as `\x1b`, so that a file's name cannot steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
