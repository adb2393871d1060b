"""Depth first through the layers of a program: chunks of cells are cut by the units of a layer and go on in chunks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..machine import memory
from ..partition import Status
from ..partition.packing import pack
from .cells import Cells
from .cutting import Cutters, Doubt, Pieces, cut
from .frame import Frame
from .layer import Layer, classify, pieces_of, settle
from .operators import State
from .program import Program

Progress = Callable[[float, int], None]
# Bytes of the values of one chunk of cells.
_CHUNK_BYTES = {"cpu": 2**26, "other": 2**31}
_MOST_CELLS = 4096


@dataclass(frozen=True, eq=False)
class _Level:
    """Cells that wait behind one layer: the chunks to come, and the values that they start from."""

    at: int
    layer: Layer
    live: dict[Any, State]
    state: State
    settled: np.ndarray
    cutters: Cutters
    rows: np.ndarray  # (cells, layers before this one) numbers of their rows of packed patterns
    chunks: Iterator[Pieces]


@dataclass(frozen=True, eq=False)
class Finished:
    """Regions as the search finds them: polygons, numbers of the rows of packed patterns, maps."""

    cells: Cells
    rows: np.ndarray
    maps: np.ndarray | None


class Search:
    """One run of the search; what it found is there at any time.

    `layers` are the layers met so far, in order; `packed[k]` the patterns of layer k as packed rows, which several
    regions share, since what is cut later has the same pattern before.
    """

    def __init__(self, program: Program, frame: Frame, *, batch: int | None, maps: bool):
        self.program, self.frame, self.maps = program, frame, maps
        bytes_per_cell = 4 * 2 * program.widest * (8 if program.unit < 1e-10 else 4)
        most = _CHUNK_BYTES["cpu" if str(program.device) == "cpu" else "other"]
        self.batch = batch or int(np.clip(most // bytes_per_cell, 1, _MOST_CELLS))
        self.layers: dict[Any, Layer] = {}
        self.packed: list[list[np.ndarray]] = []
        self.finished: list[Finished] = []
        self.regions = 0
        self.doubt = Doubt()
        self._area = 0.0
        self._bytes = 0
        self._sizes: list[int] = []

    def run(
        self,
        *,
        max_regions: int | None = None,
        time_limit: float | None = None,
        progress: Progress | None = None,
        started: float | None = None,
    ) -> tuple[Status, str]:
        """Search to the end, to a budget or to Ctrl-C; how it ended, and why; time runs from `started`, or now."""
        shown = time.perf_counter()
        started = shown if started is None else started
        try:
            with settings():
                stack: list[_Level] = []
                start = self.program.start(self.frame.rows(self.program.unit)[None])
                self._descend(0, start, self.frame.whole(), np.zeros((1, 0), dtype=np.int64), stack)
                while stack:
                    now = time.perf_counter()
                    ended = self._ended(max_regions, time_limit, now - started)
                    if ended:
                        return Status.BUDGET, ended
                    if progress is not None and now - shown > 0.1:
                        shown = now
                        progress(min(0.999, self._area / self._whole), self.regions)
                    self._step(stack)
        except KeyboardInterrupt:
            return Status.INTERRUPTED, "interrupted"
        if progress is not None:
            progress(1.0, self.regions)
        return Status.COMPLETE, ""

    @property
    def _whole(self) -> float:
        return self.frame.area / float(self.frame.half.prod())

    def _ended(self, max_regions: int | None, time_limit: float | None, seconds: float) -> str:
        if max_regions is not None and self.regions >= max_regions:
            return f"limit of {max_regions:,} regions reached"
        if time_limit is not None and seconds >= time_limit:
            return f"time limit of {time_limit:g} s reached"
        if self._bytes > memory():
            return f"the list of {self.regions:,} regions and their patterns takes half of this machine's memory"
        return ""

    def _step(self, stack: list[_Level]) -> None:
        """Take the next chunk of the deepest layer one layer further."""
        level = stack[-1]
        pieces = next(level.chunks, None)
        if pieces is None:
            stack.pop()
            return
        torch: Any = sys.modules["torch"]
        chosen = pieces_of(level.layer, level.settled, level.cutters, pieces.root, pieces.positive)
        rows = np.concatenate([level.rows[pieces.root], self._store(level.layer, chosen)[:, None]], axis=1)
        which = torch.from_numpy(pieces.root).to(self.program.device)
        live = {node: state.take(which) for node, state in level.live.items()}
        live[level.layer.units.node] = settle(level.layer, level.state.take(which), chosen)
        self._descend(level.at + 1, live, pieces.cells, rows, stack)

    def _descend(self, at: int, live: dict[Any, State], cells: Cells, rows: np.ndarray, stack: list[_Level]) -> None:
        at, units = self.program.advance(at, live)
        if units is None:
            self._finish(live, cells, rows)
            return
        layer = self._layer(units)
        settled, cutters, doubtful = classify(layer, units.state, cells)
        self.doubt.signs += doubtful
        chunks = cut(cells, cutters, self.doubt, self.batch)
        # What the activations are applied to is kept by the level itself.
        stack.append(_Level(at, layer, live, units.state, settled, cutters, rows, chunks))

    def _layer(self, units: Any) -> Layer:
        if units.node not in self.layers:
            first = sum(len(layer.columns) for layer in self.layers.values())
            self.layers[units.node] = Layer(units, len(self.layers), first)
            self.packed.append([])
            self._sizes.append(0)
        return self.layers[units.node]

    def _store(self, layer: Layer, chosen: np.ndarray) -> np.ndarray:
        packed = pack(chosen[:, layer.columns], layer.counts)
        first = self._sizes[layer.order]
        self.packed[layer.order].append(packed)
        self._sizes[layer.order] += len(packed)
        self._bytes += packed.nbytes
        return np.arange(first, first + len(packed))

    def _finish(self, live: dict[Any, State], cells: Cells, rows: np.ndarray) -> None:
        maps = None
        if self.maps:
            maps = self.frame.maps(self.program.result(live)[:, :3].double().cpu().numpy())
            self._bytes += maps.nbytes
        self.finished.append(Finished(cells, rows, maps))
        self.regions += len(cells)
        self._area += float(cells.areas().sum())
        self._bytes += 4 * cells.nbytes() + rows.nbytes  # joining takes a few times what is listed


@contextmanager
def settings() -> Iterator[None]:
    """No gradients, and only kernels whose rounding errors are those of sums of products.

    Winograd and Fourier convolutions and reduced precisions have larger errors than the bounds say.
    """
    torch: Any = sys.modules["torch"]
    backends = torch.backends
    tf32, mkldnn = backends.cuda.matmul.allow_tf32, backends.mkldnn.enabled
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(backends.cudnn.flags(enabled=False, allow_tf32=False))
        if hasattr(backends, "nnpack"):
            stack.enter_context(backends.nnpack.flags(enabled=False))
        backends.cuda.matmul.allow_tf32 = backends.mkldnn.enabled = False
        try:
            yield
        finally:
            backends.cuda.matmul.allow_tf32, backends.mkldnn.enabled = tf32, mkldnn
