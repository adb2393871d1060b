"""The door: reads a certificate, has the parts check it, and reports what it then proves."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .arithmetic import CheckError, need, number
from .composite import quadratic_level, reach
from .fan import Fan, homogeneous, mesh_of
from .kernel import PARTIAL, Case, Proofs, proved
from .levels import Levels
from .loops import Loop
from .witness import check_point
from .wording import about, spoken, told

FORMAT = "linregions lyapunov certificate 1"
KEYS = {"format", "network", "candidate", "controller", "time", "dynamics", "shift", "domain", "exclude", "claim"}
KEYS |= {"mesh", "vertices", "simplices", "degree", "proofs", "levels", "composite", "witness"}
CLAIMS = ("strict", "outside", *PARTIAL, "marginal", "refuted")
SAID = {
    "strict": "V > 0 and V decreases everywhere in {} but at 0",
    "outside": "V > 0 and V decreases everywhere in {} outside the excluded set",
    "marginal": "V >= 0 and V does not grow in {}, with equality away from 0",
    "refuted": "V is no strict Lyapunov function on {}",
}


@dataclass(frozen=True)
class Report:
    """What the checker says of a certificate: accepted or not, what it then proves in words, or why it was rejected."""

    accepted: bool
    claim: str
    statement: str
    reason: str = ""
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"accepted: {self.statement}" if self.accepted else f"rejected: {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        return asdict(self)


def plain(tree: Any) -> bool:
    """Whether an expression has sums, products, powers, states and numbers only."""
    return not isinstance(tree, list) or (tree[:1] in (["x"], ["^"], ["+"], ["*"]) and all(map(plain, tree[1:])))


def case_of(data: dict[str, Any], nets: dict[str, Any]) -> Case:
    """The kernel alone for V a network, f polynomial and continuous time; else its extension."""
    f = data["dynamics"]
    alone = nets["controller"] is nets["dynamics"] is data["controller"] is data["candidate"] is None
    entries = {"kind": "smooth", "dim": len(data["domain"][0]) - 1, "inputs": 0}
    known = isinstance(f, dict) and f == entries | {"expressions": f.get("expressions")}
    simple = alone and nets["network"] and known and plain(["+", *f["expressions"]]) and data["time"] == "continuous"
    return (Case if simple else Loop)(data, nets)


def examine(data: Any, nets: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
    """Claim, what it says, and counts; raises where the certificate does not prove it."""
    need(isinstance(data, dict) and data.get("format") == FORMAT, f"this is no file of the format {FORMAT!r}")
    need(set(data) == KEYS, f"entries are missing or unknown: {', '.join(sorted(KEYS ^ set(data)))}")
    claim, levels = data["claim"], data["levels"]
    need(claim in CLAIMS, f"the claim {claim!r:.60} is not known")
    need(type(data["degree"]) is int and 1 <= data["degree"] <= 12, "the Taylor degree must be from 1 to 12")
    case = case_of(data, nets)
    mesh = mesh_of(data, case)
    excludes = data["exclude"] is not None
    need(excludes or claim != "outside", "the claim needs an excluded set")
    need(not excludes or claim in ("outside", "refuted", "ultimate", "marginal"), "the claim excludes nothing")
    need((data["witness"] is not None) == (claim in ("refuted", "marginal")), "the witness is missing or has no use")
    need(levels is not None or claim not in PARTIAL, "the levels are missing")
    need(claim not in ("ultimate", "composite") or "c1" in (levels or ""), "the claim needs the levels c1 and c2")
    need(claim not in ("strict", "sublevel") or "c" in (levels or "c"), "the claim needs the level c")
    need(claim not in ("marginal", "refuted") or levels is None, "a marginal claim or a refutation has no levels")
    need((data["composite"] is not None) == (claim == "composite"), "the inner function is missing or has no use")
    counts = {"vertices": len(mesh.points), "simplices": len(mesh.simplices), "leaves": 0}
    if claim == "refuted":
        need(data["proofs"] is None, "a refutation has no proofs")
        return claim, sentence(case, mesh, [check_point(case, mesh)]), counts
    need(not isinstance(mesh, Fan) or homogeneous(case), "a fan needs V and f that scale with x and no excluded set")
    proofs = proved(case, mesh, data["proofs"])
    parts = [check_point(case, mesh)] if claim == "marginal" else []
    if levels is not None:
        parts += levels_of(data, nets, case, proofs)
    return claim, sentence(case, mesh, parts), counts | {"leaves": proofs.leaves}


def levels_of(data: dict[str, Any], nets: dict[str, Any], case: Case, proofs: Proofs) -> list[str]:
    """What the levels of a certificate say."""
    stated = data["levels"]
    if case.V:
        levels = Levels(case, proofs.mesh)
        parts = [levels.check(proofs, stated)]
        return [*parts, join(data, nets, levels)] if case.claim == "composite" else parts
    need(isinstance(stated, dict) and set(stated) == {"c"}, "the level of a quadratic V is c alone")
    rho = quadratic_level(case, proofs)
    need(number(stated["c"]) == rho > 0, "the level c is another one")
    return [f"for every c' < {spoken(rho)} the set {{V <= c'}} is a region of attraction"]


def join(data: dict[str, Any], nets: dict[str, Any], levels: Levels) -> str:
    """The inner function x'Px of a composite claim: a certificate of its own, whose ellipsoid holds {V <= c1}."""
    given, nets = data["composite"], {**nets, "network": None}
    need(isinstance(given, dict) and set(given) == {"inner", "reach"}, "the inner function is incomplete")
    inner = given["inner"]
    claim, text, _ = examine(inner, nets)
    need(claim == "sublevel", "the inner certificate must claim a sub-level set")
    same = all(inner[key] == data[key] for key in ("dynamics", "time", "controller"))
    need(same and set(data["levels"]) == {"c1", "c2", "boundary"}, "the inner certificate is about another system")
    far = reach(levels, Loop(inner, nets), *(number(data["levels"][k]) for k in ("c1", "c2")))
    need(number(given["reach"]) == far < number(inner["levels"]["c"]), "{V <= c1} does not reach where the claim says")
    return f"there x'Px <= {spoken(far)}; {text}; so every solution from there tends to 0"


