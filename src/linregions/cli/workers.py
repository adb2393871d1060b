"""`--parallel`: threads, processes, or a dask cluster by the address of its scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import InputError, MissingExtraError

SECONDS = 10


@contextmanager
def chosen_workers(parallel: str) -> Iterator[Any]:
    """What `parallel=` takes; a client is connected, and closed in the end.

    Raises:
        InputError: it is neither a name nor an address at which a scheduler answers.
        MissingExtraError: dask is not installed.
    """
    if parallel in ("threads", "processes"):
        yield parallel
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("--parallel: clusters need dask; pip install 'linregions[distributed]'") from error
    try:
        client = Client(parallel, timeout=SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"--parallel: no dask scheduler answers at {parallel!r} within {SECONDS} s; give threads, processes, or an "
            "address such as tcp://10.0.0.1:8786"
        ) from error
    with client:
        yield client
