"""Studies: many networks or trainings measured, each row kept on disk as it is done, and a report of what they say.

    swap         does the score of untrained networks rank them as training does?
    ssl          what do the regions do while an encoder learns without labels?
    supervised   how do region counts move through supervised training, near the data and far from it?

A study is a folder: `manifest.json` says what was asked for, `rows.jsonl` holds one line for each network, and the
report's files are made from these two alone.  A study that was stopped goes on where it stood.
"""

from . import swap

__all__ = ["swap"]
