"""Random graphs with residual branches, read and then compared with the graph itself in rational arithmetic."""

from __future__ import annotations

import contextlib
from fractions import Fraction as F
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_models import model, node

from linregions.readers import matrix, read

WIDTH = 3
# Sums and products of these are sometimes float64 numbers and sometimes not; zeros and repetitions are common.
NUMBERS = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -0.75, 0.1, 1 / 3, -2 / 7, 1e-9, 12345.678, 1e20]


def vector(draw, *, nonzero=False):
    values = [v for v in NUMBERS if v or not nonzero]
    return np.array([[draw(st.sampled_from(values)) for _ in range(WIDTH)]])


def fractions(array):
    return [[F(float(v)) for v in row] for row in np.atleast_2d(array)]


def linear(w, x):
    rows = fractions(w)
    return [sum((a * rows[i][k] for i, a in enumerate(x)), F(0)) for k in range(WIDTH)]


# operator: (number of earlier tensors, maker of the constant, meaning in rationals)
OPERATORS = {
    "MatMul": (1, lambda d: np.concatenate([vector(d) for _ in range(WIDTH)]), linear),
    "Add": (1, vector, lambda c, x: [a + b for a, b in zip(x, fractions(c)[0], strict=True)]),
    "Sub": (1, vector, lambda c, x: [a - b for a, b in zip(x, fractions(c)[0], strict=True)]),
    "Mul": (1, vector, lambda c, x: [a * b for a, b in zip(x, fractions(c)[0], strict=True)]),
    "Div": (
        1,
        lambda d: vector(d, nonzero=True),
        lambda c, x: [a / b for a, b in zip(x, fractions(c)[0], strict=True)],
    ),
    "Max": (1, vector, lambda c, x: [max(a, b) for a, b in zip(x, fractions(c)[0], strict=True)]),
    "Relu": (1, None, lambda x: [max(a, F(0)) for a in x]),
    "Abs": (1, None, lambda x: [abs(a) for a in x]),
    "Neg": (1, None, lambda x: [-a for a in x]),
    "Gather": (
        1,
        lambda d: np.array([d(st.integers(0, WIDTH - 1)) for _ in range(WIDTH)]),
        lambda c, x: [x[i] for i in c],
    ),
    "Add ": (2, None, lambda x, y: [a + b for a, b in zip(x, y, strict=True)]),
    "Sub ": (2, None, lambda x, y: [a - b for a, b in zip(x, y, strict=True)]),
    "Max ": (2, None, lambda x, y: [max(a, b) for a, b in zip(x, y, strict=True)]),
    "Min ": (2, None, lambda x, y: [min(a, b) for a, b in zip(x, y, strict=True)]),
    "Mean": (2, None, lambda x, y: [(a + b) / 2 for a, b in zip(x, y, strict=True)]),
}


@st.composite
def graphs(draw):
    """Nodes, constants, and the names and meanings of the steps."""
    nodes, constants, steps = [], {}, []
    names = ["x"]
    for k in range(draw(st.integers(1, 9))):
        key = draw(st.sampled_from(sorted(OPERATORS)))
        count, make, meaning = OPERATORS[key]
        taken = [draw(st.sampled_from(names[-4:])) for _ in range(count)]
        inputs = list(taken)
        if make is not None:
            constants[f"c{k}"] = make(draw)
            inputs.append(f"c{k}")
        nodes.append(node(key.strip(), " ".join(inputs), f"v{k}", **({"axis": 1} if key == "Gather" else {})))
        steps.append((f"v{k}", taken, constants.get(f"c{k}"), meaning))
        names.append(f"v{k}")
    outputs = draw(st.lists(st.sampled_from(names[1:]), min_size=1, max_size=2, unique=True))
    return nodes, constants, steps, outputs


@settings(max_examples=400)
@given(
    graphs(),
    st.booleans(),
    st.lists(st.sampled_from([F(0), F(1), F(-1, 3), F(7, 5), F(-22, 7)]), min_size=WIDTH, max_size=WIDTH),
)
def test_random_graph(graph, sparse, x):
    nodes, constants, steps, outputs = graph
    values = {"x": x}
    for name, taken, constant, meaning in steps:
        arguments = [values[t] for t in taken]
        values[name] = meaning(*arguments) if constant is None else meaning(constant, *arguments)
    limits = {"DENSE_ENTRIES": 0, "DENSE_SHARE": 2.0} if sparse else {}
    with mock.patch.multiple(matrix, **limits) if sparse else contextlib.nullcontext():
        net = read(model(nodes, constants, [1, WIDTH], kind=11, output=" ".join(outputs)))
    assert net.exact_values(x) == [v for name in outputs for v in values[name]]
