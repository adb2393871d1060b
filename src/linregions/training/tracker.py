"""Watching the regions of a network while it trains, in any loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..checks import shown, whole_number
from ..engines.budget import checked_budget
from ..errors import InputError
from ..readers.torch_plain import refuse_lazy
from ..slicing import Slice
from ..slicing.anchors import data_points
from .allowance import Allowance
from .arguments import check_one_space, checked_paths, flag, positive
from .columns import check_columns, column_value
from .history import History, Row
from .measuring import Measured, Measurer, Plan, checked_slices
from .saving import FORMAT, packed_network, read_state
from .schedule import Schedule
from .unwrapping import architecture, difference, is_first_process, part_of


class RegionTracker:
    """Measures the regions of a network on fixed slices, points and paths, every so often while it trains.

    The model, its training flags, gradients, hooks and the random states are afterwards what they were.  Reading a
    model calls it a few times in evaluation mode (unless it is a plain chain of linear layers and ReLUs without hooks),
    so its forward hooks fire in a measurement too: they may be part of the function.  Wrappers of `torch.nn.parallel`
    and `torch.compile` are looked through; only the process of rank 0 measures.

    A tracker watches one training: steps never fall, a step has one row, and the architecture stays.

    A measurement that is due by the schedule is made as soon as it fits into `share` of the wall time since the first
    call, as far as the last one tells what it will cost; until then it is postponed, and one makes up for all that
    were.  The first is always made, so a training shorter than 1 / share times the first measurement has no other;
    `finish` measures the last state whatever that takes.  What fails in the first measurement is raised; a later one
    that fails, for another architecture too, becomes a row with `error`, is warned of once, and training goes on.

    A network whose matrices would not fit into memory is evaluated in batches (`route` is "batches", see
    `linregions.slicing.enumerate_slice`).  Points, paths and the overlay need matrices: they are then left out, which
    a warning says once and the column `skipped` in every row.

    Args:
        slices: `Slice` or `Plane` objects; `linregions.slicing.slices` lays some through data.
        points: (points, inputs) at which the distance to the nearest boundary and the local complexity are measured.
        paths: polylines (points, inputs) whose crossings with boundaries are counted.
        input_shape: shape of one input without the batch axis; needed unless the network starts with a Linear layer.
        part: what to measure: None is the whole model, a dotted name a submodule, a function makes the module of the
            model.  Slices and points lie in the input space of the part.
        schedule: "log", "grok", a period, steps, or a `Schedule`.
        share: at most this share of the wall time goes into measuring; None is no limit.
        budget_seconds: at most so much in all; what runs out of it ends with a part of the regions and says so.
        max_regions: at most so many regions of one slice.
        keep: keep the polygons of every slice, in `history.kept`.
        overlay: compare with the regions at the measurement before: `split_info`, `merge_info`.
        jacobian: also the metrics of the maps on the regions: jumps, and regions merged by function.
        sinks: where rows go as they are made: objects with `write(step, row)` and `close()`, or file names.
            One that fails at the first row is an error; later it is warned of once.
        exact: settle in rationals what floating point cannot, as for `enumerate_regions`.
        threads: of the engine.
        radius: of the local complexity, in units of the inputs.

    Raises:
        InputError: an argument does not fit.

    Example:
        >>> import torch
        >>> from linregions import Plane
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
        >>> optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> tracker = RegionTracker(slices=[Plane.through([0, 0], [1, 0], [0, 1])], schedule=5, share=None)
        >>> _ = tracker.step(model, 0)
        >>> for _ in range(10):
        ...     loss = model(torch.randn(16, 2)).square().mean()
        ...     optimiser.zero_grad()
        ...     loss.backward()
        ...     optimiser.step()
        ...     row = tracker.step(model, loss=loss)
        >>> tracker.history.steps.tolist(), row["status"], row["identities"]
        ([0, 5, 10], 'complete', True)
    """

    def __init__(
        self,
        *,
        slices: Any = (),
        points: Any = None,
        paths: Any = (),
        input_shape: Any = None,
        part: str | Callable[[Any], Any] | None = None,
        schedule: Any = "log",
        share: float | None = 0.05,
        budget_seconds: float | None = None,
        max_regions: int | None = 200_000,
        keep: bool = False,
        overlay: bool = False,
        jacobian: bool = False,
        sinks: Any = (),
        exact: bool = True,
        threads: int | None = 1,
        radius: float = 0.05,
    ):
        limits = checked_budget(exact=exact, threads=threads, max_regions=max_regions)
        if part is not None and not isinstance(part, str) and not callable(part):
            raise InputError(f"part: expected a dotted name, a function of the model or None, got {shown(part)}")
        if isinstance(input_shape, int):
            input_shape = (input_shape,)
        plan = Plan(
            checked_slices(slices),
            None if points is None else data_points(points, "points"),
            checked_paths(paths),
            None if input_shape is None else tuple(input_shape),
            positive(radius, "radius"),
            limits["max_regions"], flag(keep, "keep"), flag(overlay, "overlay"), flag(jacobian, "jacobian"),
            exact, limits["threads"],
        )  # fmt: skip
        if not plan.slices and plan.points is None and not plan.paths:
            raise InputError("slices: nothing to measure; give slices, points or paths")
        check_one_space(plan.slices, plan.points, plan.paths)
        self.part = part
        self.schedule = Schedule.of(schedule)
        self.allowance = Allowance(share, budget_seconds)
        self.history = History()
        self.sinks = _opened(sinks)
        self._measurer = Measurer(plan)
        self._seen = -1
        self._due = False
        self._cost = 0.0
        self._architecture: dict[str, Any] | None = None  # of the first measurement
        self._resumed = False  # whether a state was loaded and nothing measured since
        self._wrote = False  # whether the sinks had a row of this process
        self._warned: set[str] = set()

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The slices that are measured."""
        return self._measurer.plan.slices

    @property
    def last_step(self) -> int | None:
        """The last step that `step` or `measure` was called with; None before the first."""
        return None if self._seen < 0 else self._seen

    def step(self, model: Any, step: int | None = None, **extra: Any) -> Row | None:
        """Call after every optimiser step, and once with step 0 before the first: measures if it is time to.

        Args:
            model: the model that is trained.
            step: its number, never below the one before; None counts on from the call before.
            extra: more columns of the row, such as the loss: one number (NaN stays NaN), word, bool or None each.

        Returns:
            The row, or None where nothing was measured.

        Raises:
            UnsupportedModelError: in the first measurement, a layer is not piecewise linear.
            InputError: the number of a step falls; in the first call, a column is no number or word; in the first
                measurement, the model does not fit.
        """
        if self._seen < 0:
            check_columns(extra)
        step = self._number(max(self._seen, 0) + 1 if step is None else step)
        since, self._seen = self._seen, step  # the step that was seen last is over
        self._due = self._due or self.schedule.due(step, since)
        if not self._due or not is_first_process():
            return None
        self.allowance.start()
        if self.history.rows and not self.allowance.affords(self._cost):
            return None
        return self.measure(model, step, **extra)

    def measure(self, model: Any, step: int, **extra: Any) -> Row:
        """Measure now, whatever the schedule and the share of time say; a budget in seconds holds nevertheless.

        A step has one row: if the last row is of this step already, it is given back as it is.

        Raises:
            UnsupportedModelError: in the first measurement, a layer is not piecewise linear.
            InputError: the number of the step falls; in the first measurement, the model or a column does not fit.
        """
        step = self._number(step)
        rows = self.history.rows
        if rows and rows[-1]["step"] == step:
            return self._again(rows[-1], extra)
        columns = self._columns(extra)
        self.allowance.start()
        self._seen, self._due = step, False
        before = self.allowance.clock()
        found = self._measured(model)
        seconds = self.allowance.clock() - before
        self.allowance.spend(seconds)
        self._cost = max(0.0, seconds - found.setup)
        return self._recorded(step, found, seconds, columns)

    def finish(self, model: Any, step: int | None = None, **extra: Any) -> Row:
        """Measure the last state, unless the last row is of this step already; sinks are closed by `close`."""
        return self.measure(model, max(self._seen, 0) if step is None else step, **extra)

    def _number(self, step: Any) -> int:
        step = whole_number(step, "step", least=0)
        if step < self._seen:
            raise InputError(
                f"step: the training has come to step {self._seen}, got {step}; number on, or make a new RegionTracker "
                "for another training"
            )
        return step

    def _again(self, row: Row, extra: Mapping[str, Any]) -> Row:
        new = [name for name in extra if name not in row]
        if new:
            verb = "is" if len(new) == 1 else "are"
            self._warn("again", f"step {row['step']} has its row already; {', '.join(new)} {verb} not added")
        return row

    def _columns(self, extra: Mapping[str, Any]) -> Row:
        """The caller's columns; what is none is refused before there is a row, and left out with a warning later."""
        columns: Row = {}
        for name, value in extra.items():
            try:
                columns[name] = column_value(name, value)
            except InputError as error:
                if not self.history.rows:
                    raise
                self._warn(f"column {name}", f"a column is left out and training goes on ({error})")
        return columns

    def close(self) -> None:
        """Close the sinks."""
        for sink in self.sinks:
            self._told(sink, _tried(sink.close))

    def __enter__(self) -> RegionTracker:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _measured(self, model: Any) -> Measured:
        left = self.allowance.left
        if left is not None and left <= 0:
            return Measured({"status": "budget", "error": None})
        try:
            module = part_of(model, self.part)
            kind = self._compared(module)
            found = self._measurer.measure(module, left)
        except Exception as error:
            if not self.history.rows or (self._resumed and isinstance(error, OtherArchitecture)):
                raise
            text = " ".join(str(error).split()) or type(error).__name__
            self._warn("measure", f"a measurement failed and training goes on ({text}); see the column 'error'")
            return Measured({"status": "failed", "error": f"{type(error).__name__}: {text}"})
        self._architecture, self._resumed = kind, False
        return found

    def _compared(self, module: Any) -> dict[str, Any]:
        """The architecture of a module, if it is that of the measurements before."""
        refuse_lazy(module)
        wanted, now = self._architecture, architecture(module)
        if wanted is not None and wanted["key"] != now["key"]:
            whose = "the state that was loaded" if self._resumed else "what was measured before"
            raise OtherArchitecture(
                f"model: {whose} is of another architecture, {wanted['text']}, than this model, {now['text']} "
                f"({difference(wanted, now)}); give the model of that training, or start a new tracker"
            )
        return now

    def _recorded(self, step: int, found: Measured, seconds: float, columns: Row) -> Row:
        elapsed = self.allowance.elapsed
        row: Row = {"step": step, "elapsed": elapsed, "seconds": seconds}
        row["share"] = self.allowance.spent / elapsed if elapsed > 0 else 1.0
        row |= columns | found.row
        parts = [{"step": step, **part} for part in found.slices]
        self.history.add(row, parts, found.kept)
        failures = [(sink, _tried(sink.write, step, row)) for sink in self.sinks]
        first, self._wrote = not self._wrote, True
        if found.interrupted:  # the engine turns Ctrl-C into a result; training must hear of it
            raise KeyboardInterrupt
        for sink, error in failures:
            if error is not None and first:
                raise error  # nothing has been trained yet that could be lost
            self._told(sink, error)
        return row

    def _told(self, sink: Any, error: Exception | None) -> None:
        if error is not None:
            self._warn(f"sink {id(sink)}", f"the sink {shown(sink)} fails and training goes on ({error})")

    def _warn(self, what: str, text: str) -> None:
        """Warn once of each thing."""
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(f"RegionTracker: {text}", stacklevel=4)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs, as plain JSON types: slices, history, schedule, costs; not the kept polygons."""
        plan = self._measurer.plan
        return {
            "format": FORMAT,
            "schedule": self.schedule.as_dict(),
            "slices": [part.as_dict() for part in plan.slices],
            "points": None if plan.points is None else plan.points.tolist(),
            "paths": [path.tolist() for path in plan.paths],
            "history": self.history.as_dict(),
            "seen": self._seen,
            "due": self._due,
            "cost": self._cost,
            "allowance": self.allowance.state(),
            "architecture": self._architecture,
            "previous": packed_network(self._measurer.previous),
        }

    def load_state_dict(self, state: Any) -> None:
        """Go on from `state_dict`: its slices, points, history and schedule replace those of this tracker.

        Raises:
            InputError: it is no state of a tracker, or a damaged one; the tracker is then as it was.  The next
                measurement refuses a model of another architecture.
        """
        found = read_state(state)
        plan = self._measurer.plan
        plan = replace(plan, slices=found["slices"], points=found["points"], paths=found["paths"])
        self.schedule, self.history = found["schedule"], found["history"]
        self._measurer = Measurer(plan)
        self._measurer.previous = found["previous"]
        self._seen, self._due, self._cost = found["seen"], found["due"], found["cost"]
        self.allowance.restore(found["allowance"])
        self._architecture, self._resumed = found["architecture"], found["architecture"] is not None

    def __repr__(self) -> str:
        plan = self._measurer.plan
        parts = [f"{len(plan.slices)} slices"] if plan.slices else []
        parts += [f"{len(plan.points)} points"] if plan.points is not None else []
        parts += [f"{len(plan.paths)} paths"] if plan.paths else []
        return f"RegionTracker: {', '.join(parts)}, {self.schedule}, {len(self.history)} rows"


class OtherArchitecture(InputError):
    """A model of another architecture than that of the measurements before."""


def _tried(action: Callable[..., Any], *args: Any) -> Exception | None:
    try:
        action(*args)
    except Exception as error:
        return error
    return None


def _opened(sinks: Any) -> list[Any]:
    if isinstance(sinks, str) or hasattr(sinks, "write") or not isinstance(sinks, Sequence):
        sinks = [sinks]
    from .sinks import as_sink

    return [as_sink(sink) for sink in sinks]
