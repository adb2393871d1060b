"""The command line: `linregions count` and its sister commands; grammar.py and arguments.py say what there is."""

from .entry import main

__all__ = ["main"]
