"""A step of the graph with the values of its arguments, and the table of handlers by operator."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...activations import PiecewiseLinear
from ...readers.graph import Unsupported
from ...readers.ops import finite
from .state import State, length


@dataclass(frozen=True, eq=False)
class Units:
    """Activations about to be applied: entry k of the flattened `state` gets `functions[index[k]]`."""

    node: Any
    state: State
    functions: tuple[PiecewiseLinear, ...]
    index: np.ndarray

    @cached_property
    def pieces(self) -> np.ndarray:
        """Number of pieces of every entry."""
        return np.array([f.pieces for f in self.functions], dtype=np.int64)[self.index]


@dataclass(frozen=True, eq=False)
class Call:
    """A step with the values of its arguments: states, tensors of weights, plain numbers."""

    node: Any
    operator: str
    args: list[Any]
    kwargs: dict[str, Any]
    label: str
    memo: dict[Any, Any]  # of the step, so that weights are prepared once

    def kept(self, key: Any, make: Callable[[], Any]) -> Any:
        """A value that depends on weights alone, made when the step runs first."""
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]

    def get(self, k: int, name: str, default: Any = None) -> Any:
        """An argument by position or by name."""
        return self.args[k] if k < len(self.args) else self.kwargs.get(name, default)

    @property
    def x(self) -> State:
        """The first argument, which must depend on the input."""
        if not isinstance(self.args[0], State):
            raise Unsupported("its input is a constant where a variable tensor was expected")
        return self.args[0]

    def weight(self, value: Any, like: State) -> Any:
        """Weights, or a Python number in the type of the result, in the type and on the device of a state."""
        torch: Any = sys.modules["torch"]
        key = id(value) if isinstance(value, torch.Tensor) else ("number", value)
        return self.kept(key, lambda: self.moved(self.number(value), like))

    def moved(self, numbers: np.ndarray, like: State) -> Any:
        """Numbers in the type and on the device of a state."""
        torch: Any = sys.modules["torch"]
        return torch.from_numpy(np.array(numbers)).to(like.rows)

    def number(self, value: Any) -> np.ndarray:
        """The same as float64 numbers."""
        torch: Any = sys.modules["torch"]
        if isinstance(value, State):
            raise Unsupported("one of its weights depends on the input")
        if isinstance(value, torch.Tensor):
            return finite(value.detach().to("cpu", torch.float64).numpy(), self.label)
        meta = self.node.meta.get("val")
        meta = meta[0] if isinstance(meta, list | tuple) else meta
        kind = torch.float64 if meta is None or not meta.is_floating_point() else meta.dtype
        return np.asarray(torch.tensor(float(value), dtype=kind).to(torch.float64).numpy())


HANDLERS: dict[str, Callable[[Call], Any]] = {}


def handles(*names: str):
    """Enter a function as the handler of these operators and of their forms in place."""

    def register(function: Callable[[Call], Any]) -> Callable[[Call], Any]:
        HANDLERS.update(dict.fromkeys(names, function))
        HANDLERS.update({f"{n}_": function for n in names if not n.startswith("_")})
        return function

    return register


def lifted(value: Any, like: State) -> State:
    """A constant (in the type of a state) as a state of one cell."""
    torch: Any = sys.modules["torch"]
    rows = torch.zeros((1, 4, *value.shape), dtype=like.rows.dtype, device=like.rows.device)
    rows[0, 0] = value
    rows[0, 3] = like.unit * value.abs() if like.unit > 1e-10 else 0.0
    return State(rows, length(rows[:, 3]))
