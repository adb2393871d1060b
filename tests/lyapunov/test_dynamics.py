"""Dynamics: every way to state a system gives the same one, certificates bring it back, and bad input is named."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from expressions import SMALL, exact, polynomials, smooth
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Network
from linregions.errors import InputError
from linregions.lyapunov.dynamics.dynamics import Networked, Smooth, dynamics_of, from_json
from linregions.lyapunov.dynamics.expression import Expression
from linregions.lyapunov.dynamics.modes import Mode, Piecewise
from linregions.lyapunov.dynamics.parsing import parse

HALF = Fraction(1, 2)
DUFFING = "x2; -x2 - x1 - x1^3"


def known(values) -> list[Fraction]:
    """Values that must be exact."""
    assert all(low == high for low, high in values)
    return [low for low, _ in values]


def test_every_way_to_state_a_linear_system():
    A = [[0, 1], [-2, -0.5]]
    ways = [
        A,
        np.array(A),
        (A, [0, 0]),
        (np.array(A), np.zeros(2)),
        tuple(map(tuple, A)),
        "x2; -2*x1 - x2/2",
        "y\n-2*x - 0.5*y\n",
        "x1' = x2; x2' = -2*x1 - 0.5*x2",
        "dx1/dt = x2; dx_2 / dt=-2*x1 - 0.5*x2",
        ["x2", "-2*x1 - x2/2"],
        [parse("x2", dim=2), -2 * Expression.x(0) - HALF * Expression.x(1)],
        Smooth((parse("x2", dim=2), parse("-2*x1 - x2/2", dim=2)), 2),
    ]
    systems = [dynamics_of(way, dim=2) for way in ways]
    assert len({(s.polynomials, s.describe()) for s in systems}) == 1
    assert systems[0].jacobian() == [[(0, 0), (1, 1)], [(-2, -2), (-HALF, -HALF)]]
    np.testing.assert_array_equal(systems[0](np.array([[[1.0, 2.0]]])), [[[2.0, -3.0]]])


def test_sympy_systems():
    sympy = pytest.importorskip("sympy")
    x, y = sympy.symbols("x1 x2")
    wanted = dynamics_of(DUFFING, dim=2)
    for given_ in ([y, -y - x - x**3], sympy.Matrix([y, -y - x - x**3]), [y, "-x2 - x1 - x1^3"], (y, -y - x - x**3)):
        assert dynamics_of(given_, dim=2).polynomials == wanted.polynomials
    assert dynamics_of(sympy.Matrix([[0, 1], [-2, -sympy.Rational(1, 3)]]), dim=2).at([3, 3]) == [(3, 3), (-7, -7)]
    assert dynamics_of([x * 0, sympy.Integer(0)], dim=2).at([1, 1]) == [(0, 0), (0, 0)]


def test_inputs():
    by_matrix = dynamics_of(([[0, 1], [0, 0]], [[0], [HALF]]), dim=2, inputs=1)
    by_text = dynamics_of("x2; u/2", dim=2, inputs=1)
    by_wide = dynamics_of([[0, 1, 0], [0, 0, 0.5]], dim=2, inputs=1)
    assert by_matrix.polynomials == by_text.polynomials == by_wide.polynomials
    assert known(by_text.at([1, 2, 3])) == [2, Fraction(3, 2)]
    assert by_text.enclosure([(0, 1)] * 3, [0, 0, 0], 1).exponents.shape == (3, 3)
    shifted = dynamics_of("x1 + u1 - 1", dim=1, inputs=1, rest=[1])
    assert shifted.equilibrium == (0, 1)
    assert from_json(shifted.as_json()).rest == (1,)
    with pytest.raises(InputError, match="f\\(0, u\\) at rest must be 0, but its component 1 is -1"):
        dynamics_of("x1 + u1 - 1", dim=1, inputs=1)
    with pytest.raises(InputError, match="rest has 2 entries"):
        dynamics_of("x1 + u1", dim=1, inputs=1, rest=[0, 0])


@settings(max_examples=40, deadline=None)
@given(polynomials(2), polynomials(2), st.tuples(SMALL, SMALL))
def test_polynomial_systems(a, b, point):
    e = (a - exact(a, (0, 0)), b - exact(b, (0, 0)))
    system = dynamics_of(list(e), dim=2)
    assert known(system.at(point)) == [exact(c, point) for c in e] == [p.evaluate(point) for p in system.polynomials]
    for row, p in zip(system.jacobian(), system.polynomials, strict=True):
        assert known(row) == [p.derivative(k).evaluate([0, 0]) for k in range(2)]
    again = from_json(json.loads(json.dumps(system.as_json())))
    assert again.polynomials == system.polynomials
    assert again.describe() == system.describe()


@settings(max_examples=30, deadline=None)
@given(smooth(2))
def test_smooth_systems_vanish_at_the_origin_or_are_refused(a):
    at_zero = a.substitute(lambda _: Expression.number(0))
    try:
        system = dynamics_of([a - at_zero, "x2"], dim=2)  # the structure shows that it vanishes
    except InputError as error:
        assert "too many" in str(error) or "degree" in str(error)  # noqa: PT017  some do not raise
        return
    assert system.at([0, 0])[0] == (0, 0)
    constant = system.enclosure([(-1, 1)] * 2, [0, 0], 2)
    assert constant.mid[0][0] == constant.rad[0][0] == 0
    with pytest.raises(InputError, match="component 1 is"):
        dynamics_of([a - at_zero + Expression.number(Fraction(1, 10**30)), "x2"], dim=2)


def test_constants_that_almost_vanish():
    assert dynamics_of("x2; -0.5*x2 - (sin(x1 + pi/3) - sin(pi/3))", dim=2).at([0, 0]) == [(0, 0)] * 2
    with pytest.raises(InputError, match=r"f\(0\) must be 0, but its component 1 is 1/10+; move"):
        dynamics_of("x1 + 1e-20", dim=1)
    with pytest.raises(InputError, match="component 1 is about 1e-30; move"):
        dynamics_of("exp(x1) - 1 + sin(1e-30)", dim=1)
    with pytest.raises(InputError, match="neither proved nor refuted"):
        dynamics_of("x1 + sin(pi/10) - 1/(4*cos(pi/5))", dim=1)  # it is 0, but no rule of ours says so
    with pytest.raises(InputError, match="a divisor is 0 or cannot be told from it at \\(0, 0\\)"):
        dynamics_of("x1/x2; x2", dim=2)


MODES = [
    ([[-0.1, 5], [-1, -0.1]], [0, 0], [[-1, 1], [-1, -1]], [0, 0]),
    ([[-0.1, 1], [-5, -0.1]], [0, 0], [[1, -1], [1, 1]], [0, 0]),
    ([[1, 0], [0, 1]], [1, 0], [[-1, 0]], [-1]),
]


def test_modes():
    system = dynamics_of(MODES, dim=2)
    assert isinstance(system, Piecewise)
    assert [k for k, _ in system.values([1, 1])] == [0, 2]
    assert known(system.at([HALF, 0])) == [-HALF * Fraction(0.1), -HALF]
    assert known(system.at([-5, 0])) == [5 * Fraction(0.1), 25]
    np.testing.assert_allclose(system(np.array([[0.5, 0.0], [-5.0, 0.0]])), [[-0.05, -0.5], [0.5, 25.0]])
    again = from_json(json.loads(json.dumps(system.as_json())))
    assert again.as_json() == system.as_json()
    assert dynamics_of(list(again.modes), dim=2).modes == again.modes
    assert [p.evaluate([2, 3]) for p in system.modes[2].polynomials] == system.modes[2].value([2, 3]) == [3, 3]
    assert [exact(e, (2, 3)) for e in system.modes[2].expressions] == [3, 3]
    with pytest.raises(InputError, match="no mode contains"):
        dynamics_of([([[-1]], [0], [[1]], [0])], dim=1).at([1])
    assert np.isnan(dynamics_of([([[-1]], [0], [[1]], [0])], dim=1)(np.array([[1.0]]))).all()


def test_rows_of_modes_are_float64_numbers():
    third = Mode.of(([[1]], [0], [[Fraction(1, 3)], [0.1]], [1, Fraction(0.3)]), 1, 1)
    assert third.rows == [[-1, 3], [-Fraction(0.1), Fraction(0.3)]]
    with pytest.raises(InputError, match="no multiple in float64"):
        _ = Mode.of(([[1]], [0], [[Fraction(1, 3**40)]], [Fraction(1, 7**30)]), 1, 1).rows
    assert Mode.of(([[1]], [0], np.zeros((0, 1)), []), 1, 1).holds([Fraction(9)])


@pytest.mark.parametrize(
    ("modes", "says"),
    [
        ([([[1]], [1], [[1]], [0])], "mode 1 contains 0, but f\\(0\\) = b = \\(1\\)"),
        ([([[1]], [0], [[1]], [-1])], "none of 1 mode contains 0"),
        ([([[1]], [0], [[1]], [0, 0])], "mode 1: h: expected 1 entry, got 2"),
        ([([[1]], [0], [[1, 2]], [0])], "mode 1: H: expected shape \\(rows, 1\\), got \\(1, 2\\)"),
        ([([[1, 2]], [0], [[1]], [0])], "mode 1: A: expected shape \\(1, 1\\), got \\(1, 2\\)"),
        ([([[np.nan]], [0], [[1]], [0])], "mode 1: A: expected a finite number, got nan"),
        ([([[1]], [np.inf], [[1]], [0])], "mode 1: b: expected a finite number, got inf"),
        ([([[1]], ["0"], [[1]], [0])], "mode 1: b: expected a finite number, got '0'"),
    ],
)
def test_bad_modes(modes, says):
    with pytest.raises(InputError, match=says):
        dynamics_of(modes, dim=1)


def test_networks():
    net = Network.from_arrays([([[1.0, -0.5], [0.0, 0.25]], [0.0, 0.0]), ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])])
    system = dynamics_of(net, dim=2)
    assert isinstance(system, Networked)
    assert known(system.at([2, 1])) == net.exact_values([Fraction(2), Fraction(1)])
    np.testing.assert_array_equal(system(np.array([[2.0, 1.0]])), net(np.array([[2.0, 1.0]])))
    assert from_json(system.as_json(), network=net).dim == 2
    with pytest.raises(InputError, match="pass it as network="):
        from_json(system.as_json())
    with pytest.raises(InputError, match="component 2 is 1"):
        dynamics_of(Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 1.0])]), dim=2)
    with pytest.raises(InputError, match="as many outputs as inputs"):
        dynamics_of(Network.from_arrays([([[1.0, 1.0]], [0.0])]), dim=2)
    with pytest.raises(InputError, match="dimension 2, but 3 is needed"):
        dynamics_of(net, dim=3)


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ("x2", "1 expression for a state of dimension 2"),
        ("", "0 expressions for a state of dimension 2"),
        ("x1; x2; x1", "3 expressions for a state of dimension 2"),
        ("x2' = x1; x1' = x2", "equation 1 must start with x1' = or x1\\+ =, got \"x2' = x1\""),
        ("x1 == x2; x2", "equation 1 must start with"),
        ("x1; x3", "unknown symbol 'x3'"),
        ("x1; u1", "unknown symbol 'u1'"),
        ("x1 + 1; x2", "component 1 is 1; move the equilibrium"),
        ([[1, 2, 3], [1, 2, 3]], "dynamics: A: expected shape \\(2, 2\\), got \\(2, 3\\)"),
        ([[1, 2], [1]], "dynamics: A: the rows have unequal lengths"),
        ([[1, 2], [1, float("nan")]], "expected a finite number, got nan"),
        (np.eye(3), "dynamics: A: expected shape"),
        (np.zeros((2, 2, 2)), "."),
        ((np.eye(2), [1, 0]), "component 1 is 1"),
        ((np.eye(2), [1]), "dynamics: b: expected 2 entries, got 1"),
        ((np.eye(2), np.eye(2)), "dynamics: B: expected shape \\(2, 0\\)"),
        (lambda x: x, "a Python function cannot be proved about; give expressions"),
        (np.sin, "a Python function cannot be proved about"),
        (3, "got 3; give expressions"),
        (None, "got None; give expressions"),
        ({"x1": "x2"}, "give expressions"),
        (b"x1; x2", "give expressions"),
        ([1.0, 2.0], "component 1 is 1"),
        ([], "0 expressions"),
        (Smooth((Expression.x(0),), 1), "dimension 1, but 2 is needed"),
        (Smooth((Expression.x(0), Expression.u(0)), 2, 1), "1 input, but 0 are needed"),
    ],
)
def test_bad_dynamics_are_named_in_one_sentence(given_, says):
    with pytest.raises(InputError, match=says) as caught:
        dynamics_of(given_, dim=2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        None, {}, {"kind": "smooth"}, {"kind": "smooth", "dim": 1}, {"kind": "smooth", "dim": 1, "expressions": "x1"},
        {"kind": "smooth", "dim": 1, "expressions": [["x", 1]]}, {"kind": "smooth", "dim": 1, "expressions": ["1"]},
        {"kind": "piecewise", "dim": 1}, {"kind": "piecewise", "dim": 1, "modes": [{}]},
        {"kind": "piecewise", "dim": 1, "modes": [3]}, {"kind": "network", "dim": 1},
        {"kind": "smooth", "dim": 0, "expressions": []},
    ],
)  # fmt: skip
def test_bad_records(data):
    with pytest.raises(InputError):
        from_json(data)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["-x2", "-x1 + x"], "'x' and 'x1'"),
        ("-x2; -x1 + x^2", "'x' and 'x1'"),
        (["y", "-x_1"], "'y' and 'x_1'"),
        ("x2; -x1 - z*0", "'z' and 'x1'"),
        (["x1' = x2", "x2' = -x"], "'x' and 'x2'"),
    ],
)
def test_one_variable_has_one_name(given, names):
    given = "; ".join(given) if "=" in given[0] else given
    with pytest.raises(InputError, match=f"both {names} are variables") as caught:
        dynamics_of(given, dim=2)
    assert "\n" not in str(caught.value)
    assert dynamics_of(["y", "-x - exp(y) + 1"], dim=2).dim == 2


def test_one_variable_has_one_name_in_sympy():
    sympy = pytest.importorskip("sympy")
    x, x1, x2 = sympy.symbols("x x1 x2")
    for system in ([-x2, -x1 + x], sympy.Matrix([-x2, -x1 + x]), [-x2, "-x"]):
        with pytest.raises(InputError, match=r"both 'x' and 'x[12]'"):
            dynamics_of(system, dim=2)
    with pytest.raises(InputError, match="both 'u' and 'u1'"):
        dynamics_of(["x2 + u", "-x1 + u1"], dim=2, inputs=1)
