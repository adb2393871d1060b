"""Operators that move numbers around, and means over windows: the same is done with every row."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from ...readers.graph import Unsupported
from ...readers.torch_ops import MOVES, per_axis
from .call import Call, handles, lifted
from .state import UP, State, length


@handles("getitem")
def _getitem(n: Call):
    if int(n.args[1]) >= len(n.args[0]):
        raise Unsupported("it uses an output, such as indices, that is no continuous function of the input")
    return n.args[0][n.args[1]]


def _each(state: State, function: Callable[[Any], Any], *, once: bool) -> Any:
    """Apply a function of one tensor to every row of every cell; a list where it gives several.

    `once` says that it takes no entry twice, so that the bound on the 2-norm of the errors holds for the result too.
    """
    torch: Any = sys.modules["torch"]
    rows = state.rows.contiguous()
    made = torch.func.vmap(function)(rows.flatten(0, 1))

    def state_of(m: Any) -> State:
        out = m.unflatten(0, rows.shape[:2])
        own = length(out[:, 3])
        return State(out, torch.fmin(own, state.norm) if once else own)

    return [state_of(m) for m in made] if isinstance(made, list | tuple) else state_of(made)


def _averaged(n: Call, terms: int) -> State:
    """An operator with weights that are not negative acts on the error bound as it does on the rows."""
    torch: Any = sys.modules["torch"]
    x = n.x
    entering = UP * (x.error + x.rounding(terms))
    return _each(State(torch.cat([x.affine, entering[:, None]], 1), x.norm), _rest(n), once=False)


def _rest(n: Call) -> Callable[[Any], Any]:
    kwargs = {k: v for k, v in n.kwargs.items() if k not in ("memory_format", "dtype")}
    return lambda v: n.node.target(v, *n.args[1:], **kwargs)


@handles("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(n: Call):
    return _averaged(n, math.prod(per_axis(n.args[1], int(n.operator[8]))))


@handles("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _adaptive(n: Call):
    dims = int(n.operator[-2])
    size, outs = n.x.rows.shape[-dims:], per_axis(n.args[1], dims)
    if any(s % o for s, o in zip(size, outs, strict=True)):
        raise Unsupported(f"adaptive pooling from {tuple(size)} to {tuple(outs)}: only sizes that divide are read")
    return _averaged(n, math.prod(s // o for s, o in zip(size, outs, strict=True)))


@handles("mean", "sum")
def _mean(n: Call):
    return _averaged(n, math.prod(n.x.rows.shape[2:]))


@handles("constant_pad_nd", "pad")
def _pad(n: Call):
    torch: Any = sys.modules["torch"]
    pads, mode, value = list(n.args[1]), "constant", n.get(2, "value", 0)
    if n.operator == "pad":
        mode, value = n.get(2, "mode", "constant"), n.get(3, "value", 0)
    if mode != "constant" or any(int(p) < 0 for p in pads):
        return _move(n)
    y = torch.nn.functional.pad(n.x.rows, pads)
    if value:
        y[:, 0] += torch.nn.functional.pad(n.x.rows.new_zeros(n.x.rows.shape[2:]), pads, value=float(n.number(value)))
    return State(y, n.x.norm)


_ONCE = frozenset(MOVES.split()) - {"expand", "expand_as", "repeat", "tile", "index", "index_select"}


@handles(*(m for m in MOVES.split() if m != "expand_as"))
def _move(n: Call):
    """Operators that only move numbers around do the same with every row."""
    target = n.node.target
    if n.operator in ("view", "_unsafe_view"):
        shape = list(n.args[1])
        return _each(n.x, lambda v: v.reshape(shape), once=True)
    if any(isinstance(a, State) for a in n.args[1:]):
        raise Unsupported("one of its weights depends on the input")
    if n.operator in ("clone", "contiguous", "alias", "detach", "lift_fresh_copy"):
        return n.x
    kwargs = {k: v for k, v in n.kwargs.items() if k not in ("memory_format", "dtype")}
    return _each(n.x, lambda v: target(v, *n.args[1:], **kwargs), once=n.operator in _ONCE)


@handles("expand_as")
def _expand_as(n: Call):
    other = n.args[1]
    shape = other.rows.shape[2:] if isinstance(other, State) else other.shape
    return _each(n.x, lambda v: v.expand(shape), once=False)


@handles("cat", "stack", "concat")
def _cat(n: Call):
    torch: Any = sys.modules["torch"]
    parts = n.args[0]
    like = next(p for p in parts if isinstance(p, State))
    cells, axis = len(like.rows), int(n.get(1, "dim", 0))
    states = [p if isinstance(p, State) else lifted(n.weight(p, like), like) for p in parts]
    rows = [s.rows.expand(cells, *s.rows.shape[1:]) for s in states]
    axis = axis + 2 if axis >= 0 else axis
    norm = torch.stack([s.norm.expand(cells) for s in states]).norm(dim=0) * UP
    return State((torch.stack if n.operator == "stack" else torch.cat)(rows, axis), norm)


@handles("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def _dropout(n: Call):
    if n.get(2, "train", False):
        raise Unsupported("it is in training mode")
    return [n.x] if n.operator == "native_dropout" else n.x


@handles("to", "_to_copy", "type_as", "float", "double", "_assert_tensor_metadata")
def _to(n: Call):
    meta = n.node.meta.get("val")
    if meta is not None and not meta.is_floating_point():
        raise Unsupported("a cast to integers is not continuous")
    return n.x
