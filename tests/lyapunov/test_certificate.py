"""Certificates of verdicts, and what the checker says of them once something in them is wrong."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

from linregions import Box, Network
from linregions.errors import InputError
from linregions.lyapunov import verify
from linregions.lyapunov.candidates import one_norm, zonotope
from linregions.lyapunov.certificates.certificate import certificate, save_certificate
from linregions.lyapunov.checker import check

ONE_NORM = one_norm(2)
VAN_DER_POL = ["-x2", "x1 - (1 - x1^2)*x2"]
DUFFING = ["x2", "-x2 - x1 - x1^3"]
# max(|x| - 1/10, 0) summed: nothing holds near 0, where V is flat.
PLATEAU = Network.from_arrays(
    [([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]], [-0.125] * 4 + [0]), ([[1, 1, 1, 1, 0.125]], [0])]
)
DEEP = Network.from_arrays(
    [
        ([[1, 0], [-1, 0], [0, 1], [0, -1], [0.5, 0.75]], [0, 0, 0, 0, -0.25]),
        ([[1, 0, 0, 0, 0.125], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0.0625], [0, 0, 0, 1, 0]], [0, 0, 0, 0]),
        ([[1, 1, 1, 1]], [0]),
    ]
)
FEEDBACK = Network.from_arrays([([[1, 0], [0, 1]], [0.5, 0.5]), ([[-0.5, 0], [0, -0.25]], [0.25, 0.125])])
STEP = Network.from_arrays([([[1, 0], [-1, 0], [0, 1]], [0, 0, 0.5]), ([[0.5, -0.25, 0], [0, 0, 0.5]], [0, -0.25])])
MODES = [
    ([[-1, 0], [0, -1]], [0, 0], [[-1, 0]], [0]),
    ([[-2, 0], [0, -1]], [0, 0], [[1, 0]], [0]),
]
HALVES = [
    ([[0.5, 0], [0, 0.5]], [0, 0], [[-1, 0]], [0]),
    ([[0.25, 0], [0, 0.5]], [0, 0], [[1, 0]], [0]),
]


@dataclass(frozen=True)
class Case:
    """A problem, and the claim that its certificate makes."""

    name: str
    V: Any
    f: Any
    box: Box
    claim: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, Any]:
        return {
            "model": self.V if isinstance(self.V, Network) else None,
            "controller": self.options.get("controller"),
            "dynamics": self.f if isinstance(self.f, Network) else None,
        }


CASES = [
    Case("cubic", ONE_NORM, ["-x + x^3", "-y + y^3"], Box.cube(-0.5, 0.5, 2), "strict"),
    Case("cubic, marginal", ONE_NORM, ["-x + x^3", "-y + y^3"], Box.cube(-1, 1, 2), "marginal"),
    Case("cubic, refuted", ONE_NORM, ["-x + x^3", "-y + y^3"], Box.cube(-2, 2, 2), "refuted"),
    Case("ring in 3-D", one_norm(3), ["-x+x*y-z^2", "-y+y*z-x^2", "-z+z*x-y^2"], Box.cube(-0.75, 0.75, 3), "strict"),
    Case("deep", DEEP, ["-x + y/8", "-y - x/8 + x^3/16"], Box.cube(-1, 1, 2), "strict"),
    Case("Duffing", zonotope([[1.5, 0.5], [0.5, 1]], 6), DUFFING, Box.cube(-1, 1, 2), "strict"),
    Case("poly2", "x^2/2 + y^2/2", ["-x^3 + y", "-x - y"], Box.cube(-1, 1, 2), "strict"),
    Case("controller", ONE_NORM, ["-x + u1", "-y + u2"], Box.cube(-1, 1, 2), "strict", {"controller": FEEDBACK}),
    Case("discrete, linear", ONE_NORM, ["x/2", "y/3"], Box.cube(-1, 1, 2), "strict", {"time": "discrete"}),
    Case("discrete, network", ONE_NORM, STEP, Box.cube(-1, 1, 2), "strict", {"time": "discrete"}),
    Case(
        "discrete, polynomial", "x^2 + y^2", ["x/2 + y^3/8", "x/3"], Box.cube(-1, 1, 2), "strict", {"time": "discrete"}
    ),
    Case("modes", ONE_NORM, MODES, Box.cube(-1, 1, 2), "strict"),
    Case("modes, discrete", ONE_NORM, HALVES, Box.cube(-1, 1, 2), "strict", {"time": "discrete"}),
    Case("outside", PLATEAU, ["-x", "-y"], Box.cube(-1, 1, 2), "outside", {"shift": True, "exclude": 0.25}),
    Case("Van der Pol, level", zonotope([[1.5, -0.5], [-0.5, 1]], 16), VAN_DER_POL, Box.cube(-2, 2, 2), "sublevel"),
    Case("Van der Pol, annulus", zonotope([[1.5, -0.5], [-0.5, 1]], 16), VAN_DER_POL, Box.cube(-2, 2, 2), "ultimate"),
    Case(
        "composite",
        PLATEAU,
        ["-x + y/4", "-y - x^3/4"],
        Box.cube(-1, 1, 2),
        "composite",
        {"shift": True, "claim": "composite"},
    ),
    Case("sine", ONE_NORM, ["-sin(x)", "-tanh(y) + x^2*y/8"], Box.cube(-0.5, 0.5, 2), "strict"),
]
BY_NAME = {case.name: case for case in CASES}


@cache
def verdict_of(name: str) -> Any:
    case = BY_NAME[name]
    return verify(case.V, case.f, case.box, **case.options)


@cache
def written(name: str) -> str:
    return json.dumps(certificate(verdict_of(name), claim=BY_NAME[name].claim))


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_proved_is_accepted(name):
    case = BY_NAME[name]
    report = check(json.loads(written(name)), **case.models)
    assert report.reason == ""
    assert report.accepted
    assert report.claim == case.claim
    assert report.statement.startswith("for x")


@pytest.mark.parametrize("name", BY_NAME)
def test_levels_are_those_of_the_verdict_or_better(name):
    verdict, data = verdict_of(name), json.loads(written(name))
    levels, claim = data["levels"], BY_NAME[name].claim
    if claim in ("strict", "sublevel") and levels is not None and verdict.sublevel is not None:
        assert Fraction(levels["boundary"]) == verdict.sublevel.c_boundary
        assert Fraction(levels["c"]) >= verdict.sublevel.c
    elif claim in ("ultimate", "composite"):
        found = verdict.ultimate if claim == "ultimate" else verdict.composite
        assert Fraction(levels["c1"]) <= found.c1
        assert Fraction(levels["c2"]) >= found.c2


def test_files(tmp_path):
    path = save_certificate(verdict_of("cubic"), tmp_path / "proof.json")
    assert check(path, ONE_NORM).accepted
    assert [p.name for p in tmp_path.iterdir()] == ["proof.json"]


def test_claims_that_the_verdict_does_not_prove():
    for claim in ("strict", "composite", "refuted", "nonsense"):
        with pytest.raises(InputError, match="does not prove"):
            certificate(verdict_of("cubic, marginal"), claim=claim)


def test_a_vertex_that_is_only_there_to_split_may_move():
    """By hand: after the move the triangles fill the square once, and no kink of V (nor |x_k| = 1/8) enters one."""
    good = json.loads(written("composite"))
    kinks = [[1, 0, 0.125], [1, 0, -0.125], [0, 1, 0.125], [0, 1, -0.125], [1, 1, 0]]

    def sound(d: dict[str, Any]) -> bool:
        points = [[Fraction(int(c), int(v[-1])) for c in v[:-1]] for v in d["vertices"]]
        area = Fraction(0)
        for s in d["simplices"]:
            (a, b), (c, e), (f, g) = (points[v] for v in s)
            area += abs((c - a) * (g - b) - (e - b) * (f - a)) / 2
            for p, q, r in kinks:
                signs = [p * points[v][0] + q * points[v][1] + Fraction(r) for v in s]
                if min(signs) < 0 < max(signs):
                    return False
        return area == 4

    assert sound(good)
    moves = {}
    for v, point in enumerate(good["vertices"]):
        for k in (0, 1):
            data = copy.deepcopy(good)
            data["vertices"][v] = [str(int(c) << 20) for c in point]
            data["vertices"][v][k] = str((int(point[k]) << 20) + int(point[-1]))
            moves[v, k] = check(data, **BY_NAME["composite"].models).accepted
            assert sound(data) or not moves[v, k]
            assert point[k] == "0" or not moves[v, k]
    assert any(moves.values())
    assert sum(moves.values()) < len(moves) / 4


# Mutations -----------------------------------------------------------------------------------------------------------

Mutation = tuple[str, dict[str, Any], dict[str, Any]]  # what was done, the certificate, the models


def shifted(text: str, by: Fraction) -> str:
    return str(Fraction(text) * (1 + by))


def mutations(name: str) -> Iterator[Mutation]:
    """Certificates that say something false or prove nothing, each one change away from a good one.

    Kinds:
        simplex: one dropped, one twice, a corner replaced by another vertex.
        vertex: a coordinate with the other sign, moved by a part in 2^20, w doubled.
        tree: a leaf given up, a leaf where the bisection had been needed, an edge from a corner to itself.
        domain: a side moved by a part in 2^40; the witness left outside.
        exclusion: no set any more, or so small a one that V is flat outside it.
        level: moved by a part in 2^60 up and down.
        dynamics: every sign turned, or that of one term which is then an escape; another network; the other time.
        claim: every other claim.
        hash: one digit of it, or one weight of the model by one unit in the last place; the candidate's sign.
        shift: moved.  witness: moved to where the condition holds, to 0, outside.
        composite: rho, reach, P, c1.
    Left out on purpose, since they are true and complete certificates too: a valid extra bisection, the corners of
    a simplex or the simplices in another order, a vertex X / w in other integers, a weaker exclusion or domain, another
    system for which the same file is a proof.  Likewise a vertex that is one only because the planes x_k = 0 split the
    mesh (of a polynomial V, and of a composite claim, where x'Px is proved orthant by orthant): moved off its plane
    within the sides and the kinks of V that it lies on, it makes another mesh that fills the domain and on which V is
    affine, with the same values of V at the kinks; `test_a_vertex_that_is_only_there_to_split_may_move` shows it.
    """
    case, good = BY_NAME[name], json.loads(written(name))
    models = case.models

    def changed(kind: str, edit: Any) -> Mutation:
        data = copy.deepcopy(good)
        edit(data)
        assert data != good
        return kind, data, models

    parts = [_of_mesh, _of_trees, _of_domain, _of_levels, _of_dynamics, _of_claims, _of_witness, _of_composite]
    for part in parts:
        yield from part(good, changed)
    yield from _of_models(good, changed, case)


def _of_mesh(good: dict, changed: Any) -> Iterator[Mutation]:
    if good["claim"] == "refuted":
        return
    count, last = len(good["simplices"]), len(good["vertices"]) - 1
    for s in range(0, count, max(1, count // 3)):
        yield changed("simplex dropped", lambda d, s=s: _drop(d, s))
        yield changed("simplex twice", lambda d, s=s: _twice(d, s))
        other = next(v for v in (last, 0, 1, 2, 3, 4) if v not in good["simplices"][s])
        yield changed("corner replaced", lambda d, s=s, o=other: d["simplices"][s].__setitem__(1, o))
    split = good["network"] is None or good["composite"] is not None  # by planes that V does not ask for
    for v in range(0, last + 1, max(1, last // 3)):
        for k, c in enumerate(good["vertices"][v][:-1]):
            if c != "0":
                yield changed("coordinate's sign", lambda d, v=v, k=k, c=c: _put(d["vertices"][v], k, str(-int(c))))
            w = good["vertices"][v][-1]

            def moved(d: dict, v: int = v, k: int = k, c: str = c, w: str = w) -> None:
                d["vertices"][v] = [str(int(a) << 20) for a in d["vertices"][v]]
                d["vertices"][v][k] = str((int(c) << 20) + int(w))

            if c != "0" or not split:
                yield changed("vertex moved", moved)
        if any(c != "0" for c in good["vertices"][v][:-1]):
            yield changed("w doubled", lambda d, v=v: _put(d["vertices"][v], -1, str(2 * int(d["vertices"][v][-1]))))


def _put(row: list, k: int, value: Any) -> None:
    row[k] = value


def _drop(d: dict, s: int) -> None:
    del d["simplices"][s]
    for trees in (d["proofs"]["positive"], d["proofs"]["decrease"]):
        if trees is not None:
            del trees[s]


def _twice(d: dict, s: int) -> None:
    d["simplices"].append(d["simplices"][s])
    for trees in (d["proofs"]["positive"], d["proofs"]["decrease"]):
        if trees is not None:
            trees.append(trees[s])


def _of_trees(good: dict, changed: Any) -> Iterator[Mutation]:
    if good["proofs"] is None:
        return
    partial = good["claim"] in ("sublevel", "ultimate", "composite")
    polynomial = all("sin" not in str(e) and "tanh" not in str(e) for e in good["dynamics"].get("expressions", [""]))
    trees = good["proofs"]["decrease"]
    for s in range(0, len(trees), max(1, len(trees) // 4)):
        key = next(iter(trees[s])) if isinstance(trees[s], dict) else None

        def put(d: dict, tree: Any, s: int = s, key: Any = key) -> None:
            if key is None:
                d["proofs"]["decrease"][s] = tree
            else:
                d["proofs"]["decrease"][s][key] = tree

        yield changed("edge to itself", lambda d, put=put: put(d, [1, 1, 0, 0]))
        yield changed("tree missing", lambda d, put=put: put(d, None))
        if not partial:
            yield changed("leaf given up", lambda d, put=put: put(d, 1))
            yield changed("leaf given up", lambda d, put=put: put(d, [0, 1, 0, 1]))
        elif polynomial and isinstance(trees[s], list):
            yield changed("bisection pruned", lambda d, put=put: put(d, 0))
    if good["proofs"]["positive"] is not None:
        yield changed("leaf given up", lambda d: d["proofs"]["positive"].__setitem__(0, 1))
        yield changed("proof missing", lambda d: d["proofs"]["positive"].pop())
    yield changed("proof missing", lambda d: d["proofs"]["decrease"].pop())


def _of_domain(good: dict, changed: Any) -> Iterator[Mutation]:
    rows = good["domain"]
    for k in range(len(rows)):
        if good["claim"] == "refuted":
            continue
        for by in (Fraction(1, 2**40), Fraction(-1, 2**40)):
            yield changed("side moved", lambda d, k=k, by=by: _put(d["domain"][k], -1, shifted(rows[k][-1], by)))
        yield changed(
            "side turned",
            lambda d, k=k: _put(
                d["domain"][k], 0, shifted(rows[k][0], Fraction(1, 2**40)) if rows[k][0] != "0" else "1/64"
            ),
        )
        if len(rows) > 1:
            yield changed("side dropped", lambda d, k=k: d["domain"].pop(k))
    if good["exclude"] is not None:
        yield changed("exclusion", lambda d: d.update(exclude=None))
        for radius in ("1/1000", "1/8", "-1/4", "0"):
            yield changed("exclusion", lambda d, radius=radius: d.update(exclude={"ball": radius}))
        small = {"rows": [[*row[:-1], "1/64"] for row in rows]}
        yield changed("exclusion", lambda d: d.update(exclude=small))
    elif good["claim"] in ("strict", "sublevel"):
        yield changed("exclusion", lambda d: d.update(exclude={"ball": "1/100"}))


def _of_levels(good: dict, changed: Any) -> Iterator[Mutation]:
    for key, value in (good["levels"] or {}).items():
        for by in (Fraction(1, 2**60), Fraction(-1, 2**60), Fraction(1), Fraction(-1, 2)):
            moved = shifted(value, by) if Fraction(value) else str(by)
            yield changed("level moved", lambda d, key=key, moved=moved: d["levels"].update({key: moved}))
        yield changed("level missing", lambda d, key=key: d["levels"].pop(key))


def negated(tree: Any) -> Any:
    return ["*", "-1", tree]


def _of_dynamics(good: dict, changed: Any) -> Iterator[Mutation]:
    f = good["dynamics"]
    if f["kind"] == "smooth" and good["claim"] not in ("refuted", "marginal"):
        if good["time"] == "continuous":
            yield changed(
                "sign of f", lambda d: d["dynamics"].update(expressions=[negated(e) for e in f["expressions"]])
            )
            for k in range(f["dim"]):
                escape = ["+", f["expressions"][k], ["*", "1000", ["x", k]]]
                yield changed("term of f", lambda d, k=k, e=escape: _put(d["dynamics"]["expressions"], k, e))
        else:
            for k in range(f["dim"]):
                yield changed("term of f", lambda d, k=k: _put(d["dynamics"]["expressions"], k, ["*", "3", ["x", k]]))
        for k in range(f["dim"]):
            off = ["+", f["expressions"][k], "1/1000000000"]
            yield changed("constant of f", lambda d, k=k, off=off: _put(d["dynamics"]["expressions"], k, off))
            yield changed("unknown function", lambda d, k=k: _put(d["dynamics"]["expressions"], k, ["sign", ["x", k]]))
    if f["kind"] == "piecewise":
        for j, mode in enumerate(f["modes"]):
            grow = [[str(4 * abs(Fraction(v))) for v in row] for row in mode["A"]]
            yield changed("mode", lambda d, j=j, g=grow: d["dynamics"]["modes"][j].update(A=g))
            yield changed("mode", lambda d, j=j: d["dynamics"]["modes"][j].update(b=["1", "0"]))
            yield changed("mode moved", lambda d, j=j: d["dynamics"]["modes"][j].update(h=["1/8"]))
            yield changed("mode dropped", lambda d, j=j: d["dynamics"]["modes"].pop(j))
    if f["kind"] == "network":
        yield changed("hash of f", lambda d: d["dynamics"].update(network=_other(f["network"])))
        grows = {"kind": "smooth", "dim": 2, "inputs": 0, "expressions": [["x", 0], ["x", 1]]}
        yield changed("kind of f", lambda d: d.update(dynamics=grows))
    if good["claim"] == "strict" and (good["network"] is not None or good["time"] == "discrete"):
        turned = "discrete" if good["time"] == "continuous" else "continuous"
        yield changed("time", lambda d: d.update(time=turned))
    yield changed("dimension", lambda d: d["dynamics"].update(dim=f["dim"] + 1))


def _of_claims(good: dict, changed: Any) -> Iterator[Mutation]:
    # A certificate between levels says the same with another name where it proves it: it keeps its own kind.
    same = {"sublevel": {"strict"}, "ultimate": set(), "strict": set()}.get(good["claim"], set())
    for claim in ("strict", "outside", "sublevel", "ultimate", "composite", "marginal", "refuted", "certain"):
        if claim != good["claim"] and claim not in same:
            yield changed(f"claim {claim}", lambda d, claim=claim: d.update(claim=claim))
    if good["claim"] == "outside":
        yield changed("claim upgraded", lambda d: d.update(claim="strict", exclude=None, levels=None))
    if good["claim"] == "marginal":
        yield changed("claim upgraded", lambda d: d.update(claim="strict", witness=None))
    if good["claim"] in ("sublevel", "ultimate", "composite"):
        trees = [0] * len(good["simplices"])
        full = {"positive": trees, "decrease": good["proofs"]["decrease"], "seams": None}
        yield changed("claim upgraded", lambda d: d.update(claim="strict", levels=None, composite=None, proofs=full))


def _of_witness(good: dict, changed: Any) -> Iterator[Mutation]:
    if good["witness"] is None:
        none = {"points": [["1", "1"]], "condition": "decrease", "mode": 0, "simplex": 0}
        yield changed("witness", lambda d: d.update(witness=none))
        return
    dim = len(good["domain"][0]) - 1
    points = good["witness"]["points"]
    for moved in (
        [["0"] * dim],
        [[str(Fraction(c) * 2**20) for c in p] for p in points],
        [[str(Fraction(c) / 1000) for c in p] for p in points],
        [[*p, "0"] for p in points],
        [],
    ):
        yield changed("witness moved", lambda d, moved=moved: d["witness"].update(points=moved))
    yield changed("witness's condition", lambda d: d["witness"].update(condition="positive"))
    yield changed("witness's mode", lambda d: d["witness"].update(mode=7))
    yield changed("witness's simplex", lambda d: d["witness"].update(simplex=10**6))
    if good["claim"] == "refuted":
        for k in range(len(good["domain"])):
            yield changed(
                "domain without the witness", lambda d, k=k: d.update(domain=[[*r[:-1], "1/1000"] for r in d["domain"]])
            )
        yield changed("witness excluded", lambda d: d.update(exclude={"ball": "1000"}))


def _of_composite(good: dict, changed: Any) -> Iterator[Mutation]:
    if good["composite"] is None:
        return
    inner = good["composite"]["inner"]
    for by in (Fraction(1, 2**60), Fraction(-1, 2**60)):
        reach, rho = shifted(good["composite"]["reach"], by), shifted(inner["levels"]["c"], by)
        yield changed("reach", lambda d, reach=reach: d["composite"].update(reach=reach))
        yield changed("rho", lambda d, rho=rho: d["composite"]["inner"]["levels"].update(c=rho))
    yield changed("inner sign", lambda d: d["composite"]["inner"].update(candidate=negated(inner["candidate"])))
    other = [negated(["x", 0]), negated(["x", 1])]
    yield changed("inner system", lambda d: d["composite"]["inner"]["dynamics"].update(expressions=other))
    yield changed("inner claim", lambda d: d["composite"]["inner"].update(claim="strict"))
    yield changed("inner dropped", lambda d: d["composite"].update(inner=None))
    for s in range(len(inner["simplices"])):
        yield changed("inner simplex dropped", lambda d, s=s: _drop(d["composite"]["inner"], s))
    yield changed("inner dropped", lambda d: d.update(composite=None))


def _other(digest: str) -> str:
    return ("0" if digest[0] != "0" else "1") + digest[1:]


def _of_models(good: dict, changed: Any, case: Case) -> Iterator[Mutation]:
    for key in ("network", "controller"):
        if good[key] is not None:
            yield changed("hash", lambda d, key=key: d.update({key: _other(good[key])}))
            yield changed("hash", lambda d, key=key: d.update({key: None}))
    if good["candidate"] is not None:
        yield changed("candidate's sign", lambda d: d.update(candidate=negated(good["candidate"])))
        saddle = ["+", good["candidate"], ["*", "-1000", ["^", ["x", 0], "2"]]]
        yield changed("candidate", lambda d: d.update(candidate=saddle))
        yield changed("candidate", lambda d: d.update(candidate=["+", good["candidate"], ["x", 1]]))
    yield changed("shift", lambda d: d.update(shift=str(Fraction(good["shift"]) + Fraction(1, 2**50))))
    for key in ("model", "controller", "dynamics"):
        net = case.models[key]
        if net is not None:
            for unit in range(3):
                yield f"one weight of the {key}", good, case.models | {key: nudged(net, unit)}
            yield f"no {key}", good, case.models | {key: None}


def nudged(net: Network, unit: int) -> Network:
    """One weight moved by one unit in the last place."""
    first = net.stages[0]
    weight = first.weight.copy()
    weight[unit % len(weight), 0] = np.nextafter(weight[unit % len(weight), 0], 9)
    return Network((type(first)(weight, first.bias, first.activation, first.divisor), *net.stages[1:]))


LONG = ("sine", "ring in 3-D", "Van der Pol, level", "Van der Pol, annulus", "composite", "Duffing", "modes", "outside")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in BY_NAME])
def test_every_mutation_is_rejected(name):
    for kind, data, models in mutations(name):
        report = check(data, **models)
        assert not report.accepted, (kind, report.statement)
        assert "\n" not in report.reason


def test_there_are_at_least_500_mutations():
    kinds = Counter(kind for name in BY_NAME if name not in LONG for kind, _, _ in mutations(name))
    assert sum(kinds.values()) >= 500
    assert len(kinds) >= 30
