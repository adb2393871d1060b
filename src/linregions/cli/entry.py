"""The entry point: parse, run one command, and turn every failure into one line and an exit status."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from ..errors import InputError, LinregionsError
from . import status
from .arguments import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return its exit status.

    Example:
        >>> main(["--version"])  # doctest: +ELLIPSIS
        linregions 0...
        0
    """
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except LinregionsError as error:
        return _fail(str(error), status.BAD_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted before there was any result", status.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output left, as `head` does; keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status.DONE
    except Exception:
        import traceback

        traceback.print_exc()
        return _fail("this is a bug in linregions; please report it with the lines above", status.BUG)


def _run(argv: Sequence[str]) -> int:
    try:
        options = parser().parse_args([_protected(word) for word in argv])
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    if options.command == "info":
        from .info import info

        return info(options)
    if options.command == "count":
        from .count import count

        return count(options)
    raise InputError("a command is needed: count or info; `linregions --help` lists them")


def _protected(word: str) -> str:
    """A word such as -2 or -1,-1 with a space in front, so that it is read as a value and not as an option."""
    return f" {word}" if re.match(r"-(\d|\.\d|inf|nan)", word, re.IGNORECASE) else word


def _fail(message: str, code: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return code
