"""Certificates: what a verdict found, as a file that the independent checker takes.

The checker shares nothing with the prover.  The writer uses both: it takes the prover's mesh and bisections, and asks
the checker's arithmetic for what a certificate needs beyond them: levels, and finer leaves where the checker's bounds
are wider than the prover's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import shown
from ...combining import joint
from ...domain import Box, Polytope
from ...errors import InputError
from ...network import Network
from ...store.files import write_file
from ..checker.arithmetic import CheckError, integers
from ..checker.composite import quadratic_level, reach
from ..checker.entry import FORMAT, case_of, examine, plain_numbers
from ..checker.fan import mesh_of
from ..checker.kernel import PARTIAL, Case, Mesh, Proofs
from ..checker.levels import Levels
from ..dynamics.dynamics import Networked, Smooth
from ..geometry.cells import cells_of
from .deepening import Wanted, grown

CLAIM_OF = {
    "PROVED_STRICT": "strict",
    "PROVED_OUTSIDE": "outside",
    "PROVED_COMPOSITE": "composite",
    "REFUTED": "refuted",
    "MARGINAL": "marginal",
}
DEGREE = 3  # of Taylor polynomials
Tree = Any


def certificate(verdict: Any, *, claim: str | None = None) -> dict[str, Any]:
    """The proof of a verdict as plain JSON data.

    Args:
        verdict: what `verify` returned.
        claim: "strict", "outside", "composite", "refuted", "marginal": what the verdict says by default; or "sublevel",
            "ultimate" for the levels that came with it, whatever holds on the rest of the domain.

    Returns:
        The certificate; `linregions.lyapunov.checker` describes it and checks it.

    Raises:
        InputError: the verdict does not prove the claim, or the checker's bounds cannot follow the prover's.

    Example:
        >>> from linregions import Box, Network
        >>> from linregions.lyapunov import verify
        >>> from linregions.lyapunov.checker import check
        >>> size = Network.from_arrays([([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 0, 0, 0]), ([[1, 1, 1, 1]], [0])])
        >>> proof = certificate(verify(size, ["-x + x^3", "-y + y^3"], Box.cube(-0.5, 0.5, 2)))
        >>> check(proof, size).accepted
        True
    """
    own = CLAIM_OF.get(verdict.status.value)
    claim = claim or own
    found = {"sublevel": verdict.sublevel, "ultimate": verdict.ultimate, "composite": verdict.composite}
    if claim is None or (claim != own and found.get(claim) is None):
        asked = verdict.status.value if claim is None else repr(claim)
        raise InputError(f"claim: the verdict ({verdict.status.value}) does not prove {asked}; verify it first")
    writer = Writer(verdict, claim)
    try:
        return writer.refuted() if claim == "refuted" else writer.proved()
    except CheckError as error:
        raise InputError(_without(verdict.problem, error)) from error


def _without(problem: Any, error: CheckError) -> str:
    """Why a verdict has no certificate."""
    f = problem.dynamics
    curved = isinstance(f, Smooth) and (f.polynomials is None or any(p.degree > 1 for p in f.polynomials))
    if problem.time == "discrete" and curved and isinstance(problem.candidate, Network):
        return (
            "certificate: there is none yet for a network V with nonlinear dynamics in discrete time; use the verdict "
            "alone"
        )
    return f"certificate: the independent checker cannot follow this verdict ({error}); use the verdict alone"


def save_certificate(given: Any, path: str | Path) -> Path:
    """Write a certificate, or that of a verdict, to a file that is there whole or not at all.

    Raises:
        InputError: the verdict proves nothing.
        OutputError: the file cannot be written.
    """
    data = given if isinstance(given, dict) else certificate(given)
    target = Path(path)
    write_file(target, (json.dumps(data, separators=(",", ":")) + "\n").encode())
    return target


class Writer:
    """One certificate in the making."""

    def __init__(self, verdict: Any, claim: str):
        self.verdict, self.problem, self.mesh, self.claim = verdict, verdict.problem, verdict.mesh, claim
        self.dim = self.problem.dim
        self.fan = self.mesh is not None and not hasattr(self.mesh, "complex")

    def head(self) -> dict[str, Any]:
        """Everything but mesh and proofs."""
        problem = self.problem
        network = isinstance(problem.candidate, Network)
        exclude = problem.exclude
        if isinstance(exclude, Box | Polytope):
            exclude = {"rows": _texts(exclude.halfspaces)}
        elif exclude is not None:
            exclude = {"ball": str(Fraction(exclude))}
        return {
            "format": FORMAT,
            "network": problem.candidate.hash if network else None,
            "candidate": None if network else problem.expression.tree(),
            "controller": None if problem.controller is None else problem.controller.hash,
            "time": problem.time,
            "dynamics": problem.dynamics.as_json(),
            "shift": str(problem.shift),
            "domain": _texts(problem.domain.halfspaces),
            "exclude": exclude,
            "claim": self.claim,
            "mesh": "fan" if self.fan else "domain",
            "degree": DEGREE,
            "proofs": None,
            "levels": None,
            "composite": None,
            "witness": None,
        }

    @property
    def nets(self) -> dict[str, Any]:
        """The plain numbers of the networks, as the checker reads them."""
        problem = self.problem
        given = {
            "network": problem.candidate if isinstance(problem.candidate, Network) else None,
            "controller": problem.controller,
            "dynamics": problem.dynamics.network if isinstance(problem.dynamics, Networked) else None,
        }
        return {key: None if net is None else plain_numbers(net) for key, net in given.items()}

    def corners(self, simplices: Sequence[Sequence[int]]) -> dict[str, Any]:
        """The mesh of some simplices, their vertices renumbered."""
        used = sorted({int(v) for s in simplices for v in s})
        number = {v: k for k, v in enumerate(used)}
        return {
            "vertices": [[str(int(c)) for c in self.mesh.exact_vertex(v)] for v in used],
            "simplices": [[number[int(v)] for v in s] for s in simplices],
        }

    def proved(self) -> dict[str, Any]:
        """A certificate with a proof on every simplex."""
        data = self.head() | self.corners(self.mesh.simplices.tolist())
        data["proofs"] = {"positive": None, "decrease": [], "seams": None}
        case = case_of(data, self.nets)
        mesh = Mesh(data, case.n, case.domain)
        levels = None
        if isinstance(self.problem.candidate, Network) and self.claim != "marginal":
            levels = Levels(case, mesh)
        wanted = self.wanted(levels)
        data["proofs"] = self.proofs(case, mesh, wanted)
        if self.claim == "marginal":
            data["witness"] = self.face(case, mesh)
        if levels is not None:
            data["levels"] = self.levels(data, case, mesh, levels, wanted)
        if self.claim == "composite" and levels is not None:
            data["composite"] = self.inner(data, levels)
        return data

    def wanted(self, levels: Levels | None) -> Wanted:
        """What has to be proved: everything, or what the verdict found between levels."""
        if levels is None or self.claim not in PARTIAL:
            return Wanted()
        if self.claim == "sublevel":
            return Wanted.between(levels, Fraction(-1), self.verdict.sublevel.c)
        found = self.verdict.ultimate if self.claim == "ultimate" else self.verdict.composite
        return Wanted.between(levels, found.c1, found.c2)

    def inner(self, data: dict[str, Any], levels: Levels) -> dict[str, Any]:
        """The inner function x'Px of a composite claim, certified a little further out than {V <= c1} reaches."""
        found, nets = self.verdict.composite, {**self.nets, "network": None}
        n = self.dim
        terms = [["*", str(found.P[i][j]), ["x", i], ["x", j]] for i in range(n) for j in range(n) if found.P[i][j]]
        cells = cells_of(joint([], rows=np.eye(n, n + 1)), self.problem.domain)
        inner = data | Writer(replace(self.verdict, mesh=cells), "sublevel").corners(cells.simplices.tolist())
        inner |= {"network": None, "candidate": ["+", *terms], "shift": "0", "claim": "sublevel", "exclude": None}
        case = case_of(inner, nets)
        mesh = mesh_of(inner, case)
        far = reach(levels, case, *(Fraction(data["levels"][k]) for k in ("c1", "c2")))
        target = far * Fraction(65, 64) if found.rho is None else (far + found.rho) / 2
        writer = Writer(replace(self.verdict, tasks=()), "sublevel")
        inner["proofs"] = writer.proofs(case, mesh, Wanted.within(case, target))
        proofs = Proofs(case, mesh, inner["proofs"])
        proofs.decrease()
        inner["levels"] = {"c": str(quadratic_level(case, proofs))}
        return {"inner": inner, "reach": str(far)}

    # Trees

    def trees(self, condition: str) -> dict[tuple[int, int], Tree]:
        """The prover's bisections by (simplex, mode)."""
        out = {}
        for task in self.verdict.tasks:
            if task.condition != condition or task.proof is None:
                continue
            mode = int(task.note.removeprefix("mode ")) if task.note.startswith("mode ") else 0
            for i, s in enumerate(np.asarray(task.numbers).tolist()):
                tree = task.proof.tree(i)
                mask = None if task.mask is None else np.flatnonzero(task.mask[i]).tolist()
                out[s, mode] = tree if mask is None else _renumbered(tree, {v: k for k, v in enumerate(mask)})
        return out

    def proofs(self, case: Case, mesh: Mesh, wanted: Wanted) -> dict[str, Any]:
        """Trees for every simplex that the checker's arithmetic agrees with."""
        decrease: list[Any] = []
        known = self.trees("decrease")
        for s in range(len(mesh.simplices)):
            jobs = case.decrease(mesh, s)
            found = {j: grown(case, s, job, known.get((s, j), 0), wanted) for j, job in jobs.items()}
            decrease.append({str(j): t for j, t in found.items()} if case.modal else found[0])
        positive = None
        if self.claim not in PARTIAL:
            known = self.trees("positive")
            jobs = [case.positive(mesh, s) for s in range(len(mesh.simplices))]
            positive = [grown(case, s, job, known.get((s, 0), 0), wanted) for s, job in enumerate(jobs)]
        slides = case.modal and case.V and not case.discrete
        return {"positive": positive, "decrease": decrease, "seams": self.seams() if slides else None}

    def seams(self) -> list[Any]:
        """Faces with the vectors that prove that V falls along what slides on them."""
        number = {int(v): k for k, v in enumerate(sorted({int(v) for s in self.mesh.simplices for v in s}))}
        return [
            [[number[int(v)] for v in vertices], [str(Fraction(c)) for c in vector]]
            for vertices, vector in getattr(self.verdict, "seams", ())
        ]

    # Levels

    def levels(
        self, data: dict[str, Any], case: Case, mesh: Mesh, levels: Levels, wanted: Wanted
    ) -> dict[str, str] | None:
        """The levels that the trees prove; None where they prove none and none is needed."""
        proofs = Proofs(case, mesh, data["proofs"])
        if self.claim != "strict":  # what is open must be known
            proofs.decrease()
        if self.claim in ("strict", "sublevel"):
            stated = {"c": str(levels.sublevel(proofs)), "boundary": str(levels.boundary)}
        else:
            c1, c2 = levels.annulus(proofs, levels.boundary if wanted.high is None else wanted.high)
            stated = {"c1": str(c1), "c2": str(c2), "boundary": str(levels.boundary)}
        try:
            levels.check(proofs, stated)
        except CheckError as error:
            if self.claim in PARTIAL:
                raise InputError(f"claim: no level is certified for {self.claim!r} ({error})") from error
            return None
        return stated

    # Witnesses

    def face(self, case: Case, mesh: Mesh) -> dict[str, Any]:
        """The face of a marginal verdict, in a simplex that holds it."""
        face = self.verdict.face
        return self.witness(face.vertices, face.condition, face.note, self.holder(mesh, face.vertices, face.cell))

    def witness(self, points: Sequence[Sequence[Fraction]], condition: str, note: str, simplex: int) -> dict[str, Any]:
        """The entry `witness`."""
        mode = int(note.removeprefix("mode ")) if note.startswith("mode ") else 0
        return {"points": _texts(points), "condition": condition, "mode": mode, "simplex": simplex}

    def holder(self, mesh: Mesh, points: Sequence[Sequence[Fraction]], cell: int) -> int:
        """A simplex of a cell, or of any cell, that holds all points."""
        rows = [integers(p) for p in points]
        owners = np.asarray(self.mesh.owner)
        for s in sorted(range(len(owners)), key=lambda s: int(owners[s]) != cell):
            if all(mesh.holds(s, row) for row in rows):
                return s
        raise InputError(f"verdict: no simplex of its mesh holds {shown(points)}; verify it again")

    def refuted(self) -> dict[str, Any]:
        """A certificate of one point at which a condition fails, in one simplex."""
        head, reason = self.head(), "there is none"
        for example in self.verdict.counterexamples:
            data = head | self.around(example)
            data["witness"] = self.witness([example.witness], example.condition, example.note, 0)
            try:
                examine(data, self.nets)
            except CheckError as error:
                reason = str(error)
                continue
            return data
        raise CheckError(f"none of its counterexamples can be written: {reason}")

    def around(self, example: Any) -> dict[str, Any]:
        """One simplex for a counterexample: any where V itself is meant, else the one of the mesh that holds it."""
        if example.condition == "positive" or self.mesh is None:
            unit = [["0"] * self.dim + ["1"]]
            unit += [["1" if j in (k, self.dim) else "0" for j in range(self.dim + 1)] for k in range(self.dim)]
            return {"vertices": unit, "simplices": [list(range(self.dim + 1))], "mesh": "domain"}
        every = self.mesh.simplices.tolist()
        data = self.head() | self.corners(every)
        mesh = mesh_of(data, case_of(data, self.nets))
        return self.corners([every[self.holder(mesh, [example.witness], example.cell)]])


def _texts(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [[str(Fraction(v)) for v in row] for row in rows]


def _renumbered(tree: Tree, number: dict[int, int]) -> Tree:
    """A tree that bisects a face only, its corners counted within the face."""
    if not isinstance(tree, list):
        return tree
    return [number[tree[0]], number[tree[1]], *(_renumbered(sub, number) for sub in tree[2:])]
