"""The regions of a torch module on a plane slice, evaluated in batches by torch: for modules too large for matrices."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..checks import shown, whole_number
from ..domain import Domain
from ..engines.budget import checked_budget
from ..errors import InputError
from ..machine import memory
from ..partition import Count, Kind, Status
from ..partition.packing import field_widths
from ..partition.polygons import Polygons
from .frame import Frame
from .joining import polygons_from
from .program import Program, program_of
from .search import Progress, Search

ENGINE = "batched"
DTYPES = ("float64", "float32")


@dataclass(frozen=True, eq=False)
class SliceRegions:
    """The regions of a module on a slice.

    Attributes:
        polygons: the regions as polygons with neighbours and vertices.  In `polygons.units` stand columns of
            `patterns`, in `polygons.layers` the number of the layer of units, from 0, counted in `layer_names`.  (In
            the polygons of a `Partition` it is the number of the stage, and a stage that is only affine, in between,
            has a number too.)
        count: their number.  With `doubtful` 0 and a complete run it is the number for the real-valued module; with
            doubtful signs an estimate; where the run ended early a lower bound.
        pieces: (units,) number of pieces of every unit.  Units are numbered in the order in which the module applies
            its activations, entry by entry of the flattened tensors: the order of `Network.pattern` where the
            activations follow one another, as in sequential and residual networks.
        layer_names: the nodes of the exported graph that apply them.
    """

    polygons: Polygons
    count: Count
    pieces: np.ndarray
    layer_names: tuple[str, ...]
    _rows: np.ndarray = field(repr=False)
    _packed: tuple[np.ndarray, ...] = field(repr=False)
    _maps: np.ndarray | None = field(repr=False)
    _sizes: tuple[int, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.polygons)

    def __repr__(self) -> str:
        return f"SliceRegions: {self.count}, {len(self.pieces):,} units in {len(self.layer_names)} layers"

    def as_dict(self) -> dict[str, Any]:
        """The record without its arrays."""
        return {**self.count.as_dict(), "units": len(self.pieces), "layers": list(self.layer_names)}

    @cached_property
    def patterns(self) -> np.ndarray:
        """Piece index of every unit in every region, (regions, units).

        They are kept packed and shared between regions; this takes regions * units bytes.

        Raises:
            InputError: the array would take more than half of this machine's memory.
        """
        return self.pattern(np.arange(len(self)))

    def pattern(self, which: Any) -> np.ndarray:
        """The same for some regions."""
        which = np.atleast_1d(np.asarray(which, dtype=np.int64))
        most = int(self.pieces.max(initial=2))
        dtype = np.uint8 if most <= 256 else np.int32
        size = len(which) * len(self.pieces) * np.dtype(dtype).itemsize
        if size > memory():
            raise InputError(
                f"patterns: {len(which):,} regions of {len(self.pieces):,} units take {size / 2**30:.1f} GiB, more "
                "than half of this machine's memory; ask for some regions with pattern(numbers)"
            )
        out = np.zeros((len(which), len(self.pieces)), dtype=dtype)
        first = 0
        for k, count in enumerate(self._sizes if len(which) else ()):
            widths = field_widths(self.pieces[first : first + count])
            bits = np.unpackbits(self._packed[k][self._rows[which, k]], axis=1, bitorder="little")
            at = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
            for b in range(int(widths.max(initial=0))):
                has = widths > b
                out[:, first : first + count][:, has] |= bits[:, at[:-1][has] + b].astype(dtype) << b
            first += count
        return out

    @property
    def maps(self) -> np.ndarray:
        """Affine map of the module on every region in orthonormal coordinates of the slice, (regions, outputs, 3).

        The columns are J u1, J u2 and the value at the origin of `Polygons.xy`.

        Raises:
            InputError: they were not asked for.
        """
        if self._maps is None:
            raise InputError("maps: were not kept; call enumerate_slice with maps=True")
        out = self._maps.copy()
        out[:, :, :2] = out[:, :, :2] @ np.linalg.inv(self.polygons.frame).T
        return out


def enumerate_slice(
    module: Any,
    plane: Domain,
    *,
    input_shape: tuple[int, ...] | None = None,
    device: Any = None,
    dtype: str = "float64",
    batch: int | None = None,
    maps: bool = False,
    max_regions: int | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> SliceRegions:
    """List the activation regions of a torch module on a plane slice, by evaluating it, without matrices.

    A cell of the slice on which all units so far are settled is a convex polygon, and there each value v of the module
    is affine, `v(s, t) = c + s a + t b` in coordinates of the slice.  The rows (c, a, b) of many cells go through the
    module's operators as a batch.  At an activation, a unit with one sign at all corners is settled; the others cut the
    polygon, and its pieces go on, depth first, in chunks.

    A fourth row carries a rigorous bound on the rounding errors of the other three.  A sign that it leaves open is
    decided by floating point and counted in `count.doubtful`; if there is none, and the run is complete, the count
    holds for the real-valued module (with the convention of `read_torch` for batch normalisation).  The bound takes
    absolute values layer by layer, so that it grows faster with depth than the errors do: deep modules have doubtful
    signs although floating point decides nearly all of them correctly.

    The module's weights, gradients and training flags are left as they are; it is evaluated in eval mode.

    Args:
        module: takes one tensor (batch, *input_shape).  Operators: linear, convolutions, batch normalisation in eval
            mode, average pooling, additions, and what moves numbers around; ReLU, leaky ReLU, PReLU, abs, hardtanh,
            ReLU6, clamp.  No maxima.
        plane: a `Plane`, or a `Box` with two inputs.
        input_shape: shape of one input without the batch axis; needed unless the module starts with a Linear layer.
        device: where to evaluate; by default where the module is.
        dtype: "float64", or "float32", which is faster on many devices and leaves more signs open.
        batch: cells that are evaluated together; by default what fits in 64 MiB, on other devices than "cpu" in 2 GiB.
        maps: keep the affine map of every region.
        max_regions: stop once this many or more are found; the result is then a lower bound.
        time_limit: seconds, those for exporting the module included; when they run out the result is a lower bound.
        progress: called now and then with (share of the slice's area that is done, regions so far).

    Returns:
        `SliceRegions`; after a budget or Ctrl-C those regions that were found by then.

    Raises:
        UnsupportedModelError: some operations have no batched form; it names them.
        InputError: an argument does not fit.

    Example:
        >>> import torch
        >>> from linregions import Plane
        >>> from linregions.slicing.batched import enumerate_slice
        >>> module = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False), torch.nn.ReLU())
        >>> _ = module[0].weight.data.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        >>> found = enumerate_slice(module, Plane.through([-1, -1, 1], [1, -1, 1], [-1, 2, 1]))
        >>> found.count.value, found.count.kind.value, found.count.doubtful
        (4, 'exact', 0)
    """
    budget = checked_budget(time_limit=time_limit, max_regions=max_regions, progress=progress)
    torch = _torch(module)
    if dtype not in DTYPES:
        raise InputError(f"dtype: expected one of {', '.join(map(repr, DTYPES))}, got {shown(dtype)}")
    if batch is not None:
        batch = whole_number(batch, "batch", most=2**24)
    started = time.perf_counter()
    frame = Frame.of(plane)
    program = program_of(module, input_shape, _device(device, torch), getattr(torch, dtype))
    if plane.input_dim != program.inputs:
        raise InputError(
            f"plane: the module takes {program.inputs} inputs, and {plane!r} gives {plane.input_dim}; "
            "give its points one coordinate per input"
        )
    search = Search(program, frame, batch=batch, maps=bool(maps))
    with np.errstate(all="ignore"):
        status, reason = search.run(
            max_regions=budget["max_regions"],
            time_limit=budget["time_limit"],
            progress=budget["progress"],
            started=started,
        )
    return _result(search, program, frame, status, reason, time.perf_counter() - started)


def _result(
    search: Search, program: Program, frame: Frame, status: Status, reason: str, seconds: float
) -> SliceRegions:
    layers = sorted(search.layers.values(), key=lambda layer: layer.order)
    units = sum(len(layer.columns) for layer in layers)
    kind = Kind.EXACT if status is Status.COMPLETE else Kind.LOWER
    count = Count(
        value=search.regions,
        kind=kind if search.doubt.signs == 0 else Kind.ESTIMATE,
        status=status,
        definition="activation",
        engine=ENGINE,
        exact_decisions=0,
        doubtful=search.doubt.signs,
        seconds=seconds,
        network=f"{program.source}, {program.inputs} inputs, {units} units with pieces",
        domain=repr(frame.domain),
        reason=reason,
    )
    # A region can lack the last layers only in a list that holds no region at all.
    full = [f for f in search.finished if f.rows.shape[1] == len(layers)]
    rows = np.concatenate([f.rows for f in full]) if full else np.zeros((0, len(layers)), dtype=np.int64)
    maps = [f.maps for f in full if f.maps is not None]
    return SliceRegions(
        polygons=polygons_from([f.cells for f in full], frame, count),
        count=count,
        pieces=np.concatenate([layer.counts for layer in layers] or [np.zeros(0, dtype=np.int64)]),
        layer_names=tuple(layer.units.node.name for layer in layers),
        _rows=rows,
        _packed=tuple(np.concatenate(p) if p else np.zeros((0, 0), dtype=np.uint8) for p in search.packed),
        _maps=np.concatenate(maps) if maps else None,
        _sizes=tuple(len(layer.columns) for layer in layers),
    )


def _torch(module: Any) -> Any:
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(module, torch.nn.Module):
        raise InputError(f"module: expected a torch.nn.Module, got {shown(module)}; enumerate_regions takes networks")
    return torch


def _device(device: Any, torch: Any) -> Any:
    if device is None:
        return None
    try:
        found = torch.device(device)
        torch.zeros(1, device=found)
    except Exception as error:  # an unknown name, or a backend that this build or machine lacks
        text = " ".join(str(error).split())[:120]
        raise InputError(f"device: {shown(device)} cannot be used ({text}); use 'cpu'") from error
    return found
