"""What is damaged in a run folder, one line each on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..store import DamageWarning


@contextmanager
def reported_damage() -> Iterator[None]:
    """Print the damage that is found meanwhile, as it is found."""

    def show(message: Warning | str, category: type[Warning], *rest: object, **more: object) -> None:
        if not issubclass(category, DamageWarning):
            usual(message, category, *rest, **more)  # type: ignore[arg-type]
        elif sys.stderr is not None:
            with suppress(OSError):
                print(f"warning: {message}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", DamageWarning)
        warnings.showwarning = show
        yield
