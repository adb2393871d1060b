"""What the readers of graphs share: variable tensors, the exception for unsupported nodes, and the reasons in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Var:
    """A tensor that depends on the input; its wires have the tensor's shape."""

    wires: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.wires.shape


class Unsupported(Exception):
    """A node cannot be read; the text is the reason."""


class Unknown:
    """The value of a node that could not be read; what depends on it is looked at by name only."""


UNKNOWN = Unknown()

_SMOOTH = """
    acos acosh asin asinh atan atanh celu cos cosh elu erf exp gelu glu gridsample
    groupnormalization hardswish instancenormalization layernormalization log logsigmoid logsoftmax
    lpnormalization lppool lrn meanvariancenormalization mish pow reciprocal reducel2 reducelogsum
    reducelogsumexp reducesumsquare reduceprod rmsnormalization rsqrt selu sigmoid silu sin sinh
    softmax softplus softsign sqrt swish tan tanh attention scaleddotproductattention groupnorm
    layernorm rmsnorm instancenorm square globallppool einsum bilinear bmm
"""
_JUMPS = """
    argmax argmin ceil floor round sign thresholdedrelu threshold trunc hardmax isnan isinf mod
    nonzero topk sort onehot
"""
_QUANTISED = "quantizelinear dequantizelinear dynamicquantizelinear qlinearconv qlinearmatmul matmulinteger convinteger"
_RECURRENT = "lstm gru rnn if loop scan sequencemap"
_RANDOM = "randomnormal randomnormallike randomuniform randomuniformlike multinomial bernoulli"
_ENDINGS = ("softmax", "logsoftmax", "sigmoid")


def reason(operator: str, *, last: bool = False) -> str:
    """Why an operator that no reader translates is not supported."""
    key = operator.lower().replace("_", "")
    if key in _SMOOTH.split():
        hint = "; as the last step it can be removed, which leaves the regions unchanged"
        return f"{operator} is not piecewise linear" + (hint if last and key in _ENDINGS else "")
    if key in _JUMPS.split():
        return f"{operator} is not continuous"
    if key in _QUANTISED.split():
        return f"{operator} is quantised; read the model before quantisation"
    if key in _RECURRENT.split():
        return f"{operator} is control flow or recurrence, which is not read"
    if key in _RANDOM.split():
        return f"{operator} is random"
    return f"{operator} is not an operator that the reader knows"


PRODUCT = "a product of two variable tensors is not piecewise linear"
QUOTIENT = "a division by a variable tensor is not piecewise linear"


def constant(value: Any, what: str) -> np.ndarray:
    """The value, which must not depend on the input."""
    if isinstance(value, Var):
        raise Unsupported(f"its {what} depends on the input")
    return np.asarray(value)


def variable(value: Any, what: str = "input") -> np.ndarray:
    """The wires of a value that must depend on the input."""
    if not isinstance(value, Var):
        raise Unsupported(f"its {what} is a constant where a variable tensor was expected")
    return value.wires
