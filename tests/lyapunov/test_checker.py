"""The checker by itself: certificates written by hand, its arithmetic against independent routes, malformed files."""

from __future__ import annotations

import ast
import copy
import json
import math
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Network
from linregions.errors import InputError
from linregions.lyapunov import checker
from linregions.lyapunov.checker import arithmetic, check, entry, intervals, wording
from linregions.lyapunov.checker.intervals import Interval
from linregions.lyapunov.checker.kernel import Case, Functions, Mesh
from linregions.lyapunov.checker.loops import Loop
from linregions.lyapunov.checker.taylor import Taylor

ONE_NORM = Network.from_arrays([([[1.0, 0], [-1, 0], [0, 1], [0, -1]], [0.0] * 4), ([[1.0, 1, 1, 1]], [0.0])])
RING = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]

STANDARD = {
    "__future__", "collections.abc", "dataclasses", "decimal", "fractions", "functools", "hashlib", "heapq", "json",
    "math", "pathlib", "struct", "time", "typing",
}  # fmt: skip


def minus(k: int) -> list:
    return ["*", "-1", ["x", k]]


CUBIC = [["+", minus(k), ["^", ["x", k], "3"]] for k in range(2)]


def box(half: str) -> list:
    return [["1", "0", half], ["-1", "0", half], ["0", "1", half], ["0", "-1", half]]


def smooth(*expressions: object, inputs: int = 0) -> dict:
    return {"kind": "smooth", "dim": 2, "inputs": inputs, "expressions": list(expressions)}


def by_hand(**changes: object) -> dict:
    """x' = -x + x^3 with the 1-norm on [-1/2, 1/2]^2: eight triangles around 0."""
    return {
        "format": checker.FORMAT,
        "network": ONE_NORM.hash,
        "candidate": None,
        "controller": None,
        "time": "continuous",
        "dynamics": smooth(*CUBIC),
        "shift": "0",
        "domain": box("1/2"),
        "exclude": None,
        "claim": "strict",
        "mesh": "domain",
        "vertices": [["0", "0", "1"], *([str(a), str(b), "2"] for a, b in RING)],
        "simplices": [[0, i, i % 8 + 1] for i in range(1, 9)],
        "degree": 3,
        "proofs": {"positive": [0] * 8, "decrease": [0] * 8, "seams": None},
        "levels": {"c": "1/2", "boundary": "1/2"},
        "composite": None,
        "witness": None,
    } | changes


def on_unit_box(**changes: object) -> dict:
    vertices = [["0", "0", "1"], *([str(a), str(b), "1"] for a, b in RING)]
    return by_hand(domain=box("1"), vertices=vertices, levels=None) | changes


def test_what_is_written_by_hand_is_accepted():
    report = check(by_hand(), ONE_NORM)
    assert report.accepted
    assert report.claim == "strict"
    assert report.counts == {"vertices": 9, "simplices": 8, "leaves": 16}
    assert "((-1 * x1) + (x1 ^ 3))" in report.statement
    assert json.loads(json.dumps(report.as_dict()))["accepted"]


def test_the_statement_says_what_it_is_about():
    text = check(by_hand(), ONE_NORM).statement
    assert f"V = the network {ONE_NORM.hash[:12]}, the domain {{-0.5 <= x1 <= 0.5, -0.5 <= x2 <= 0.5}}: V > 0" in text
    slanted = [["-1", "0", "1/3"], ["1", "0", "1/2"], ["1", "-1/3", "1"], ["0", "1", "1/2"]]
    assert wording.region([[Fraction(v) for v in row] for row in slanted]) == (
        "-1*x1 >= -1/3, 1*x1 >= -0.5, 1*x1 - 1/3*x2 >= -1, 1*x2 >= -0.5"
    )
    tree = ["+", ["*", "-981/100", ["sin", ["x", 0]]], ["*", "1/3", ["u", 0]]]
    assert wording.infix(tree) == "((-9.81 * sin(x1)) + ((1/3) * u1))"
    known = {"A": [["-1/2", "1/3"]], "b": ["0", "0"]}
    assert wording.told({"kind": "piecewise", "modes": [known]}) == "1 affine modes [{A: [[-0.5, 1/3]], b: [0, 0]}]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(-1200), "-1200"),
        (Fraction(37, 64), "0.578125"),
        (Fraction(-1, 3), "-1/3"),
        (Fraction(29782590697, 33050066944), "0.901136 (29782590697/33050066944)"),
        (Fraction(10**30 + 1, 3 * 10**30), "about 0.333333"),
        (Fraction(10**5000), "about 1e+5000"),
        (Fraction(-2, 3**10000), "about -1.22"),
    ],
)
def test_numbers_are_short(value, text):
    said = wording.spoken(value)
    assert said == text or (said.startswith(text) and "e-4771" in said)


