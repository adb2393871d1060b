"""Lyapunov functions: a proof or a counterexample, in exact arithmetic.

verifying     the verb; problem: its arguments, checked; verdict: what it returns
conditions/   what is asked of V, by class of system
dynamics/     systems from strings, sympy expressions, arrays, modes and networks, and their enclosures
geometry/     the cells of networks with their mesh; fans: cones of a network without biases, in any dimension
proving/      signs of polynomials on simplices by Bernstein forms
levels/       sub-level sets, regions of attraction, ultimate bounds, quadratic forms near the origin
certificates/ proofs as files; checker/: an independent program that checks them
systems/      systems of the literature and families with known truth, by name
candidates/   V by construction: norms, zonotopes, gauges of polygons, interpolation
trainer       a system in, a proved V out; repairing: output weights by linear programs; training/: their parts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import candidates as candidates
    from . import systems as systems
    from .certificates.certificate import save_certificate
    from .checker import Report, check
    from .dynamics.dynamics import dynamics_of
    from .levels.levels import SubLevel, Ultimate
    from .levels.quadratic import quadratic_certificate
    from .repairing import Repair, repair
    from .systems import System, system
    from .trainer import Trained, train
    from .verdict import Counterexample, Face, Left, Outcome, Verdict
    from .verifying import verify

__all__ = [
    "Counterexample",
    "Face",
    "Left",
    "Outcome",
    "Repair",
    "Report",
    "SubLevel",
    "System",
    "Trained",
    "Ultimate",
    "Verdict",
    "candidates",
    "check",
    "dynamics_of",
    "quadratic_certificate",
    "repair",
    "save_certificate",
    "system",
    "systems",
    "train",
    "verify",
]

# Imported when first used: `import linregions.lyapunov` loads no engine.
_HOME = {
    "certificates.certificate": ("save_certificate",),
    "checker": ("Report", "check"),
    "dynamics.dynamics": ("dynamics_of",),
    "levels.levels": ("SubLevel", "Ultimate"),
    "levels.quadratic": ("quadratic_certificate",),
    "repairing": ("Repair", "repair"),
    "systems": ("System", "system"),
    "trainer": ("Trained", "train"),
    "verdict": ("Counterexample", "Face", "Left", "Outcome", "Verdict"),
    "verifying": ("verify",),
}
_PARTS = ("candidates", "systems")
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF and name not in _PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = import_module(f".{_MODULE_OF.get(name, name)}", __name__)
    value = getattr(value, name) if name in _MODULE_OF else value
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
