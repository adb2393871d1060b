"""The same function for many tasks, here or in worker processes, results as they come."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from ..errors import MissingExtraError

T = TypeVar("T")


def results(function: Callable[[Any], T], tasks: Iterable[Any], workers: int) -> Generator[T, None, None]:
    """`function(task)` of every task, in the order in which they end.

    With one worker it happens in this process; with more, in processes of one thread each, so that small networks,
    which use a second thread badly, keep all cores busy.

    Raises:
        MissingExtraError: `workers` is more than one and joblib is not installed.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    try:
        from joblib import Parallel, delayed, parallel_config
    except ImportError as error:
        raise MissingExtraError(
            "workers: joblib is not installed; install it with: pip install 'linregions[distributed]'"
        ) from error
    with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
        yield from Parallel(return_as="generator_unordered")(delayed(function)(task) for task in tasks)  # type: ignore[misc]