@given(st.fractions())
def test_a_number_without_about_is_exact(value):
    said = wording.spoken(value)
    short = wording.exact(value)
    assert short is None or Fraction(short) == value
    if not said.startswith("about"):
        assert Fraction(said.split("(")[-1].strip(")")) == value


def test_the_boundary_of_the_family_is_marginal_not_strict():
    """S2 at r = 1: equality at the points with all |x_i| in {0, 1}, and nowhere else."""
    assert "not strict" in check(on_unit_box(), ONE_NORM).reason
    witness = {"points": [["1", "0"]], "condition": "decrease", "mode": 0, "simplex": 0}
    assert check(on_unit_box(claim="marginal", witness=witness), ONE_NORM).accepted
    for point in (["1", "1/2"], ["1/2", "0"]):
        moved = witness | {"points": [point]}
        assert "equality" in check(on_unit_box(claim="marginal", witness=moved), ONE_NORM).reason


def test_a_refutation_is_one_point():
    data = by_hand(
        claim="refuted",
        domain=box("2"),
        vertices=[["0", "0", "1"], ["2", "0", "1"], ["2", "2", "1"]],
        simplices=[[0, 1, 2]],
        proofs=None,
        levels=None,
        witness={"points": [["3/2", "1"]], "condition": "decrease", "mode": 0, "simplex": 0},
    )
    assert check(data, ONE_NORM).accepted
    assert "decreases" in check(data | {"witness": data["witness"] | {"points": [["1/2", "1/3"]]}}, ONE_NORM).reason
    assert "hold" in check(data | {"witness": data["witness"] | {"points": [["1", "3/2"]]}}, ONE_NORM).reason
    assert "excluded" in check(data | {"exclude": {"ball": "2"}}, ONE_NORM).reason


def test_a_fan_needs_what_scales():
    cross = [["0", "0", "1"], ["1", "0", "1"], ["0", "1", "1"], ["-1", "0", "1"], ["0", "-1", "1"]]
    proofs = {"positive": [0] * 4, "decrease": [0] * 4, "seams": None}
    fan = by_hand(mesh="fan", vertices=cross, simplices=[[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]], proofs=proofs)
    assert "scale" in check(fan, ONE_NORM).reason
    fan["dynamics"] = smooth(minus(0), minus(1))
    assert check(fan, ONE_NORM).accepted
    fan["simplices"], fan["proofs"] = fan["simplices"][:3], {"positive": [0] * 3, "decrease": [0] * 3, "seams": None}
    assert "shared" in check(fan, ONE_NORM).reason


@pytest.mark.parametrize(
    "first",
    [
        ["*", "-1", ["sin", ["x", 0]]],
        ["+", "1", ["*", "-1", ["exp", ["x", 0]]]],
        ["*", "-1", ["tanh", ["x", 0]]],
        ["/", minus(0), ["+", "1", ["^", ["x", 0], "2"]]],
        ["+", ["sin", ["/", ["pi"], "3"]], ["*", "-1", ["sin", ["+", ["x", 0], ["/", ["pi"], "3"]]]]],
        ["+", ["*", "-2", ["x", 0]], ["*", ["x", 0], ["cos", ["x", 1]]]],
    ],
)
def test_smooth_dynamics(first):
    assert check(by_hand(dynamics=smooth(first, minus(1))), ONE_NORM).accepted
    wrong = smooth(["*", "-1", first], minus(1))
    assert not check(by_hand(dynamics=wrong), ONE_NORM).accepted


def test_a_constant_that_does_not_cancel_is_no_equilibrium():
    f = ["+", minus(0), ["cos", ["x", 0]], "-999999/1000000"]
    assert "f(0) = 0" in check(by_hand(dynamics=smooth(f, minus(1))), ONE_NORM).reason


def test_a_polynomial_candidate():
    squares = ["+", ["^", ["x", 0], "2"], ["^", ["x", 1], "2"]]
    poly2 = smooth(["+", ["*", "-1", ["^", ["x", 0], "3"]], ["x", 1]], ["+", minus(0), minus(1)])
    data = by_hand(network=None, candidate=squares, dynamics=poly2, levels=None)
    assert check(data).accepted
    assert not check(data | {"candidate": ["+", ["^", ["x", 0], "2"], ["*", "-1", ["^", ["x", 1], "2"]]]}).accepted
    assert check(data | {"levels": {"c": "1/4"}}).accepted
    assert "level" in check(data | {"levels": {"c": "1/5"}}).reason


