"""Studies: many networks measured, each row kept on disk as it is done, and a report of what they say.

    swap     does the score of untrained networks rank them as training does?

A study is a folder: `manifest.json` says what was asked for, `rows.jsonl` holds one line for each network, and the
report's files are made from these two alone.  A study that was stopped goes on where it stood.
"""

from . import swap

__all__ = ["swap"]
