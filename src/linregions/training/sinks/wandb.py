"""Rows for Weights & Biases, or whatever logs dicts as it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...checks import shown
from ...errors import InputError
from .values import numbers, vectors


class WandbSink:
    """Logs the numbers of a row as "regions/..." to a run, together with the step.

    The step goes along as a value, and `run.define_metric("regions/*", step_metric=...)` makes it the axis where the
    run has that method: the run's own counter must only rise, and the training code counts with it too.

    Args:
        run: anything with `log(dict)`: a run of wandb, or the module itself.
        step_metric: under which name the step is logged.
        histogram: makes of an array what the run can show, such as `wandb.Histogram`; None leaves arrays out.

    Raises:
        InputError: the run has no `log`.

    Example:
        >>> class Run:
        ...     def log(self, values): print(values)
        >>> WandbSink(Run()).write(10, {"n_regions": 812, "status": "complete"})
        {'trainer/global_step': 10, 'regions/n_regions': 812.0}
    """

    def __init__(
        self,
        run: Any,
        *,
        step_metric: str = "trainer/global_step",
        histogram: Callable[[Any], Any] | None = None,
    ):
        if not callable(getattr(run, "log", None)):
            raise InputError(f"run: expected something with log(dict), such as a run of wandb, got {shown(run)}")
        self.run, self.step_metric, self.histogram = run, step_metric, histogram
        self._defined = False

    def __repr__(self) -> str:
        return f"WandbSink({shown(self.run)})"

    def write(self, step: int, row: Mapping[str, Any]) -> None:
        """Log a row."""
        if not self._defined and callable(getattr(self.run, "define_metric", None)):
            self.run.define_metric(self.step_metric)
            self.run.define_metric("regions/*", step_metric=self.step_metric)
        self._defined = True
        values: dict[str, Any] = {self.step_metric: step, **numbers(row)}
        if self.histogram is not None:
            values |= {tag: self.histogram(v) for tag, v in vectors(row).items()}
        self.run.log(values)

    def close(self) -> None:
        """Nothing to close: the run is yours."""