def test_a_face_with_a_zero_reaches_down_to_the_origin():
    """V' = 0 on an edge from 0: between two levels nothing below its far end is proved."""
    f = smooth(minus(0), ["*", "0", ["x", 1]])
    data = by_hand(claim="ultimate", dynamics=f, proofs={"positive": None, "decrease": [0] * 8, "seams": None})
    for c1 in ("0", "1/4", "1/3"):
        assert "level" in check(data | {"levels": {"c1": c1, "c2": "1/2", "boundary": "1/2"}}, ONE_NORM).reason


def test_levels_must_be_the_ones_that_follow():
    for key in ("c", "boundary"):
        for factor in (1 - Fraction(1, 2**60), 1 + Fraction(1, 2**60)):
            data = by_hand()
            data["levels"] = data["levels"] | {key: str(Fraction(data["levels"][key]) * factor)}
            assert "level" in check(data, ONE_NORM).reason


def test_two_sheets_are_no_mesh():
    """Every facet is paired in a double cover; a point that is covered twice gives it away."""
    vertices = by_hand()["vertices"]
    doubled = by_hand(
        vertices=[*vertices, *vertices[1:]],
        simplices=[*by_hand()["simplices"], *([0, i + 8, i % 8 + 9] for i in range(1, 9))],
        proofs={"positive": [0] * 16, "decrease": [0] * 16, "seams": None},
    )
    assert "overlap" in check(doubled, ONE_NORM).reason


MALFORMED = [
    [],
    None,
    {},
    by_hand(format="linregions lyapunov certificate 2"),
    {k: v for k, v in by_hand().items() if k != "degree"},
    by_hand() | {"remark": "true"},
    by_hand(vertices=None),
    by_hand(vertices=[[0.0, 0.0, 1.0]]),
    by_hand(vertices=[["0", "0", "0"], *by_hand()["vertices"][1:]]),
    by_hand(vertices=[["0", "0", "1"], *by_hand()["vertices"][1:], ["0", "0", "2"]]),
    by_hand(simplices=[]),
    by_hand(simplices=[[0, 1, 99]] * 8),
    by_hand(simplices=[[0, 1, -1]] * 8),
    by_hand(simplices=[[0, 1, True]] * 8),
    by_hand(simplices=[[0, 1, 1]] * 8),
    by_hand(simplices=[[0, 1, 5]] * 8),
    by_hand(domain=[]),
    by_hand(domain=[["1", "0"]]),
    by_hand(domain=[["1", "0", "nan"]]),
    by_hand(domain=[["1", "0", "0"], *box("1/2")[1:]]),
    by_hand(shift="1/0"),
    by_hand(shift=0.5),
    by_hand(time="backwards"),
    by_hand(claim="proved"),
    by_hand(claim=None),
    by_hand(mesh="tent"),
    by_hand(degree=0),
    by_hand(degree="3"),
    by_hand(exclude={"ball": "-1"}, claim="outside"),
    by_hand(exclude={"cube": "1"}, claim="outside"),
    by_hand(exclude={"rows": []}, claim="outside"),
    by_hand(dynamics=None),
    by_hand(dynamics={"kind": "magic"}),
    by_hand(dynamics=smooth(minus(0))),
    by_hand(dynamics=smooth(minus(0), ["x", 2])),
    by_hand(dynamics=smooth(minus(0), ["u", 0])),
    by_hand(dynamics=smooth(minus(0), ["sqrt", ["x", 1]])),
    by_hand(dynamics=smooth(minus(0), ["^", ["x", 1], "-1"])),
    by_hand(dynamics=smooth(minus(0), ["/", ["x", 1], "0"])),
    by_hand(dynamics=smooth(minus(0), ["/", ["x", 1], ["x", 1]])),
    by_hand(dynamics=smooth(minus(0), [["x", 1]])),
    by_hand(dynamics=smooth(minus(0), -1.5)),
    by_hand(proofs=None),
    by_hand(proofs={"positive": [0] * 8, "decrease": [0] * 7, "seams": None}),
    by_hand(proofs={"positive": [0] * 8, "decrease": [None] * 8, "seams": None}),
    by_hand(proofs={"positive": [0] * 8, "decrease": [0] * 7 + [[0, 0, 0, 0]], "seams": None}),
    by_hand(proofs={"positive": [0] * 8, "decrease": [0] * 7 + [[0, 3, 0, 0]], "seams": None}),
    by_hand(proofs={"positive": [0] * 8, "decrease": [0] * 7 + [[0, 1, 0]], "seams": None}),
    by_hand(levels={"c": "1/2"}),
    by_hand(levels="1/2"),
    by_hand(claim="composite", composite={"inner": None, "reach": "1"}),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_what_is_malformed_is_rejected_in_one_sentence(data):
    report = check(copy.deepcopy(data), ONE_NORM)
    assert not report.accepted
    assert report.reason
    assert "\n" not in report.reason
    assert str(report).startswith("rejected: ")


def test_files(tmp_path: Path):
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(by_hand()))
    assert check(path, ONE_NORM).accepted
    path.write_text("{")
    assert "cannot be read" in check(path, ONE_NORM).reason
    path.write_text("[" * 100_000)
    assert "cannot be read" in check(path, ONE_NORM).reason
    path.write_bytes(b"\xff\xfe")
    assert "cannot be read" in check(path, ONE_NORM).reason
    for wrong in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="certificate: cannot read"):
            check(wrong, ONE_NORM)
    for models in ({"model": tmp_path / "none.npz"}, {"model": path}, {"controller": tmp_path / "none.npz"}):
        with pytest.raises(InputError):
            check(by_hand(), **models)