def sentence(case: Case, mesh: Any, parts: list[str]) -> str:
    """What the certificate says."""
    where = "the whole space" if isinstance(mesh, Fan) else "the domain"
    said = SAID.get(case.claim, "V decreases as far as the levels say").format(where)
    f = f"{'x[t+1]' if case.discrete else chr(120) + chr(39)} = f(x), f = ({told(case.data['dynamics'])})"
    return f"for {f}, {about(case, bounded=not isinstance(mesh, Fan))}: {'; '.join([said, *parts])}"


def check(certificate: Any, model: Any = None, *, controller: Any = None, dynamics: Any = None) -> Report:
    """Check a Lyapunov certificate against the models it speaks of; every number is recomputed in rational arithmetic.

    Args:
        certificate: a path, or the certificate as plain JSON data.
        model: V's network (a path or anything that `linregions.readers.read` takes); None where V is a polynomial.
        controller: the controller's network, where there is one.
        dynamics: the network of the dynamics, where they are one.

    Returns:
        A `Report`; `accepted` is True only if the file proves its claim, else `reason` says what is wrong.

    Raises:
        InputError: a file is missing or cannot be read; of a model also, that it is none.

    Example:
        >>> from linregions import Network
        >>> size = Network.from_arrays([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> check({"format": "something else"}, size).reason
        "this is no file of the format 'linregions lyapunov certificate 1'"
    """
    begun = time.perf_counter()
    claim = ""
    given = {"network": model, "controller": controller, "dynamics": dynamics}
    nets = {key: None if net is None else plain_numbers(net) for key, net in given.items()}
    text = content(certificate) if isinstance(certificate, str | Path) else None
    try:
        data = certificate if text is None else json.loads(text.decode("utf-8"))
        claim = str(data.get("claim", "")) if isinstance(data, dict) else ""
        claim, statement, counts = examine(data, nets)
    except CheckError as error:
        return Report(False, claim, "", str(error), time.perf_counter() - begun)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        what = " ".join(str(error).split())[:120]
        reason = f"the file cannot be read as a certificate ({type(error).__name__}: {what})"
        return Report(False, claim, "", reason, time.perf_counter() - begun)
    return Report(True, claim, statement, "", time.perf_counter() - begun, counts)


def content(path: str | Path) -> bytes:
    """What a file holds; that there is none is no verdict about a certificate."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        from linregions.errors import InputError

        raise InputError(f"certificate: cannot read {path} ({error.strerror or error})") from error


def plain_numbers(model: Any) -> list[dict[str, Any]]:
    """The numbers of a network, stage by stage; the one place that uses the library beyond its errors."""
    from linregions.readers import read

    stages = []
    for s in read(model).stages:
        act: Any = s.activation
        rows = [s.row(i) for i in range(s.rows)]
        functions = [] if hasattr(act, "offsets") else [act.functions[k] for k in act.index]
        stages.append(
            {
                "inputs": int(s.inputs),
                "rows": [([int(c) for c in columns], [float(v) for v in values]) for columns, values in rows],
                "bias": [float(b) for b in s.bias],
                "divisor": None if s.divisor is None else [float(d) for d in s.divisor],
                "groups": [int(g) for g in act.offsets] if hasattr(act, "offsets") else None,
                "units": [(f.breakpoints, f.slopes, f.value) for f in functions],
            }
        )
    return stages
