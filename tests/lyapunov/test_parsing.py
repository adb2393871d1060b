"""Reading expressions: round trips, what each form of input says, and hostile text."""

from __future__ import annotations

from fractions import Fraction

import pytest
from expressions import in_sympy, polynomials, smooth
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.lyapunov.dynamics.expression import PI, Expression, apply
from linregions.lyapunov.dynamics.parsing import expression_of, parse

x1, x2, x3, u1 = Expression.x(0), Expression.x(1), Expression.x(2), Expression.u(0)


@given(smooth(3, 2))
def test_text_comes_back(e):
    assert parse(str(e), dim=3, inputs=2) == e


@given(st.text(alphabet="x12u+-*/^(). episincoxtah", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        e = parse(text, dim=2, inputs=1)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  some do not raise
    else:
        assert parse(str(e), dim=2, inputs=1) == e


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.1", Expression.number(Fraction(1, 10))),
        ("1e-30 + .5 + 2.", Expression.number(Fraction(5, 2) + Fraction(1, 10**30))),
        ("-x1^2", -(x1**2)),
        ("2**-1*x", x1 / 2),
        ("x2^2^3", x2**8),
        ("-x1/x2*x3", (-x1) / x2 * x3),
        ("x - y - z", x1 - x2 - x3),
        ("x_1*+-x3", -(x1 * x3)),
        ("u*pi", u1 * PI),
        ("tan(x)", apply("sin", x1) / apply("cos", x1)),
        ("sigmoid(x)", apply("tanh", x1 / 2) / 2 + Fraction(1, 2)),
        ("1/3", Expression.number(Fraction(1, 3))),
        ("sin(\n x1 )", apply("sin", x1)),
    ],
)
def test_what_text_means(text, wanted):
    assert parse(text, dim=3, inputs=1) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x1 + x3", "unknown symbol 'x3'"),
        ("z", "unknown symbol 'z'"),
        ("u1", "unknown symbol 'u1'"),
        ("w*x1", "the variables here are x1..x2"),
        ("sqrt(x1)", "unknown function 'sqrt'"),
        ("sqrt(1+x1)", "roots, real powers and logarithms of the state are not supported yet"),
        ("log(1 + x1)", "state the system by polynomials or fractions"),
        ("x1^0.5", "not supported yet"),
        ("I*x1", "only real systems are verified"),
        ("Piecewise(x1)", "give its pieces as modes"),
        ("abs(x1)", "give its pieces as modes"),
        ("foo(x1)", "known functions are sin"),
        ("2x1", "write products with *"),
        ("(x1", "a bracket is not closed"),
        ("x1)", "is not expected there"),
        ("x1 +", "it ends too early"),
        ("", "it ends too early"),
        ("x1 = 2", "cannot be read"),
        ("x1^0.5", "is no whole number"),
        ("x1^x2", "is no whole number"),
        ("x1^65", "at most 64"),
        ("1/(x1*0)", "divided by zero"),
        ("1e999999999", "too many digits"),
        ("1e500", "too many digits"),
        ("9" * 2000, "too many digits"),
        ("__import__('os')", "cannot be read"),
        ("x1.real", "not expected|cannot be read"),
        ("lambda: 0", "cannot be read"),
        ("sin x1", "unknown symbol 'sin'"),
        ("x1²", "cannot be read"),
        ("x٣", "cannot be read|unknown symbol"),
        ("nan", "unknown symbol"),
        ("exp(1", "a bracket is not closed"),
        (3, "expected text"),
    ],
)
def test_what_is_refused(text, says):
    with pytest.raises(InputError, match=says.replace("*", r"\*").replace("..", r"\.\.")) as caught:
        parse(text, dim=2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000 + "x1" + ")" * 50_000,
        "sin(" * 5_000 + "x1" + ")" * 5_000,
        "-" * 50_000 + "(" * 90,
        "x1^" * 30_000 + "2",
        "9^9^9^9",
        "((((9^60)^60)^60)^60)^60",
        "((x1^60)^60)^60",
        "(" + "+".join(["x1"] * 30_000) + ")^2",
        "x" * 200_000,
        "x1" + "/x2" * 30_000,
    ],
)
def test_hostile_text_is_refused_soon(text):
    with pytest.raises(InputError):
        parse(text, dim=2)


def test_long_but_flat_text_is_read():
    assert parse("+".join(["x1"] * 5_000), dim=1).size == 5_001
    assert parse("-" * 10_001 + "x1", dim=1) == -x1


def test_expressions_keep_to_the_variables():
    assert expression_of(x2, dim=2) is x2
    with pytest.raises(InputError, match="x3 is not known"):
        expression_of(x1 + x3, dim=2)
    with pytest.raises(InputError, match="u1 is not known, the system has 0 inputs"):
        expression_of(u1, dim=2)
    with pytest.raises(InputError, match="finite number"):
        expression_of(None, dim=2)


def test_sympy_expressions():
    sympy = pytest.importorskip("sympy")
    a, b = sympy.symbols("x1 x2")
    assert expression_of(a * b**2 - sympy.Rational(1, 3), dim=2) == parse("x1*x2^2 - 1/3", dim=2)
    assert expression_of(sympy.Float(0.1) * a, dim=2) == Expression.number(0.1) * x1
    assert expression_of(sympy.exp(a) / b, dim=2).op in ("/", "*")
    assert expression_of(sympy.E * sympy.pi, dim=1) in (
        apply("exp", Expression.number(1)) * PI,
        PI * apply("exp", Expression.number(1)),
    )
    assert expression_of(sympy.tan(a), dim=1) == parse("tan(x1)", dim=1)
    for bad, says in [
        (sympy.sqrt(a), "exponent .* not supported yet"),
        (sympy.log(1 + a), "logarithms of the state are not supported yet"),
        (sympy.Piecewise((a, a < 0), (2 * a, True)), "unknown function 'Piecewise'; give its pieces as modes"),
        (sympy.I * a, "I is the imaginary unit; only real systems"),
        (a**b, "exponent"),
        (sympy.Abs(a), "modes"),
        (sympy.Symbol("w"), "unknown symbol 'w'"),
        (sympy.oo * a, "."),
        (sympy.nan, "."),
        (sympy.I * a, "."),
        (sympy.Derivative(sympy.Function("g")(a), a), "unknown function"),
    ]:
        with pytest.raises(InputError, match=says):
            expression_of(bad, dim=2)


@settings(max_examples=20, deadline=None)
@given(polynomials(2))
def test_a_polynomial_comes_back_from_sympy(e):
    sympy = pytest.importorskip("sympy")
    symbols = sympy.symbols("x1 x2")
    again = expression_of(in_sympy(e, symbols), dim=2)
    assert sympy.expand(in_sympy(again, symbols) - in_sympy(e, symbols)) == 0