def test_models_that_are_missing_or_too_many():
    assert "network" in check(by_hand(), None).reason
    assert "controller" in check(by_hand(), ONE_NORM, controller=ONE_NORM).reason
    assert "dynamics" in check(by_hand(), ONE_NORM, dynamics=ONE_NORM).reason


# Arithmetic, by another route


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_hash_is_the_networks(seed):
    rng = np.random.default_rng(seed)
    widths = [int(w) for w in rng.integers(1, 5, size=rng.integers(2, 5))]
    layers = [(rng.normal(size=(b, a)).round(1), rng.normal(size=b).round(1)) for a, b in pairwise(widths)]
    name = ["relu", "abs", "hardtanh", "relu6"][seed % 4]
    net = Network.from_arrays(layers, activation=name)
    plain = entry.plain_numbers(net)
    assert arithmetic.network_hash(plain) == net.hash
    point = [Fraction(int(v), 7) for v in rng.integers(-20, 20, size=widths[0])]
    values, _ = arithmetic.forward(arithmetic.scaled(plain), arithmetic.integers(point))
    assert [Fraction(v, values[-1]) for v in values[:-1]] == net.exact_values(point)


def test_max_groups_share_a_winner():
    from linregions.activations import MaxGroups
    from linregions.stage import Stage

    net = Network((Stage(np.array([[1.0], [-1.0], [3.0]]), np.array([0.0, 0.0, -2.0]), MaxGroups(np.array([0, 3]))),))
    stages = arithmetic.scaled(entry.plain_numbers(net))
    assert arithmetic.network_hash(entry.plain_numbers(net)) == net.hash

    def joined(*points: Fraction) -> bool:
        return arithmetic.one_piece([[arithmetic.forward(stages, arithmetic.integers([p]))[1]][0] for p in points])

    assert joined(Fraction(-1), Fraction(0))
    assert joined(Fraction(0), Fraction(1))
    assert joined(Fraction(1), Fraction(5))
    assert not joined(Fraction(-1), Fraction(1))
    assert not joined(Fraction(0), Fraction(2))


@settings(max_examples=20, deadline=None)
@given(st.fractions(-30, 30, max_denominator=50), st.fractions(0, 2, max_denominator=30))
def test_elementary_functions_hold_their_values(low, width):
    """Against python-flint's balls at 300 bits."""
    flint = pytest.importorskip("flint")
    with flint.ctx.workprec(300):
        for name in ("sin", "cos", "exp", "tanh"):
            box = Interval.of(low, low + width)
            found = intervals.coefficients(name, box, 4)
            for share in (Fraction(0), Fraction(1, 3), Fraction(1)):
                x = low + share * width
                series = flint.arb_series([flint.arb(flint.fmpq(x.numerator, x.denominator)), 1], prec=5)
                exact = flint.arb_series.__dict__.get(name) and getattr(series, name)()
                if exact is None:  # tanh = 1 - 2 / (exp(2 x) + 1)
                    exact = 1 - 2 / ((2 * series).exp() + 1)
                for k in range(5):
                    scale = flint.arb(2) ** intervals.BITS
                    assert flint.arb(found[k].lo) / scale <= exact[k].upper()
                    assert flint.arb(found[k].hi) / scale >= exact[k].lower()
                if width == 0:
                    size = abs(Fraction(found[0].lo, 1 << intervals.BITS)) + 1
                    assert Fraction(found[0].hi - found[0].lo, 1 << intervals.BITS) < size / 2**60


