from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plane_oracle import right_hand_side

from linregions.errors import InputError
from linregions.lyapunov.systems import saturated_feedback, system, systems
from linregions.network import Network

SMOOTH = {"pendulum", "two-machine", "inverted-pendulum", "lyznet-pendulum"}
POLYNOMIAL = [name for name in systems() if name not in SMOOTH | {"flower", "saturated-integrator"}]
rationals = st.fractions(min_value=-2, max_value=2, max_denominator=32)


def test_every_row_of_the_specification_is_there():
    rows = {row for name in systems() for row in system(name).row.split(", ")}
    assert rows == {f"S{k}" for k in range(1, 11)} | {f"B{k}" for k in range(1, 14)}


@pytest.mark.parametrize("name", systems())
def test_records_are_whole(name):
    s = system(name)
    assert s.name == name
    assert s.dim == s.domains[0].dim
    assert s.time in ("continuous", "discrete")
    assert s.source
    for domain in s.domains:
        assert np.all(domain.lower < 0)
        assert np.all(domain.upper > 0)
    assert s.as_dict()["dynamics"] in repr(s)
    if not isinstance(s.given, Network):
        assert len(s.given) == s.dim or name == "flower"


@pytest.mark.parametrize("name", POLYNOMIAL)
def test_zero_is_an_equilibrium(name):
    s = system(name)
    assert right_hand_side(s.given)([0] * s.dim) == [0] * s.dim


@given(st.lists(rationals, min_size=2, max_size=6))
def test_squared_norm_decreases_along_rings(x):
    f = right_hand_side(system("ring", n=len(x)).given)(x)
    assert sum(a * b for a, b in zip(x, f, strict=True)) == -sum(a * a for a in x)


@given(st.lists(rationals, min_size=4, max_size=4), st.sampled_from(["0.1", "1.9"]))
def test_squared_norm_decreases_along_coupled_systems(x, e):
    f = right_hand_side(system("cbil", e=e).given)(x)
    square = sum(a * a for a in x)
    assert 2 * sum(a * b for a, b in zip(x, f, strict=True)) <= -(2 - Fraction(e)) * square


@given(st.lists(rationals, min_size=2, max_size=2), st.fractions(min_value="1/100", max_value="99/100"))
def test_the_global_function_of_duffing_decreases(x, e):
    a, b = x
    f = right_hand_side(system("duffing").given)(x)
    gradient = [a + a**3 + e * (b + a), b + e * a]
    assert sum(g * v for g, v in zip(gradient, f, strict=True)) == -(1 - e) * b**2 - e * (a**2 + a**4)


def test_bil_is_as_written():
    assert right_hand_side(system("bil").given)([2, 3]) == [4, -7]
    assert right_hand_side(system("cbil").given)([1, 2, 3, 5]) == [1, Fraction(-27, 10), 12, Fraction(-139, 10)]


@pytest.mark.parametrize("sides", [3, 8, 32])
def test_rotation_turns_and_shrinks(sides):
    f = right_hand_side(system("rotation", rho="0.5", sides=sides).given)
    c, s = f([1, 0])
    assert abs(c * c + s * s - Fraction(1, 4)) < Fraction(1, 2**38)
    assert f([0, 1]) == [-s, c]
    assert abs(float(s / c) - np.tan(np.pi / sides)) < 1e-10
    assert Fraction(float(c)) == c


@given(st.lists(st.integers(-4, -1), min_size=1, max_size=6))
def test_chain_has_its_roots(roots):
    lines = system("chain", roots=roots).given
    f = right_hand_side(lines)
    for root in roots:
        eigenvector = [Fraction(root) ** k for k in range(len(roots))]
        assert f(eigenvector) == [root * v for v in eigenvector]


def test_the_chain_of_order_eight_has_double_roots():
    twice = system("chain", roots=[-1, -1, -2, -2, -3, -3, -4, -4])
    x = [Fraction(k + 1, 3) for k in range(8)]
    assert right_hand_side(system("high-order", n=8).given)(x) == right_hand_side(twice.given)(x)


@given(st.lists(rationals, min_size=2, max_size=2))
def test_saturated_loop_is_the_controller_in_the_open_loop(x):
    loop, controller = system("saturated-integrator").given, saturated_feedback([[-0.4345, -1.0285]])
    gain = [Fraction(-0.4345), Fraction(-1.0285)]
    u = Fraction(max(-1, min(1, gain[0] * x[0] + gain[1] * x[1])))
    assert controller.exact_values(x) == [u]
    assert loop.exact_values(x) == [x[0] + x[1] + u / 2, x[1] + u]


def test_parameters_are_exact_decimals():
    assert "-9.81*sin(x1)" in system("pendulum").given[1]
    assert "(1/3)*" in system("vanderpol", mu="1/3").given[1]
    assert f"({Fraction(0.1).numerator}/" in system("focus", s=0.1).given[0]  # a float is the number that it is
    assert system("inverted_pendulum", open_loop=True).inputs == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: system("duffin"), "unknown system 'duffin'; use one of decay, cubic-decay"),
        (lambda: system(3), "unknown system 3"),
        (lambda: system("duffing", n=3), "n: no parameter of the system duffing, which takes no parameters"),
        (lambda: system("ring", m=3), "which takes n"),
        (lambda: system("ring", n=1), "n must be a whole number from 2"),
        (lambda: system("focus", s=-1), "s must be positive"),
        (lambda: system("pendulum", g="9,81"), 'g must be a number such as "9.81"'),
        (lambda: system("pendulum", g=float("inf")), "g must be a finite number"),
        (lambda: system("high-order", n=5), "n must be 4, 6 or 8"),
        (lambda: system("chain", roots=[0.5]), "roots: minus each root"),
        (lambda: system("chain", roots=3), "roots must be a sequence"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
