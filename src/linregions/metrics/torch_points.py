"""Point metrics of a torch module as it is, in batches on its own device: for networks that no reader takes.

A module is run in eval mode and left as it was.  Activations are seen while they are called, whatever calls them;
numbers are in the module's own precision, so a sign near zero may be either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..checks import plural, shown
from ..errors import InputError, MissingExtraError
from ..readers.torch_plain import refuse_lazy
from .distances import Distances
from .local_complexity import LocalCounts, chosen_directions
from .points import Ranks
from .tracing import directions_matrix

try:
    import torch
    from torch.overrides import TorchFunctionMode
except ImportError as error:
    raise MissingExtraError(
        "metrics: torch is not installed; install it with: pip install 'linregions[training]'"
    ) from error

ROWS = 2048  # inputs in one forward pass
MOST_UNITS = 8192  # one backward pass each

# Where the functions of these names bend; None reads the ends from the call.
BENDS: dict[str, tuple[float, ...] | None] = {
    **dict.fromkeys(("relu", "leaky_relu", "prelu", "rrelu", "abs", "absolute"), (0.0,)),
    "relu6": (0.0, 6.0),
    **dict.fromkeys(("hardtanh", "clamp", "clip", "threshold"), None),
}
# Smooth ones are bent most around 0: counted by local complexity, as in its source, and by nothing else.
SMOOTH = ("gelu", "silu", "elu", "selu", "celu", "tanh", "sigmoid", "softplus", "mish", "hardswish", "hardsigmoid")
# With these the map between activations is not affine, or bends where no activation does.
OTHERS = ("softmax", "log_softmax", "layer_norm", "group_norm", "instance_norm", "scaled_dot_product_attention")
OTHERS += ("maximum", "minimum", "max", "min", "amax", "amin", "square", "pow", "exp", "sqrt", "rsqrt", "norm")


def local_complexity(
    module: Any, x: Any, *, radius: float, directions: Any, seed: int, centre: bool, logits: bool
) -> LocalCounts:
    """`metrics.local_complexity` by forward passes only; a layer is one call of an activation."""
    with _still(module) as (device, dtype):
        points = _tensor(x, device, dtype)
        with _explained(module, points):
            v = chosen_directions(directions, math.prod(points.shape[1:]), seed)
        steps = radius * torch.as_tensor(np.concatenate([v, -v, *([0 * v[:1]] if centre else [])]), device=device)
        steps = steps.to(dtype).reshape(-1, *points.shape[1:])
        batch, parts, widths = max(1, ROWS // len(steps)), [], ()
        with torch.no_grad():
            for a in range(0, len(points), batch):
                some = points[a : a + batch]
                vertices = (some[:, None] + steps).reshape(-1, *points.shape[1:])
                seen = _Seen(smooth=True)
                with seen:
                    out = _called(module, vertices)
                layers = [*seen.layers, *([(_only(out), (0.0,))] if logits else [])]
                found = [_changed(z, t, len(some), len(steps)) for z, t in layers]
                widths = tuple(width for _, width in found)
                parts.append(np.array([c.cpu().numpy() for c, _ in found], dtype=np.int64).reshape(-1, len(some)).T)
    table = np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.int64)
    return LocalCounts(table, widths, radius, len(v))


def boundary_distance(module: Any, x: Any, *, within: Any = None) -> Distances:
    """`metrics.boundary_distance` by automatic differentiation: one backward pass for each unit."""
    with _still(module) as (device, dtype), torch.enable_grad():
        points = _tensor(x, device, dtype)
        size = math.prod(points.shape[1:])
        with _explained(module, points):
            span = None if within is None else directions_matrix(within, size)[0]
        basis = None if span is None else torch.as_tensor(span, device=device).to(dtype)
        parts = [_nearest(module, points[a : a + ROWS], basis) for a in range(0, len(points), ROWS)]
    none = [np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)]
    columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else none
    return Distances(*columns)


def jac_norm(module: Any, x: Any, *, order: Any = "fro") -> np.ndarray:
    """`metrics.jac_norm` by automatic differentiation: one backward pass for each output."""
    parts = [torch.linalg.matrix_norm(j, ord=order).cpu().numpy() for j in _jacobians(module, x)]
    return np.concatenate(parts) if parts else np.zeros(0)


def local_rank(module: Any, x: Any) -> Ranks:
    """Numerical rank of the outputs' Jacobian, by torch's default tolerance; nothing is certified."""
    parts = [torch.linalg.matrix_rank(j).cpu().numpy() for j in _jacobians(module, x)]
    values = np.concatenate(parts) if parts else np.zeros(0)
    return Ranks(values.astype(np.int64), np.zeros(len(values), dtype=bool))


def _jacobians(module: Any, x: Any) -> Iterator[Any]:
    with _still(module) as (device, dtype), torch.enable_grad():
        points = _tensor(x, device, dtype)
        for a in range(0, len(points), ROWS):
            some = points[a : a + ROWS].clone().requires_grad_(True)
            flat = _only(_called(module, some)).reshape(len(some), -1)
            _few(flat.shape[1], "output")
            rows = [_gradient(flat[:, k], some) for k in range(flat.shape[1])]
            yield torch.stack(rows, dim=1)


def _nearest(module: Any, points: Any, basis: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    some = points.clone().requires_grad_(True)
    seen = _Seen(smooth=False)
    with seen:
        _called(module, some)
    _few(sum(math.prod(z.shape[1:]) for z, _ in seen.layers), "unit")
    best = torch.full((len(some),), math.inf, device=some.device, dtype=some.dtype)
    stages, units = (torch.full((len(some),), -1, device=some.device, dtype=torch.int64) for _ in range(2))
    for number, (z, bends) in enumerate(seen.layers):
        flat = z.reshape(len(some), -1)
        for unit in range(flat.shape[1]):
            gradient = _gradient(flat[:, unit], some)
            length = (gradient if basis is None else gradient @ basis).norm(dim=1)
            level = torch.stack([(flat[:, unit] - t).abs() for t in bends]).amin(dim=0).detach()
            distance = torch.where(length > 0, level / length, math.inf)
            closer = distance < best
            best = torch.where(closer, distance, best)
            stages[closer], units[closer] = number, unit
    return tuple(t.detach().cpu().numpy() for t in (best.double(), stages, units))  # pyright: ignore[reportReturnType]


def _gradient(values: Any, points: Any) -> Any:
    """Gradients (points, inputs) of one number a point; points do not know each other in eval mode."""
    if not values.requires_grad:
        return torch.zeros(len(points), math.prod(points.shape[1:]), device=points.device, dtype=points.dtype)
    (found,) = torch.autograd.grad(values.sum(), points, retain_graph=True, allow_unused=True)
    return (torch.zeros_like(points) if found is None else found).reshape(len(points), -1)


def _changed(z: Any, bends: tuple[float, ...], points: int, vertices: int) -> tuple[Any, int]:
    """How many units of a layer have another sign at some vertex than at the first, (points,); how many there are."""
    if z.shape[0] != points * vertices:
        raise InputError(
            f"model: an activation has the shape {tuple(z.shape)} for a batch of {points * vertices}; "
            "local complexity needs layers that keep the batch first"
        )
    flat = z.reshape(points, vertices, -1)
    changed = torch.zeros(points, flat.shape[2], dtype=torch.bool, device=z.device)
    for t in bends:
        sign = torch.sign(flat - t)
        changed |= (sign != sign[:, :1]).any(dim=1)
    return changed.sum(dim=1), flat.shape[2]


class _Seen(TorchFunctionMode):
    """What goes into each call of an activation, with its breakpoints, while a module runs."""

    def __init__(self, *, smooth: bool):
        super().__init__()
        self.smooth = smooth
        self.layers: list[tuple[Any, tuple[float, ...]]] = []

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").rstrip("_")
        if name in BENDS or (name in SMOOTH and self.smooth):
            bends = BENDS.get(name, (0.0,))
            # A copy, since the call may overwrite its argument; it carries the gradient on.
            self.layers.append((args[0].clone(), _ends(name, args, kwargs) if bends is None else bends))
        elif not self.smooth and (name in SMOOTH or name in OTHERS or "max_pool" in name):
            raise InputError(
                f"model: calls {name}, so that its regions are not bounded by activations alone; read the module with "
                "linregions.read where it can be read, or use local_complexity"
            )
        return func(*args, **kwargs)


def _ends(name: str, args: Any, kwargs: dict[str, Any]) -> tuple[float, ...]:
    if name == "hardtanh":
        given = dict(zip(("min_val", "max_val"), args[1:3], strict=False)) | kwargs
        found = [given.get("min_val", -1.0), given.get("max_val", 1.0)]
    elif name == "threshold":
        found = [args[1] if len(args) > 1 else kwargs["threshold"]]
    else:
        found = [*args[1:3], kwargs.get("min"), kwargs.get("max")]
    ends = tuple(float(v) for v in found if v is not None)
    return tuple(sorted({t for t in ends if math.isfinite(t)}))


@contextmanager
def _still(module: Any) -> Iterator[tuple[Any, Any]]:
    """The module in eval mode, with its device and precision; modes and random states as they were afterwards."""
    refuse_lazy(module, "model")
    modes = [(m, m.training) for m in module.modules()]
    first = next((p for p in [*module.parameters(), *module.buffers()] if p.is_floating_point()), None)
    device, dtype = (torch.device("cpu"), torch.float64) if first is None else (first.device, first.dtype)
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            module.eval()
            yield device, dtype
    finally:
        for part, training in modes:
            part.training = training


def _tensor(x: Any, device: Any, dtype: Any) -> Any:
    try:
        out = torch.as_tensor(x if isinstance(x, torch.Tensor) else np.asarray(x)).detach().to(device, dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"x: expected points as the module takes them, got {shown(x)}") from error
    if out.ndim < 2:
        raise InputError(f"x: expected a batch (points, ...) as the module takes it, got shape {tuple(out.shape)}")
    if not bool(torch.isfinite(out).all()):
        raise InputError("x: contains NaN or infinity; every number must be finite")
    return out


def _called(module: Any, points: Any) -> Any:
    """What the module gives; what it cannot take is one sentence about the points."""
    try:
        return module(points)
    except (InputError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        shape = ", ".join(map(str, ("points", *points.shape[1:])))
        raise InputError(
            f"x: the module does not take points of shape ({shape}), it says {shown(str(error))}; give points as its "
            "forward takes them"
        ) from error


@contextmanager
def _explained(module: Any, points: Any) -> Iterator[None]:
    """An argument that does not fit the points, where the points do not fit the module: then that is what is said."""
    try:
        yield
    except InputError:
        with torch.no_grad():
            _called(module, points[:1])
        raise


def _only(out: Any) -> Any:
    if not isinstance(out, torch.Tensor):
        raise InputError(
            f"model: gives a {type(out).__name__}, not one tensor; wrap it in a module that gives the part"
        )
    return out


def _few(count: int, noun: str) -> None:
    if count > MOST_UNITS:
        raise InputError(
            f"model: has {plural(count, noun)}, and each takes a backward pass, at most {MOST_UNITS:,}; "
            "use linregions.read to make a Network of it, or local_complexity"
        )
