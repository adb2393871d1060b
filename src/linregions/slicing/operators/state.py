"""The affine maps of many cells at once, with rigorous bounds on the rounding errors.

A value of the network on a cell is `c + s a + t b` for the slice's coordinates (s, t) in [-1, 1]^2.  A `State` holds
the rows c, a, b of every entry of a tensor, and as a fourth row a bound e on their errors together: wherever (s, t) is
on the slice, the entry is known up to e.  Beside it stands a bound N on the 2-norm of all these errors at one (s, t).

A linear operator W with rows w acts on the three rows as it is.  With m = |c| + |a| + |b|, and g the constant of the
rounding of a sum of products (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), an entry of the
result is known up to the smaller of

* `sum |w_i| (e_i + g m_i)`, the operator with absolute weights: the better one where w sees few entries;
* `|w| N + g |w| |m|` with 2-norms over the entries that w sees (Cauchy-Schwarz),

and N becomes `|W|_2 N` and the 2-norm of what the rounding adds.  The first alone grows by about the square root of the
number of inputs with each layer, far faster than errors do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# Covers the rounding of a bound itself.
UP = 1.01


@dataclass(frozen=True, eq=False)
class State:
    """Rows c, a, b and the error bound of a tensor on many cells, (cells, 4, *shape of the tensor)."""

    rows: Any
    norm: Any  # (cells,)

    @property
    def affine(self) -> Any:
        """The rows c, a, b."""
        return self.rows[:, :3]

    @property
    def error(self) -> Any:
        """The bound of their errors."""
        return self.rows[:, 3]

    @cached_property
    def size(self) -> Any:
        """|c| + |a| + |b|, which bounds the value on the slice."""
        return self.affine.abs().sum(1)

    @property
    def unit(self) -> float:
        """Unit roundoff of the type."""
        return sys.modules["torch"].finfo(self.rows.dtype).eps / 2

    @property
    def tiny(self) -> float:
        """Far above what underflow can lose, far below everything else."""
        return 1e-140 if self.unit < 1e-10 else 1e-17

    def rounding(self, terms: int) -> Any:
        """What a sum of so many products adds to the errors, for weights 1; 0 only where all is 0."""
        return (terms + 8) * self.unit * self.size + self.tiny * ((self.size > 0) | (self.error > 0))

    def take(self, which: Any) -> State:
        """Some of the cells."""
        return State(self.rows[which], self.norm[which])


def length(values: Any) -> Any:
    """2-norm of the entries of every cell, (cells,), from above."""
    torch: Any = sys.modules["torch"]
    return UP * torch.linalg.vector_norm(values.reshape(len(values), -1), dim=1)


def stacked(affine: Any, error: Any, norm: Any = None) -> State:
    """A state; `norm` is a bound beside that of the entries."""
    torch: Any = sys.modules["torch"]
    own = length(error)
    norm = own if norm is None else torch.fmin(own, norm)
    return State(torch.cat([affine, error[:, None]], dim=1), norm)


def scaled(x: State, factor: Any, shift: Any, rounding: int = 4) -> State:
    """`factor x + shift`, elementwise, by tensors that broadcast; `rounding` operations with relative error u."""
    affine = x.affine * factor
    error = x.error * factor.abs()
    affine[:, 0] += shift
    held = rounding * x.unit * (affine.abs().sum(1) + shift.abs())
    # Zero times anything, and nothing added, is exact.
    held = held + x.tiny * ((held > 0) | ((x.size > 0) & (factor != 0)))
    norm = None
    if affine.shape == x.affine.shape:
        norm = UP * (factor.abs().max() * x.norm + length(held))
    return stacked(affine, UP * (error + held), norm)