def test_pi_and_the_range_of_sin():
    assert intervals.PI.lo / 2**intervals.BITS == intervals.PI.hi / 2**intervals.BITS == math.pi
    assert intervals.PI.hi - intervals.PI.lo <= 4
    for low, high in [(-0.5, 0.5), (1, 2), (-2, -1), (0, 4), (2, 4), (-20, 20), (7, 7.5)]:
        found = intervals.sin_over(Interval.of(Fraction(low), Fraction(high)))
        sampled = np.sin(np.linspace(low, high, 4001))
        assert found.lo / 2**intervals.BITS == pytest.approx(sampled.min(), abs=1e-5)
        assert found.hi / 2**intervals.BITS == pytest.approx(sampled.max(), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_form_has_the_values_of_its_polynomial(seed):
    """Forms in mu against direct evaluation at a random point of the simplex."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    terms = {
        tuple(sorted(int(v) for v in rng.integers(0, n, size=rng.integers(0, 4)))): Fraction(
            int(rng.integers(-9, 9)), 3
        )
        for _ in range(5)
    }
    terms = {m: c for m, c in terms.items() if c}
    rows = [[*(int(v) for v in rng.integers(-9, 9, size=n)), int(rng.integers(1, 5))] for _ in range(n + 1)]
    form, degree = Functions([terms], n).form(rows, [Fraction(1)])
    mu = [int(v) for v in rng.integers(1, 6, size=n + 1)]
    y = [sum(m * r[i] for m, r in zip(mu, rows, strict=True)) for i in range(n + 1)]
    point = [Fraction(v, y[-1]) for v in y[:-1]]
    direct = sum((c * math.prod((point[k] for k in m), start=Fraction(1)) for m, c in terms.items()), Fraction(0))
    scale = math.lcm(1, *(c.denominator for c in terms.values()))
    value = sum(c * math.prod(m ** (key >> 8 * j & 255) for j, m in enumerate(mu)) for key, c in form.items())
    assert value == direct * scale * y[-1] ** degree


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_elimination_gives_determinant_and_solution(seed):
    flint = pytest.importorskip("flint")
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    matrix = [[int(v) for v in row] for row in rng.integers(-4, 5, size=(n, n + 1))]
    det, solved = arithmetic.eliminate(matrix)
    assert det == int(flint.fmpz_mat([row[:n] for row in matrix]).det())
    if det:
        for row in matrix:
            assert sum(a * c[0] for a, c in zip(row[:n], solved, strict=True)) == det * row[n]


def test_taylor_models_hold_the_function():
    """The upper form is above the function at points of the simplex."""
    tree = ["+", ["*", ["sin", ["x", 0]], ["exp", ["x", 1]]], ["/", ["tanh", ["x", 1]], ["+", "2", ["cos", ["x", 0]]]]]
    rng = np.random.default_rng(5)
    for degree in (1, 2, 3):
        functions = Taylor([], 2, [tree], degree)
        for _ in range(5):
            rows = [[int(v) for v in rng.integers(-40, 40, size=2)] + [64] for _ in range(3)]
            form, total = functions.form(rows, [Fraction(1)])
            mu = rng.dirichlet(np.ones(3))
            x, y = sum(m * np.array(r[:2]) / 64 for m, r in zip(mu, rows, strict=True))
            exact = math.sin(x) * math.exp(y) + math.tanh(y) / (2 + math.cos(x))
            # The corners' w are moved with the base point, which is their centroid: all the same power of it.
            moved, _, _ = functions.bounds(rows, [Fraction(1)])
            weights = [m / r[-1] for m, r in zip(mu, moved, strict=True)]
            upper = sum(
                c * math.prod(w ** (key >> 8 * j & 255) for j, w in enumerate(weights)) for key, c in form.items()
            )
            assert exact <= upper / 2**intervals.BITS + 1e-9
            assert upper / 2**intervals.BITS <= exact + 2.0 ** (2 - degree)
            assert total == degree + 1


def test_the_checker_stands_alone():
    """Only the standard library and the files of the package; the reader of models at the end, and its error."""
    files = sorted(Path(checker.__file__).parent.glob("*.py"))
    assert len(files) > 5
    readers = []
    for path in files:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= STANDARD
            elif isinstance(node, ast.ImportFrom) and node.level == 1:
                assert f"{node.module}.py" in {other.name for other in files}
            elif isinstance(node, ast.ImportFrom) and node.module == "linregions.readers":
                readers.append((path.name, node in ast.walk(tree.body[-1]), node in tree.body))
            elif isinstance(node, ast.ImportFrom) and node.module == "linregions.errors":
                assert (path.name, node in tree.body) == ("entry.py", False)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                assert node.module in STANDARD
            else:
                assert not (isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec", "importlib"))
    assert readers == [("entry.py", True, False)]


def test_the_files_load_without_the_library():
    """In a fresh interpreter in which nothing else can be imported: what they need is really there."""
    program = """
import importlib.abc, sys, types
class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ("numpy", "scipy", "flint", "torch", "sympy", "linregions"):
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
sys.path.insert(0, sys.argv[1])
import checker
print(checker.check({}).reason)
"""
    folder = str(Path(checker.__file__).parent.parent)
    done = subprocess.run([sys.executable, "-I", "-c", program, folder], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "format" in done.stdout


def test_the_kernel_and_its_extension_agree():
    """A main claim needs the kernel alone; the extension reads the same file to the same conditions."""
    nets = {"network": entry.plain_numbers(ONE_NORM), "controller": None, "dynamics": None}
    for data in (by_hand(), on_unit_box()):
        alone, more = Case(data, nets), Loop(data, nets)
        assert type(entry.case_of(data, nets)) is Case
        mesh = Mesh(data, 2, alone.domain)
        for s in range(len(mesh.simplices)):
            assert alone.positive(mesh, s) == more.positive(mesh, s)
            assert alone.decrease(mesh, s) == more.decrease(mesh, s)


def test_the_readme_counts_the_lines():
    folder = Path(checker.__file__).parent
    for path in folder.glob("*.py"):
        count = len(path.read_text("utf-8").splitlines())
        assert path.name == "__init__.py" or f"{path.name:<14} {count:>3}" in checker.__doc__, (path.name, count)


def test_a_degree_beyond_the_fields_of_a_form_is_refused():
    """Exponents are kept in bytes: at degree 256 mu_1^257 would be mu_0^256 mu_2."""
    high = ["*", *([["^", ["x", 0], "64"]] * 4), ["x", 0]]
    f = smooth(["+", minus(0), ["*", "-1", high]], minus(1))
    assert "degree" in check(by_hand(dynamics=f), ONE_NORM).reason


def test_what_is_undefined_somewhere_is_no_polynomial():
    """0 / x2 cancels as a form and is not defined on the first axis."""
    for nothing in (["/", "0", ["x", 1]], ["*", "0", ["/", "1", ["x", 1]]]):
        assert not check(by_hand(dynamics=smooth(["+", minus(0), nothing], minus(1))), ONE_NORM).accepted
        later = ["*", "0", ["/", "1", ["+", ["x", 0], "-1/4"]]]  # defined at 0, not at x1 = 1/4
        assert not check(by_hand(dynamics=smooth(["+", minus(0), later], minus(1))), ONE_NORM).accepted


def test_a_refutation_at_a_kink_needs_growth():
    """V' by the slope of a triangle into which f does not point may be 0 where V falls."""
    f = smooth(["+", minus(0), ["x", 1]], ["+", ["x", 0], ["*", "-2", ["x", 1]]])
    data = by_hand(
        claim="refuted",
        dynamics=f,
        vertices=[["0", "0", "1"], ["1", "0", "2"], ["1", "1", "2"]],
        simplices=[[0, 1, 2]],
        proofs=None,
        levels=None,
        witness={"points": [["1/4", "0"]], "condition": "decrease", "mode": 0, "simplex": 0},
    )
    assert "grow" in check(data, ONE_NORM).reason
    outside = data | {
        "dynamics": smooth(["x", 0], ["x", 1]),
        "vertices": [["1", "0", "2"], ["1", "0", "1"], ["1", "1", "1"]],
    }
    outside["witness"] = data["witness"] | {"points": [["1/2", "0"]]}
    assert "leaves the domain" in check(outside, ONE_NORM).reason
