"""What is measured of an encoder at one checkpoint: quality, the regions of all slices, points, what was split."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...counting import enumerate_regions
from ...metrics import distributions, slice_maps, summary
from ...metrics.distances import boundary_distance
from ...metrics.identities import identities
from ...metrics.local_complexity import local_complexity
from ...metrics.overlay import overlay, split_merge
from ...network import Network
from ...readers.torch_live import LiveReader
from ..datasets import Images
from .claims.series import NOISE
from .evaluation import evaluate

LEFT_OUT = ("edges_mean", "area_mean", "neighbours_mean", "density", "merged_eps")  # say nothing that N does not
DIRECTIONS = 20  # of the frame of local complexity
AGREEMENT = 1e-6  # nats: between the balance of an overlay and that of the entropies of its two partitions


class Watch:
    """Measures one run at its checkpoints.

    Args:
        images: held-out images give accuracies.
        slices: of `linregions.slicing.slices`; the ones near the data first.
        points: held-out points (points, inputs) for distances and local complexity.
        settings: of the study: jacobians, overlays, merged_below, radius.
        keep: steps whose polygons of the first slice are kept.
    """

    def __init__(
        self, images: Images, slices: Sequence[Any], points: np.ndarray, settings: dict[str, Any], keep: Sequence[int]
    ):
        self.images, self.slices, self.points, self.settings = images, slices, points, settings
        self.keep = set(keep)
        self.checkpoints: list[dict[str, Any]] = []
        self.polygons: dict[int, Any] = {}
        self.times: dict[str, float] = {}
        self._before: Network | None = None
        self._reader: LiveReader | None = None

    def look(self, step: int, learner: Any, moment: Any) -> None:
        """Measure the encoder of a learner: what `pretrain` calls at each checkpoint.

        Raises:
            ArithmeticError: an identity that every partition has to satisfy does not hold.
        """
        encoder = learner.encoder
        point: dict[str, Any] = {"step": step, "loss": moment.loss}
        with self._timed("evaluation"):
            point |= evaluate(encoder, self.images)
        with self._timed("slices"):
            self._reader = self._reader or LiveReader(encoder, input_shape=(1, *self.images.shape))
            network = self._reader.read()
            point |= self._regions(network, step, last=step == moment.steps)
        with self._timed("points"):
            distances = np.asarray(boundary_distance(network, self.points))
            point["dist_boundary"] = float(np.median(distances))
            directions = min(DIRECTIONS, network.input_dim)
            found = local_complexity(network, self.points, radius=self.settings["radius"], directions=directions)
            point["local_complexity"] = float(found.values.mean())
        with self._timed("overlays"):
            point["overlay"] = self._overlays(network, point["slices"])
        self._before = network
        self.checkpoints.append(finite(point))

    def _regions(self, network: Network, step: int, *, last: bool) -> dict[str, Any]:
        """The metrics of all slices as columns, and at both ends of the run histograms of the slices near the data."""
        found: list[dict[str, Any]] = []
        histograms: list[dict[str, np.ndarray]] = []
        for k, each in enumerate(self.slices):
            partition = enumerate_regions(network, each.plane, threads=1)
            p = partition.polygons
            maps = slice_maps(partition) if k < self.settings["jacobians"] else None
            tested = identities(p)
            if not tested.holds:
                raise ArithmeticError(f"identities of slice {each.name} at step {step}: {'; '.join(tested.failures)}")
            row = summary(p, maps, eps=self.settings["merged_below"])
            found.append({**row, "identities_hold": tested.holds, "generic": tested.generic})
            if (step == 0 or last) and each.kind != NOISE:
                histograms.append(distributions(p))
            if k == 0 and step in self.keep:
                self.polygons[step] = p
        names = [name for name in dict.fromkeys(name for row in found for name in row) if name not in LEFT_OUT]
        point: dict[str, Any] = {"slices": {name: [row.get(name) for row in found] for name in names}}
        return point | ({"histograms": _joined(histograms)} if histograms else {})

    def _overlays(self, network: Network, sliced: dict[str, list[Any]]) -> list[dict[str, float]]:
        """Split and merge information since the checkpoint before."""
        if self._before is None:
            return []
        found = []
        for k, each in enumerate(self.slices[: self.settings["overlays"]]):
            s = split_merge(overlay(self._before, network, each.plane))
            if abs(s.h_after - sliced["area_entropy"][k]) > AGREEMENT:
                raise ArithmeticError(
                    f"overlay of slice {each.name}: entropy {s.h_after!r}, but the partition has "
                    f"{sliced['area_entropy'][k]!r}"
                )
            both = {"split": s.split, "merge": s.merge, "vi": s.vi, "h_before": s.h_before, "h_after": s.h_after}
            found.append({"slice": k, **both})
        return found

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.process_time()  # of the cores, which other processes do not change
        yield
        self.times[name] = self.times.get(name, 0.0) + time.process_time() - started


def finite(value: Any) -> Any:
    """The value as JSON can say it: numbers that are none become None, arrays lists."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _joined(histograms: list[dict[str, np.ndarray]]) -> dict[str, Any]:
    """Histograms of several slices added up, with the middles of their bins."""
    cuts = histograms[0]["log_area_edges"]
    areas = np.sum([each["log_area_hist"] for each in histograms], axis=0)
    width = max(len(each["edges_hist"]) for each in histograms)
    edges = np.sum([np.pad(each["edges_hist"], (0, width - len(each["edges_hist"]))) for each in histograms], axis=0)
    middles = np.append(cuts[1] - 0.5, (cuts[1:-1] + cuts[2:]) / 2)  # the first bin is open
    return {
        "log_area": {"at": middles.tolist(), "counts": areas.tolist()},
        "edges": {"at": list(range(3, width)), "counts": edges[3:].tolist()},
    }
