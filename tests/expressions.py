"""Random expressions, and their values by other programs than ours."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from linregions.lyapunov.dynamics.expression import PI, Expression, apply, negative, power, product, quotient, total

SMALL = st.fractions(min_value=-3, max_value=3, max_denominator=8)


def leaves(dim: int, inputs: int = 0) -> st.SearchStrategy[Expression]:
    states = st.integers(0, dim - 1).map(Expression.x)
    choices = [SMALL.map(Expression.number), states, states]
    return st.one_of(*choices, *([st.integers(0, inputs - 1).map(Expression.u)] if inputs else []))


def polynomials(dim: int, inputs: int = 0) -> st.SearchStrategy[Expression]:
    """Sums, products and powers."""
    return st.recursive(leaves(dim, inputs), _arithmetic, max_leaves=7)


def smooth(dim: int, inputs: int = 0) -> st.SearchStrategy[Expression]:
    """All functions; a divisor is 5 plus a square or the exponential of something bounded."""

    def more(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        bounded = st.builds(apply, st.sampled_from(["sin", "cos", "tanh"]), inner)
        return st.one_of(
            _arithmetic(inner),
            bounded,
            bounded.map(lambda e: apply("exp", e)),
            st.builds(lambda a, b: quotient(a, total(power(b, 2), Expression.number(5))), inner, inner),
        )

    return st.recursive(leaves(dim, inputs) | st.just(PI), more, max_leaves=6)


def _arithmetic(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: total(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: product(*parts)),
        inner.map(negative),
        st.builds(power, inner, st.integers(0, 3)),
    )


def exact(e: Expression, point) -> Fraction:
    """The value of a rational expression, by plain recursion."""
    args = [exact(a, point) for a in e.args if isinstance(a, Expression)]
    if e.op == "number":
        return e.args[0]
    if e.op == "x":
        return Fraction(point[e.args[0]])
    if e.op == "+":
        return sum(args, Fraction(0))
    if e.op == "*":
        out = Fraction(1)
        for a in args:
            out *= a
        return out
    return args[0] / args[1] if e.op == "/" else args[0] ** e.args[1]


def in_sympy(e: Expression, symbols):
    """The expression in sympy, unevaluated functions included."""
    import sympy

    args = [in_sympy(a, symbols) for a in e.args if isinstance(a, Expression)]
    if e.op == "number":
        return sympy.Rational(e.args[0].numerator, e.args[0].denominator)
    if e.op == "x":
        return symbols[e.args[0]]
    if e.op == "pi":
        return sympy.pi
    if e.op in ("+", "*"):
        return (sympy.Add if e.op == "+" else sympy.Mul)(*args)
    if e.op == "^":
        return args[0] ** e.args[1]
    return args[0] / args[1] if e.op == "/" else getattr(sympy, e.op)(args[0])


def in_mpmath(e: Expression, point):
    """The value in mpmath's current precision."""
    from mpmath import mp, mpf

    args = [in_mpmath(a, point) for a in e.args if isinstance(a, Expression)]
    if e.op in ("number", "x"):
        value = e.args[0] if e.op == "number" else Fraction(point[e.args[0]])
        return mpf(value.numerator) / value.denominator
    if e.op == "pi":
        return +mp.pi
    if e.op == "+":
        return mp.fsum(args)
    if e.op == "*":
        return mp.fprod(args)
    if e.op == "^":
        return args[0] ** e.args[1]
    return args[0] / args[1] if e.op == "/" else getattr(mp, e.op)(args[0])
