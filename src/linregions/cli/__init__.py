"""The command line: `linregions count` and `linregions info`."""

from .entry import main

__all__ = ["main"]
