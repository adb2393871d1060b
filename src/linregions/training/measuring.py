"""From a module to the numbers of one row: read the weights, list the regions of every slice, describe them."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import shown
from ..counting import enumerate_regions
from ..domain import Plane
from ..errors import InputError, UnsupportedModelError
from ..machine import memory
from ..network import Network
from ..readers.matrix import WEIGHT_BYTES
from ..readers.torch_live import LiveReader
from ..slicing import Slice
from .arguments import check_fits
from .history import Row, plain

_NOT_SMOOTH = (
    "; regions need piecewise-linear layers, but the sign changes of any layer can be counted with "
    "linregions.metrics.local_complexity(model, points, radius=...)"
)


@dataclass(frozen=True)
class Plan:
    """What is measured, fixed for a whole training."""

    slices: tuple[Slice, ...] = ()
    points: Any = None
    paths: tuple[np.ndarray, ...] = ()
    input_shape: tuple[int, ...] | None = None
    radius: float = 0.05
    max_regions: int | None = 200_000
    keep: bool = False
    overlay: bool = False
    jacobian: bool = False
    exact: bool = True
    threads: int | None = 1


@dataclass
class Measured:
    """One measurement: numbers for the row, a row for every slice, and the polygons if they are kept.

    `setup` are the seconds that the next measurement will not take again: the module was exported.
    """

    row: Row
    slices: list[Row] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    setup: float = 0.0


class Measurer:
    """Measures the same slices, points and paths of one module again and again."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.previous: Network | None = None
        self._reader: LiveReader | None = None
        self._told = False
        self._clock: Callable[[], float] = time.perf_counter

    def measure(self, module: Any, time_limit: float | None = None) -> Measured:
        """Measure a module as it is now; `time_limit` seconds are shared by all slices, none is no limit.

        Raises:
            UnsupportedModelError: a layer is not piecewise linear.
            InputError: the module does not fit the slices, or cannot be read.
        """
        end = None if time_limit is None else self._clock() + time_limit
        start, exports = self._clock(), 0 if self._reader is None else self._reader.exports
        with undisturbed(module):
            network = self._network(module)
            route = "batches" if network is None else "matrices"
            out = Measured({"route": route})
            if self._reader is not None and self._reader.exports > exports:
                out.setup = self._clock() - start
            for part in self.plan.slices:
                self._slice(out, network, module, part, end)
        if network is None:
            self._skip(out)
        else:
            out.row["units"] = network.unit_count
            self._points(out, network)
        _gather(out)
        self.previous = network if self.plan.overlay else None
        return out

    def _network(self, module: Any) -> Network | None:
        """The network with the weights of now; None where its matrices would not fit."""
        if self._reader is None:
            reader = LiveReader(module, input_shape=self.plan.input_shape)
            plan = self.plan
            inputs = math.prod(reader.input_shape)
            check_fits(inputs, plan.slices, plan.points, plan.paths, shape=plan.input_shape)
            self._reader = reader
        reader = self._reader
        try:
            if WEIGHT_BYTES * reader.matrix_entries(module) > memory():
                return None
            return reader.read(module)
        except UnsupportedModelError as error:
            raise smooth(error, type(module).__name__) from error

    def _slice(self, out: Measured, network: Network | None, module: Any, part: Slice, end: float | None) -> None:
        start = self._clock()
        left = None if end is None else end - start
        row: Row = {"slice": part.name}
        if left is not None and left <= 0:
            out.slices.append(row | {"status": "budget"})
            return
        how = {"max_regions": self.plan.max_regions, "time_limit": left}
        if network is None:
            count, polygons, maps = self._by_batches(module, part.plane, how)
        else:
            count, polygons, maps = self._by_matrices(network, part.plane, how)
        status = count.status.value
        # Before the first region was listed the bound is 0, which would look like a count.
        number = count.value if count.value or status == "complete" else None
        polygons = None if number is None else polygons
        row |= {"status": status, "kind": count.kind.value, "n_regions": number}
        row |= {"exact_decisions": count.exact_decisions, "doubtful": count.doubtful}
        if polygons is not None:
            row |= described(polygons, maps, part.name)
        if network is not None and self.previous is not None:
            row |= self._overlay(network, part.plane, how)
        out.interrupted |= status == "interrupted"
        out.slices.append(row | {"seconds": self._clock() - start})
        if self.plan.keep and polygons is not None:
            out.kept[part.name] = polygons

    def _by_matrices(self, network: Network, plane: Plane, how: dict[str, Any]) -> tuple[Any, Any, Any]:
        found = enumerate_regions(network, plane, exact=self.plan.exact, threads=self.plan.threads, **how)
        try:
            polygons = found.polygons
        except InputError:
            if found.count.status.value == "complete":
                raise
            return found.count, None, None  # what was listed before the budget ran out has no polygons
        maps = None
        if self.plan.jacobian:
            from ..metrics.maps import slice_maps

            maps = slice_maps(found)
        return found.count, polygons, maps

    def _by_batches(self, module: Any, plane: Plane, how: dict[str, Any]) -> tuple[Any, Any, Any]:
        from ..slicing import enumerate_slice

        try:
            shape, maps = self.plan.input_shape, self.plan.jacobian
            found = enumerate_slice(module, plane, input_shape=shape, maps=maps, **how)
        except UnsupportedModelError as error:
            raise smooth(error, type(module).__name__) from error
        return found.count, found.polygons, found.maps if maps else None

    def _overlay(self, network: Network, plane: Plane, how: dict[str, Any]) -> Row:
        from ..metrics.overlay import overlay, split_merge

        both = overlay(self.previous, network, plane, threads=self.plan.threads, **how)
        if both.count.status.value != "complete":
            return {}
        return numbers(split_merge(both).as_dict())

    def _skip(self, out: Measured) -> None:
        """Say what was asked for and is not measured without matrices: in every row, and in one warning."""
        plan = self.plan
        asked = {"points": plan.points is not None, "paths": bool(plan.paths), "overlay": plan.overlay}
        skipped = ", ".join(name for name, wanted in asked.items() if wanted)
        if not skipped:
            return
        out.row["skipped"] = skipped
        if not self._told:
            self._told = True
            warnings.warn(
                "RegionTracker: the matrices of the network do not fit into memory, so slices are evaluated in "
                f"batches; {skipped} need matrices and are not measured; watch a smaller part of the model for them",
                stacklevel=2,
            )

    def _points(self, out: Measured, network: Network) -> None:
        """Numbers of points and of paths; they need no slice."""
        if self.plan.points is not None:
            from ..metrics.distances import boundary_distance
            from ..metrics.local_complexity import local_complexity

            points = self.plan.points
            directions = min(25, network.input_dim)
            found = boundary_distance(network, points).as_dict()
            found |= local_complexity(network, points, radius=self.plan.radius, directions=directions).as_dict()
            out.row |= {f"points/{name}": plain(value) for name, value in found.items()}
        if self.plan.paths:
            from ..metrics.paths import crossings

            found = [crossings(network, path).as_dict() for path in self.plan.paths]
            for name in found[0]:
                out.row[f"paths/{name}"] = plain(float(np.mean([record[name] for record in found])))


