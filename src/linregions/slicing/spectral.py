"""Upper bounds on the 2-norms of matrices and of convolutions."""

from __future__ import annotations

import math
import sys
from typing import Any

# A singular value from LAPACK is off by a modest multiple of u |W|; this is far more.
_SAFE = 1.0 + 1e-6
# Frequencies per axis, by the number of entries of one frequency's matrix: the larger, the coarser and looser.
_GRIDS = ((2**12, 16), (2**14, 12), (2**16, 8))


def matrix_norm(weight: Any) -> float:
    """The largest singular value of a matrix, from above."""
    torch: Any = sys.modules["torch"]
    w = weight.double()
    if not w.numel():
        return 0.0
    if min(w.shape) > 4096:
        return float(torch.linalg.vector_norm(w)) * _SAFE
    return float(torch.linalg.matrix_norm(w, 2)) * _SAFE


def convolution_norm(weight: Any, groups: int = 1) -> float:
    """A bound on the 2-norm of a convolution with `weight` (out, in, kernel...), whatever stride, padding, dilation.

    Zero padding and strides leave out rows and columns of the convolution on the whole lattice, whose norm is
    `sup_w |W(w)|_2` with the matrices `W(w) = sum_k W_k e^{i k w}` (out, in).  For fixed v, `|W(w) v|^2` is a
    trigonometric polynomial of degree d = kernel - 1 in each frequency, and between n > 2 d equally spaced frequencies
    such a one is at most 1 / cos(pi d / n) times its largest value at them (M. Riesz 1914).
    The other bound is `sqrt(entries of the kernel) |W as a matrix (out, in * entries)|_2`.
    """
    torch: Any = sys.modules["torch"]
    w = weight.double()
    blocks = w.reshape(groups, -1, *w.shape[1:])
    entries = math.prod(w.shape[2:])
    best = max(math.sqrt(entries) * matrix_norm(b.reshape(len(b), -1)) for b in blocks)
    size = blocks.shape[1] * w.shape[1]
    n = next((grid for most, grid in _GRIDS if size <= most), None)
    degrees = [k - 1 for k in w.shape[2:]]
    if entries == 1 or n is None or n <= 2 * max(degrees) or n ** len(degrees) * size * groups > 2**24:
        return best
    spectrum = torch.fft.fftn(blocks, s=[n if d else 1 for d in degrees], dim=list(range(3, blocks.ndim)))
    matrices = spectrum.flatten(3).permute(0, 3, 1, 2)
    gram = matrices.mH @ matrices if matrices.shape[3] <= matrices.shape[2] else matrices @ matrices.mH
    largest = float(torch.linalg.eigvalsh(gram)[..., -1].max())
    loss = math.prod(math.cos(math.pi * d / n) for d in degrees)
    return min(best, math.sqrt(max(largest, 0.0) / loss) * _SAFE)
