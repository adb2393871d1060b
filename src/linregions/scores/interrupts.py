"""Ctrl-C while a model is not itself: heard at once, obeyed where nothing is half done.

Python raises KeyboardInterrupt between any two instructions, so also between saving a tensor and noting that it was
saved, or while tensors are put back.  Within `deferred` the signal is only noted; `obey` lets it take effect.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, get_ident, main_thread
from typing import Any


class _Noted:
    """The handler of SIGINT within `deferred`."""

    def __init__(self, before: Any):
        self.before = before
        self.thread = get_ident()
        self.noted = self.closing = False

    def __call__(self, number: int, frame: Any) -> None:
        if self.noted and not self.closing:
            self.before(number, frame)  # the second one does not wait, except for what is being put back
        self.noted = True

    def close(self) -> None:
        """From now on not even a second signal interrupts."""
        self.closing = True

    def obey(self) -> None:
        """Do what the signal asked for."""
        if self.noted:
            self.noted = False
            self.before(signal.SIGINT, None)


@contextmanager
def deferred() -> Iterator[_Noted | None]:
    """Hold Ctrl-C back until the block ends, or until `obey` is called in it.

    It gives the handler that is in place; None in another thread than the main one, which no signal interrupts, within
    another such block, and where SIGINT is ignored.
    """
    before = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
    if not callable(before) or isinstance(before, _Noted):
        yield None
        return
    mine = _Noted(before)
    signal.signal(signal.SIGINT, mine)
    try:
        yield mine
    finally:
        signal.signal(signal.SIGINT, before)
        mine.obey()


def obey() -> None:
    """Within `deferred`: here a Ctrl-C that was noted may take effect."""
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, _Noted) and handler.noted and not handler.closing and handler.thread == get_ident():
        handler.obey()
