"""The error bounds of slices in batches cover the errors, and the norms in them are upper bounds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slicing_nets import calibrated, mlp, plane, resnet18  # noqa: E402

from linregions.exact import fractions  # noqa: E402
from linregions.readers import read  # noqa: E402
from linregions.slicing.frame import Frame  # noqa: E402
from linregions.slicing.names import name, numbered  # noqa: E402
from linregions.slicing.program import program_of  # noqa: E402
from linregions.slicing.search import Search  # noqa: E402
from linregions.slicing.spectral import convolution_norm, matrix_norm  # noqa: E402


class Recorded(Search):
    """A search that keeps the outputs' rows and bounds of its chunks."""

    def _finish(self, live, cells, rows):
        self.states = [*getattr(self, "states", []), self.program.result(live).double().numpy()]
        self.norms = [*getattr(self, "norms", []), *(live[n].norm.double().numpy() for n in self.program.outputs)]
        super()._finish(live, cells, rows)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["mlp", pytest.param("residual", marks=pytest.mark.slow)])
def test_bounds_cover_the_errors_of_rows(kind, dtype):
    if kind == "mlp":
        module, shape, domain = mlp(5, 7, 6, 5, 3, activation=torch.nn.LeakyReLU, seed=7), (5,), plane(5, scale=5.0)
    else:
        module, shape = calibrated(resnet18(width=1, blocks=(1, 1), channels=1), (1, 4, 4)), (1, 4, 4)
        domain = plane(16, scale=2.0)
    frame = Frame.of(domain)
    search = Recorded(program_of(module, shape, None, getattr(torch, dtype)), frame, batch=7, maps=False)
    search.run()
    found, bounds = np.concatenate(search.states), np.concatenate(search.norms)
    network = read(module, input_shape=shape)
    middles = np.concatenate([(f.cells.basis()[:, :, 1:]).mean(axis=1) for f in search.finished])
    pick = np.linspace(0, len(found) - 1, 6 if kind == "mlp" else 1).astype(int)
    for i in pick:
        at = frame.points(middles[i])
        x = [sum((a * b for a, b in zip(row[:2], fractions(at), strict=True)), row[2]) for row in domain.embedding]
        pattern = network.exact_pattern(x)
        exact = exact_rows(network, pattern, frame)
        error = [sum(abs(Fraction(float(v)) - e) for v, e in zip(column, row, strict=True))
                 for column, row in zip(found[i, :3].T, exact, strict=True)]  # fmt: skip
        assert all(e <= Fraction(float(b)) for e, b in zip(error, found[i, 3], strict=True))
        assert float(sum(e * e for e in error)) <= float(bounds[i]) ** 2
        # A bound that is far too large would pass as well, and help nobody.
        assert found[i, 3].max() < (1e-10 if dtype == "float64" else 0.1) * (1 + np.abs(found[i, :3]).max())


def exact_rows(network, pattern, frame):
    """Rows c, a, b of the outputs as rational numbers."""
    slope, offset = network.exact_affine_map(pattern)
    middle, half = fractions(frame.middle), fractions(frame.half)
    start = [(u * half[0], v * half[1], o + u * middle[0] + v * middle[1]) for u, v, o in frame.domain.embedding]
    return [
        (
            sum((w * s[2] for w, s in zip(row, start, strict=True)), o),
            sum(w * s[0] for w, s in zip(row, start, strict=True)),
            sum(w * s[1] for w, s in zip(row, start, strict=True)),
        )
        for row, o in zip(slope, offset, strict=True)
    ]


@pytest.mark.parametrize(("out", "into", "kernel", "stride", "padding", "groups"), [
    (3, 2, (3, 3), 1, 1, 1),
    (4, 4, (2, 3), 2, 0, 2), (5, 3, (1, 1), 1, 0, 1), (2, 3, (4,), 1, 2, 1), (3, 1, (5, 5), 1, 2, 1),
])  # fmt: skip
def test_norms_of_convolutions_are_upper_bounds(out, into, kernel, stride, padding, groups):
    torch.manual_seed(out)
    w = torch.randn(out, into // groups, *kernel, dtype=torch.float64)
    size = (9,) * len(kernel)
    conv = getattr(torch.nn.functional, f"conv{len(kernel)}d")
    eye = torch.eye(into * 9 ** len(kernel), dtype=torch.float64).reshape(-1, into, *size)
    matrix = conv(eye, w, None, stride, padding, 1, groups).flatten(1)
    true = float(torch.linalg.matrix_norm(matrix, 2))
    bound = convolution_norm(w, groups)
    assert true <= bound <= 3 * true


def test_norms_of_matrices_are_upper_bounds():
    w = torch.diag(torch.tensor([3.0, 4.0, 0.0]))
    assert 4.0 <= matrix_norm(w) < 4.001
    assert convolution_norm(torch.ones(1, 1, 3, 3)) >= 9.0


def test_names_are_equal_exactly_where_histories_are():
    base = np.arange(2000, dtype=np.uint64).reshape(1000, 2)
    assert np.array_equal(name(base, 3, 1), name(base, 3, 1))
    every = np.concatenate([base, name(base, 3, 1), name(base, 1, 3), name(base, 3), name(base, 3, 0)])
    numbers, first = numbered(every)
    assert len(first) == len(every)
    assert np.array_equal(numbers, np.arange(len(every)))
    again, _ = numbered(np.concatenate([every, every[::-1]]))
    assert np.array_equal(again[: len(every)], again[len(every) :][::-1])
