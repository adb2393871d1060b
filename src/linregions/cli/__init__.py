"""The command line: `linregions count`, `info`, `bounds`, `compare` and `construct`."""

from .entry import main

__all__ = ["main"]
