"""Readers keep every number: the network in rationals equals the model in rationals."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx_models import model, node, numbers

from linregions.activations import MaxGroups
from linregions.readers import read
from linregions.readers.exactness import exact_product, exact_sum

finite = st.floats(allow_nan=False, allow_infinity=False)


def point(count, seed=0):
    return [F(float(v)) for v in numbers(count, seed=seed, kind=np.float64)]


def exact(values):
    return [F(float(v)) for v in np.ravel(values)]


@given(arrays(np.float64, 3, elements=finite), arrays(np.float64, 3, elements=finite))
def test_exact_sum_and_product_are_exact_or_refused(a, b):
    total, product = exact_sum(a, b), exact_product(a, b)
    for k in range(3):
        if total is not None:
            assert F(total[k]) == F(a[k]) + F(b[k])
        if product is not None:
            assert F(product[k]) == F(a[k]) * F(b[k])


def test_float32_products_are_always_taken():
    assert exact_product(numbers(50).astype(float), numbers(50, seed=1).astype(float)) is not None
    assert exact_product(np.array([1 / 3]), np.array([1 / 3])) is None
    assert exact_product(np.array([1e-200]), np.array([1e-200])) is None


def test_conv_then_average_pool():
    w, c = numbers(2, 1, 2, 2, kind=np.float64), numbers(2, kind=np.float64)
    pool = node("AveragePool", "a", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    net = read(model([node("Conv", "x w c", "a"), pool], {"w": w, "c": c}, [1, 1, 4, 4], kind=11))
    x = np.array(point(16), dtype=object).reshape(4, 4)
    want = []
    for o in range(2):
        a = [
            [sum((F(w[o, 0, i, j]) * x[r + i, s + j] for i in range(2) for j in range(2)), F(c[o])) for s in range(3)]
            for r in range(3)
        ]
        for r in range(3):
            for s in range(3):
                seen = [
                    a[i][j] for i in range(max(r - 1, 0), min(r + 2, 3)) for j in range(max(s - 1, 0), min(s + 2, 3))
                ]
                want.append(sum(seen, F(0)) / len(seen))
    assert net.exact_values(list(x.ravel())) == want


def test_conv_batch_norm_relu():
    names = {k: numbers(3, seed=i, kind=np.float64) for i, k in enumerate("sbm")} | {"v": np.array([0.5, 1.0, 4.0])}
    w = numbers(3, 2, kind=np.float64)
    nodes = [
        node("Gemm", "x w", "a", transB=1),
        node("BatchNormalization", "a s b m v", "n", epsilon=0.25),
        node("Relu", "n", "y"),
    ]
    net = read(model(nodes, {"w": w, **names}, [1, 2], kind=11))
    x = point(2)
    got = net.exact_values(x)
    for k in range(3):
        # The multiplier is a float64, everything else is exact.
        multiplier = float(names["s"][k] / np.sqrt(names["v"][k] + 0.25))
        near = [multiplier, np.nextafter(multiplier, 9), np.nextafter(multiplier, -9)]
        centred = F(w[k, 0]) * x[0] + F(w[k, 1]) * x[1] - F(names["m"][k])
        assert got[k] in [max(centred * F(m) + F(names["b"][k]), F(0)) for m in near]


def test_sum_of_inexact_weights_stays_exact():
    # 0.1 + 0.2 is no float64, so x + x with these weights needs a copy of the input.
    nodes = [node("Tile", "x r", "t"), node("MatMul", "t w", "y")]
    net = read(model(nodes, {"r": np.array([1, 2], np.int64), "w": np.array([[0.1], [0.2]])}, [1, 1], kind=11))
    assert net.exact_values([F(1, 3)]) == [(F(0.1) + F(0.2)) / 3]


def test_scaling_that_is_not_exact_is_a_stage_of_its_own():
    nodes = [node("MatMul", "x w", "a"), node("Mul", "a c", "b"), node("Add", "b d", "e"), node("Relu", "e", "y")]
    w, c, d = numbers(3, 2, kind=np.float64), np.array(1 / 3), np.array([1e-20, 0.7])
    net = read(model(nodes, {"w": w, "c": c, "d": d}, [1, 3], kind=11))
    x = point(3)
    rows = [sum((F(w[i, k]) * x[i] for i in range(3)), F(0)) * F(1 / 3) + F(d[k]) for k in range(2)]
    assert net.exact_values(x) == [max(r, F(0)) for r in rows]


def test_exact_maps_become_one_stage():
    nodes = [node("MatMul", "x w", "a"), node("Add", "a c", "b"), node("Relu", "b", "y")]
    assert len(read(model(nodes, {"w": numbers(3, 2), "c": numbers(2)}, [1, 3])).stages) == 1
    nodes = [node("Mul", "x h", "s"), node("MatMul", "s w", "a"), node("Relu", "a", "y")]
    assert len(read(model(nodes, {"w": numbers(3, 2), "h": np.float32(0.1)}, [1, 3])).stages) == 1
    nodes = [node("Conv", "x w", "a"), node("MaxPool", "a", "y", kernel_shape=[2, 2])]
    net = read(model(nodes, {"w": numbers(1, 1, 2, 2)}, [1, 1, 4, 4]))
    assert len(net.stages) == 1
    assert isinstance(net.stages[0].activation, MaxGroups)


def test_division_keeps_the_divisor():
    net = read(model([node("Div", "x c", "y")], {"c": np.float32([-3, 9, 4])}, [1, 3]))
    assert net.exact_values([F(1), F(1), F(1)]) == [F(-1, 3), F(1, 9), F(1, 4)]


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_weights_are_the_given_numbers(name):
    w, c = numbers(4, 3, kind=name), numbers(4, kind=name)
    kind = 1 if name == "float32" else 11
    net = read(
        model([node("Gemm", "x w c", "a", transB=1), node("Relu", "a", "y")], {"w": w, "c": c}, [1, 3], kind=kind)
    )
    assert exact(net.stages[0].weight) == exact(w)
    assert exact(net.stages[0].bias) == exact(c)
