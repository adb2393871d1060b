"""Watching the regions of a network while it trains, in any loop."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import real_number, shown, whole_number
from ..engines.budget import checked_budget
from ..errors import InputError
from ..slicing import Slice
from ..slicing.anchors import data_points
from .allowance import Allowance
from .history import History, Row, plain
from .measuring import Measured, Measurer, Plan, checked_slices
from .schedule import Schedule
from .unwrapping import architecture, is_first_process, part_of

FORMAT = "linregions tracker 1"
_OWN = ("step", "elapsed", "seconds", "share", "status", "route", "skipped", "units", "identities", "error")


class RegionTracker:
    """Measures the regions of a network on fixed slices, points and paths, every so often while it trains.

    The model, its training flags, gradients, hooks and the random states are afterwards what they were.  Wrappers of
    `torch.nn.parallel` and `torch.compile` are looked through; only the process of rank 0 measures.

    A measurement that is due by the schedule is made as soon as it fits into `share` of the wall time since the first
    call, as far as the last one tells what it will cost; until then it is postponed, and one makes up for all that
    were.  The first is always made, so a training shorter than 1 / share times the first measurement has no other;
    `finish` measures the last state whatever that takes.  A later measurement that fails becomes a row with `error`,
    and training goes on.

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
            _paths(paths),
            None if input_shape is None else tuple(input_shape),
            _positive(radius, "radius"),
            limits["max_regions"], bool(keep), bool(overlay), bool(jacobian), exact, limits["threads"],
        )  # fmt: skip
        if not plan.slices and plan.points is None and not plan.paths:
            raise InputError("slices: nothing to measure; give slices, points or paths")
        self.part = part
        self.schedule = Schedule.of(schedule)
        self.allowance = Allowance(share, budget_seconds)
        self.history = History()
        self.sinks = _opened(sinks)
        self._measurer = Measurer(plan)
        self._seen = -1
        self._due = False
        self._cost = 0.0
        self._architecture: dict[str, str] | None = None  # of the state that was loaded
        self._last: dict[str, str] | None = None
        self._warned: set[str] = set()

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The slices that are measured."""
        return self._measurer.plan.slices

    def step(self, model: Any, step: int | None = None, **extra: Any) -> Row | None:
        """Call after every optimiser step, and once with step 0 before the first: measures if it is time to.

        Args:
            model: the model that is trained.
            step: its number; None counts on from the call before.
            extra: more columns of the row, such as the loss.

        Returns:
            The row, or None where nothing was measured.

        Raises:
            UnsupportedModelError: in the first measurement, a layer is not piecewise linear.
            InputError: in the first measurement, the model does not fit; or a number of a step does not.
        """
        step = max(self._seen, 0) + 1 if step is None else whole_number(step, "step", least=0)
        # The step that was seen last is over; one before it means that the training was set back.
        since, self._seen = self._seen if step >= self._seen else step - 1, step
        self._due = self._due or self.schedule.due(step, since)
        if not self._due or not is_first_process():
            return None
        self.allowance.start()
        if self.history.rows and not self.allowance.affords(self._cost):
            return None
        return self.measure(model, step, **extra)

    def measure(self, model: Any, step: int, **extra: Any) -> Row:
        """Measure now, whatever the schedule and the share of time say; a budget in seconds holds nevertheless.

        Raises:
            UnsupportedModelError: in the first measurement, a layer is not piecewise linear.
            InputError: in the first measurement, the model does not fit.
        """
        step = whole_number(step, "step", least=0)
        for name in extra:
            if name in _OWN or "/" in name:
                raise InputError(f"{name}: the tracker has this column itself; choose another name")
        self.allowance.start()
        self._seen, self._due = max(self._seen, step), False
        before = self.allowance.clock()
        found = self._measured(model)
        seconds = self.allowance.clock() - before
        self.allowance.spend(seconds)
        self._cost = max(0.0, seconds - found.setup)
        return self._recorded(step, found, seconds, extra)

    def finish(self, model: Any, step: int | None = None, **extra: Any) -> Row:
        """Measure the last state, unless the last row is of this step already; sinks are closed by `close`."""
        step = max(self._seen, 0) if step is None else whole_number(step, "step", least=0)
        rows = self.history.rows
        return rows[-1] if rows and rows[-1]["step"] == step else self.measure(model, step, **extra)

    def close(self) -> None:
        """Close the sinks."""
        for sink in self.sinks:
            self._guarded("close", sink)

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
            self._check_architecture(module)
            return self._measurer.measure(module, left)
        except Exception as error:
            if not self.history.rows or isinstance(error, _Other):
                raise
            text = " ".join(str(error).split()) or type(error).__name__
            self._warn("measure", f"a measurement failed and training goes on ({text}); see the column 'error'")
            return Measured({"status": "failed", "error": f"{type(error).__name__}: {text}"})

    def _check_architecture(self, module: Any) -> None:
        if self._architecture is None and self._last is not None:
            return
        self._last = architecture(module)
        wanted, self._architecture = self._architecture, None
        if wanted is not None and wanted["key"] != self._last["key"]:
            self._architecture = wanted
            raise _Other(
                f"model: the state that was loaded is of another architecture, {wanted['text']}, than this model, "
                f"{self._last['text']}; give the model of that training, or start a new tracker"
            )

    def _recorded(self, step: int, found: Measured, seconds: float, extra: Mapping[str, Any]) -> Row:
        elapsed = self.allowance.elapsed
        row: Row = {"step": step, "elapsed": elapsed, "seconds": seconds}
        row["share"] = self.allowance.spent / elapsed if elapsed > 0 else 1.0
        row |= {name: plain(value) for name, value in extra.items()} | found.row
        parts = [{"step": step, **part} for part in found.slices]
        self.history.add(row, parts, found.kept)
        for sink in self.sinks:
            self._guarded("write", sink, step, row)
        if found.interrupted:  # the engine turns Ctrl-C into a result; training must hear of it
            raise KeyboardInterrupt
        return row

    def _guarded(self, action: str, sink: Any, *args: Any) -> None:
        try:
            getattr(sink, action)(*args)
        except Exception as error:
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
            "architecture": self._architecture or self._last,
            "previous": _packed(self._measurer.previous),
        }

    def load_state_dict(self, state: Any) -> None:
        """Go on from `state_dict`: its slices, points, history and schedule replace those of this tracker.

        Raises:
            InputError: it is no state of a tracker.  The next measurement refuses a model of another architecture.
        """
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise InputError(f"state: expected what RegionTracker.state_dict gives ({FORMAT!r}), got {shown(state)}")
        from dataclasses import replace

        points = state["points"]
        plan = replace(
            self._measurer.plan,
            slices=tuple(Slice.from_dict(record) for record in state["slices"]),
            points=None if points is None else np.array(points, dtype=np.float64),
            paths=tuple(np.array(path, dtype=np.float64) for path in state["paths"]),
        )
        self.schedule = Schedule.from_dict(state["schedule"])
        self.history = History.from_dict(state["history"])
        self._measurer = Measurer(plan)
        self._measurer.previous = _unpacked(state["previous"])
        self._seen, self._due, self._cost = int(state["seen"]), bool(state["due"]), float(state["cost"])
        self.allowance.restore(state["allowance"])
        self._architecture, self._last = state["architecture"], None

    def __repr__(self) -> str:
        plan = self._measurer.plan
        parts = [f"{len(plan.slices)} slices"] if plan.slices else []
        parts += [f"{len(plan.points)} points"] if plan.points is not None else []
        parts += [f"{len(plan.paths)} paths"] if plan.paths else []
        return f"RegionTracker: {', '.join(parts)}, {self.schedule}, {len(self.history)} rows"


class _Other(InputError):
    """A model of another architecture than that of the loaded state."""


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        raise InputError(f"{what}: expected a sequence, got {shown(value)}")
    return value


def _paths(paths: Any) -> tuple[np.ndarray, ...]:
    """Polylines (points, inputs)."""
    found = []
    for path in _sequence(paths, "paths"):
        if np.ndim(path) < 2:
            raise InputError("paths: expected a list of polylines (points, inputs); put a single one into a list")
        found.append(data_points(path, "paths"))
    return tuple(found)


def _positive(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not 0 < number < float("inf"):
        raise InputError(f"{what} must be a positive number, got {number:g}")
    return number


def _opened(sinks: Any) -> list[Any]:
    if isinstance(sinks, str) or hasattr(sinks, "write") or not isinstance(sinks, Sequence):
        sinks = [sinks]
    from .sinks import as_sink

    return [as_sink(sink) for sink in sinks]


def _packed(network: Any) -> dict[str, Any] | None:
    """A network as plain JSON types."""
    if network is None:
        return None
    from ..store.describe import describe_network

    record, content = describe_network(network)
    return {"record": record, "weights": base64.b64encode(content).decode("ascii")}


def _unpacked(packed: Any) -> Any:
    if packed is None:
        return None
    from ..store.describe import restore_network

    return restore_network(packed["record"], io.BytesIO(base64.b64decode(packed["weights"])))
