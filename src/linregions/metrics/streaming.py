"""Point metrics as torchmetrics classes: values of batches are kept, merged over processes, and summed up at the end.

They say what the pure functions say, for all points that went by.  The model is no part of a metric: it stays on its
own device, in nobody's state, and is not copied with the metric.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from ..errors import MissingExtraError
from .distances import boundary_distance
from .local_complexity import LocalCounts, local_complexity
from .points import jac_norm, local_rank
from .tracing import as_network, is_module

try:
    import torch
    from torchmetrics import Metric
    from torchmetrics.utilities import dim_zero_cat
except ImportError as error:
    raise MissingExtraError(
        "metrics: torchmetrics is not installed; install it with: pip install 'linregions[training]'"
    ) from error

__all__ = ["BoundaryDistance", "JacobianNorm", "LocalComplexity", "LocalRank"]


class PointMetric(Metric):
    """Base of the streaming point metrics: one row of numbers for each point, kept until `reset`.

    Args:
        model: a Network, a path, or a torch module, which is measured as it is at the time of each update.
        kwargs: of `torchmetrics.Metric`.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    def __init__(self, model: Any, **kwargs: Any):
        super().__init__(**kwargs)
        # In a list: an attribute that is a module would become a part of this one.
        self._model = [model if is_module(model) else as_network(model)]
        self.add_state("values", default=[], dist_reduce_fx="cat")

    def rows(self, model: Any, x: Any) -> np.ndarray:
        """Numbers (points, columns) of a batch."""
        raise NotImplementedError

    def summary(self, rows: np.ndarray) -> dict[str, float]:
        """What the numbers of all points come to."""
        raise NotImplementedError

    def update(self, x: Any) -> None:
        """Measure a batch of points, (points, inputs) or as the module takes it."""
        model = self._model[0]
        if not is_module(model) and isinstance(x, torch.Tensor):
            x = x.detach().cpu().double().numpy()
        rows = torch.as_tensor(self.rows(model, x), dtype=torch.float64)
        if len(rows):  # an empty batch has no columns to add up with
            self.values.append(rows.to(self.device))  # type: ignore[union-attr,operator]

    def compute(self) -> dict[str, Any]:
        """The summary of all points so far, by the names that trackers use; empty before the first point."""
        if isinstance(self.values, list) and not self.values:
            return {}
        rows = dim_zero_cat(self.values).cpu().numpy()  # type: ignore[arg-type]
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in self.summary(rows).items()}

    def __deepcopy__(self, memo: dict[int, Any]) -> PointMetric:
        """A copy that measures the same model."""
        memo[id(self._model[0])] = self._model[0]
        out = self.__class__.__new__(self.__class__)
        memo[id(self)] = out
        out.__setstate__(deepcopy(self.__getstate__(), memo))
        return out


class LocalComplexity(PointMetric):
    """Streaming `linregions.metrics.local_complexity`: the mean number of units that change their sign around a point.

    Args:
        model: as for the function.
        radius: of the cross-polytope.
        directions: P, or the directions (P, inputs), or None, as for the function; one frame for all batches.
        seed: of the frame.
        centre: the point is one more vertex.
        logits: the outputs count too.
        kwargs: of `torchmetrics.Metric`.

    Example:
        >>> from linregions import Network
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, -3.0]), ([[1.0, 1.0]], [0.0])])
        >>> metric = LocalComplexity(net, radius=1.0, directions=2)
        >>> metric.update(torch.tensor([[0.5, 0.0]]))
        >>> metric.update(torch.tensor([[9.0, 9.0]]))
        >>> float(metric.compute()["local_complexity"])
        0.5
    """

    def __init__(
        self,
        model: Any,
        *,
        radius: float,
        directions: Any = None,
        seed: int = 0,
        centre: bool = False,
        logits: bool = False,
        **kwargs: Any,
    ):
        super().__init__(model, **kwargs)
        self.options = {
            "radius": radius,
            "directions": directions,
            "seed": seed,
            "centre": centre,
            "logits": logits,
        }

    def rows(self, model: Any, x: Any) -> np.ndarray:
        """Counts (points, layers), then the widths in as many columns."""
        found = local_complexity(model, x, **self.options)
        widths = np.broadcast_to(np.asarray(found.widths, dtype=np.int64), found.layers.shape)
        return np.concatenate([found.layers, widths], axis=1)

    def summary(self, rows: np.ndarray) -> dict[str, float]:
        """Means in all and by layer."""
        layers = rows.shape[1] // 2
        widths = tuple(int(w) for w in rows[0, layers:]) if len(rows) else (0,) * layers
        return LocalCounts(rows[:, :layers], widths, self.options["radius"], 0).as_dict()


class BoundaryDistance(PointMetric):
    """Streaming `linregions.metrics.boundary_distance`: median, mean, least and first decile of the distances.

    Args:
        model: as for the function.
        within: directions of a slice.
        kwargs: of `torchmetrics.Metric`.

    Example:
        >>> from linregions import Network
        >>> net = Network.from_arrays([([[3.0, 4.0]], [0.0]), ([[1.0]], [0.0])])
        >>> metric = BoundaryDistance(net)
        >>> metric.update(torch.tensor([[1.0, 0.5], [3.0, 4.0]]))
        >>> float(metric.compute()["dist_boundary_min"])
        1.0
    """

    def __init__(self, model: Any, *, within: Any = None, **kwargs: Any):
        super().__init__(model, **kwargs)
        self.within = within

    def rows(self, model: Any, x: Any) -> np.ndarray:
        """Distances (points, 1)."""
        return boundary_distance(model, x, within=self.within).values[:, None]

    def summary(self, rows: np.ndarray) -> dict[str, float]:
        """Quantiles and means."""
        from .distances import Distances

        none = np.full(len(rows), -1)
        return Distances(rows[:, 0], none, none).as_dict()


class LocalRank(PointMetric):
    """Streaming `linregions.metrics.local_rank`: the mean rank of the Jacobian.

    Args:
        model: as for the function.
        kwargs: of `torchmetrics.Metric`.

    Example:
        >>> from linregions import Network
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> metric = LocalRank(net)
        >>> metric.update(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
        >>> float(metric.compute()["local_rank"])
        0.5
    """

    def rows(self, model: Any, x: Any) -> np.ndarray:
        """Ranks (points, 1)."""
        return local_rank(model, x).values[:, None]

    def summary(self, rows: np.ndarray) -> dict[str, float]:
        """Their mean."""
        return {"local_rank": float(rows.mean())}


class JacobianNorm(PointMetric):
    """Streaming `linregions.metrics.jac_norm`: the mean length of the Jacobian, E_x |J|_F.

    Args:
        model: as for the function.
        order: "fro" or 2.
        kwargs: of `torchmetrics.Metric`.

    Example:
        >>> from linregions import Network
        >>> metric = JacobianNorm(Network.from_arrays([([[3.0, 4.0]], [0.0])]))
        >>> metric.update(torch.tensor([[1.0, 1.0]]))
        >>> float(metric.compute()["jac_norm"])
        5.0
    """

    def __init__(self, model: Any, *, order: Any = "fro", **kwargs: Any):
        super().__init__(model, **kwargs)
        self.order = order

    def rows(self, model: Any, x: Any) -> np.ndarray:
        """Norms (points, 1)."""
        return jac_norm(model, x, order=self.order)[:, None]

    def summary(self, rows: np.ndarray) -> dict[str, float]:
        """Their mean."""
        return {"jac_norm": float(rows.mean())}