def described(polygons: Any, maps: Any, name: str) -> Row:
    """The metrics of the polygons of a slice, and whether the identities hold."""
    from ..metrics.identities import identities
    from ..metrics.regions import summary

    row = numbers(summary(polygons, maps))
    found = identities(polygons)
    row |= {"identities": found.holds, "generic": found.generic}
    if found.holds is False:
        reasons = "; ".join(getattr(found, "failures", ())) or shown(found)
        warnings.warn(f"slice {name}: an identity of regions fails ({reasons}); please report it", stacklevel=2)
    return row


def numbers(record: Any) -> Row:
    """The entries of a record that are numbers, as they go into a row."""
    return {name: plain(value) for name, value in record.items()}


def smooth(error: UnsupportedModelError, source: str) -> UnsupportedModelError:
    """The same error with what to do instead."""
    problems = list(error.problems)
    problems[-1:] = [problems[-1] + _NOT_SMOOTH] if problems else []
    return UnsupportedModelError(source, problems)


class undisturbed:
    """Within the block a module can be read; afterwards it, its gradients and all random states are as before."""

    def __init__(self, module: Any):
        self.module = module

    def __enter__(self) -> None:
        from contextlib import ExitStack

        import torch

        from ..scores.restore import unchanged

        self._stack = ExitStack()
        self._stack.enter_context(torch.inference_mode(False))
        self._stack.enter_context(torch.no_grad())
        device = next((p.device.type for p in self.module.parameters()), "cpu")
        self._stack.enter_context(torch.autocast(device, enabled=False))
        self._stack.enter_context(unchanged(self.module, parameters=False))

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


_WORST = ("complete", "budget", "interrupted")
_TEXT = ("slice", "status", "kind")


def _gather(out: Measured) -> None:
    """Means over the slices into the row, and the worst status; what is missing in a slice is left out of its mean."""
    out.row["status"] = max((row["status"] for row in out.slices), key=_WORST.index, default="complete")
    held = [row["identities"] for row in out.slices if row.get("identities") is not None]
    if out.slices:
        out.row["identities"] = all(held) if held else None
    for name in dict.fromkeys(key for row in out.slices for key in row):
        if name in (*_TEXT, "identities", "seconds"):
            continue
        values = [row[name] for row in out.slices if isinstance(row.get(name), bool | int | float)]
        finite = [float(v) for v in values if math.isfinite(v)]
        out.row[f"regions/{name}"] = float(np.mean(finite)) if finite else None


def checked_slices(slices: Any) -> tuple[Slice, ...]:
    """The argument `slices` as slices with names of their own."""
    if isinstance(slices, Slice | Plane):
        slices = [slices]
    if isinstance(slices, str) or not isinstance(slices, Sequence):
        raise InputError(f"slices: expected Slice or Plane objects, got {shown(slices)}; slicing.slices makes some")
    made = [Slice.of(part, f"s{k}") for k, part in enumerate(slices)]
    names = [part.name for part in made]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"slices: the name {shown(name)} occurs {names.count(name)} times; give each its own")
    for part in made:
        if part.plane.input_dim != made[0].plane.input_dim:
            sizes = f"{part.plane.input_dim} and {made[0].plane.input_dim}"
            raise InputError(f"slices: they lie in different numbers of inputs ({sizes}); give slices of one space")
    return tuple(made)
