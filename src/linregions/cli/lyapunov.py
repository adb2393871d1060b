"""`linregions lyapunov`: prove or refute a Lyapunov function, check a proof, train one."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import linregions

from ..domain import Domain
from ..errors import InputError, LinregionsError, OutputError
from ..lyapunov import Outcome, Verdict, verify
from ..lyapunov.checker import check
from ..lyapunov.systems import System, system, systems
from ..store.files import resolved
from . import status
from .domains import box_of, matrix_of, read_domain
from .progress import Progress

FIGURES = (".png", ".svg", ".pdf")
EXIT = {
    Outcome.PROVED_STRICT: status.DONE,
    Outcome.PROVED_OUTSIDE: status.DONE,
    Outcome.PROVED_COMPOSITE: status.DONE,
    Outcome.REFUTED: status.REFUTED,
    Outcome.MARGINAL: status.REFUTED,
    Outcome.UNKNOWN: status.BUDGET,
}


Answer = tuple[str, int, LinregionsError | None]


def lyapunov(options: Namespace) -> Answer:
    """Run the command; what to print, the exit status, and what else went wrong."""
    parts = {"verify": _verify, "check": _check, "repair": _repair, "train": _train, "systems": _systems}
    return parts[options.lyapunov](options)


def _verify(options: Namespace) -> Answer:
    for name in ("certificate", "figure"):
        check_folder(getattr(options, name), f"--{name}")
    if options.figure and Path(options.figure).suffix.lower() not in FIGURES:
        raise InputError(f"--figure: {options.figure} must end in one of {', '.join(FIGURES)}")
    draw = linregions.plot.lyapunov if options.figure else None  # a missing matplotlib shows before the work
    network = linregions.read(options.model)
    dynamics, domain, setting = setting_of(options, network.input_dim)
    limits = {"max_depth": options.max_depth, "time_limit": options.time_limit, "threads": options.threads}
    with Progress("cells") as progress:
        verdict = verify(
            network,
            dynamics,
            domain,
            **setting,
            shift=options.shift,
            claim=options.claim,
            levels=not options.no_levels,
            progress=progress.callback,
            **{name: value for name, value in limits.items() if value is not None},
        )
    written, trouble = _saved(verdict, options, draw)
    text = json.dumps(verdict.as_dict()) if options.json else "\n".join([readable(verdict, options), *written])
    return text, exit_of(verdict), trouble


def _saved(verdict: Verdict, options: Namespace, draw: Any = None) -> tuple[list[str], LinregionsError | None]:
    """Write certificate and figure, if they are asked for: lines that say so, and why one of them is missing."""
    steps: list[tuple[str, str, Callable[[str], Any]]] = []
    if options.certificate:
        steps.append(("certificate", options.certificate, verdict.save_certificate))
    if draw is not None:
        steps.append(("figure", options.figure, lambda path: draw(verdict).savefig(path)))
    written, trouble = [], None
    for what, path, write in steps:
        try:
            write(path)
        except LinregionsError as error:  # a verdict that took hours is not lost for it
            trouble = trouble or error
        except OSError as error:
            trouble = trouble or OutputError(f"{what}: {path} cannot be written ({error.strerror or error})")
        else:
            written.append(f"{what} written to {path}")
    return written, trouble


def exit_of(verdict: Verdict) -> int:
    """The exit status of a verdict."""
    return status.INTERRUPTED if verdict.stopped == "interrupted" else EXIT[verdict.status]


def readable(verdict: Verdict, options: Namespace) -> str:
    """The verdict for a person, and some counterexamples."""
    lines = [str(verdict)]
    shown = verdict.counterexamples[: options.counterexamples]
    lines += [f"  {c}" for c in shown]
    more = len(verdict.counterexamples) - len(shown)
    if more > 0 and shown:
        lines.append(f"  and {more:,} more (--counterexamples N, --json)")
    return "\n".join(lines)


def _check(options: Namespace) -> Answer:
    report = check(options.certificate, options.model, controller=options.controller, dynamics=options.network)
    text = json.dumps(report.as_dict()) if options.json else str(report)
    return text, status.DONE if report.accepted else status.REFUTED, None


def _repair(options: Namespace) -> Answer:
    from ..lyapunov import repair

    for name in ("out", "certificate"):
        check_folder(getattr(options, name), f"--{name}")
    network = linregions.read(options.model)
    dynamics, domain, setting = setting_of(options, network.input_dim)
    found = repair(network, dynamics, domain, **setting, shift=options.shift, time_limit=options.time_limit)
    return _written(found, options)


def _train(options: Namespace) -> Answer:
    from ..lyapunov import train

    for name in ("out", "certificate"):
        check_folder(getattr(options, name), f"--{name}")
    dynamics, domain, setting = setting_of(options, None)
    names = ("units", "lines", "start", "learn", "rounds", "time_limit")
    chosen = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    with Progress("rounds") as progress:
        found = train(dynamics, domain, **setting, seed=options.seed, progress=progress.callback, **chosen)
    return _written(found, options)


def _written(found: Any, options: Namespace) -> Answer:
    """Write the network of a `Repair` or a `Trained`, and its proof; say what it is."""
    from ..readers import write_npz

    write_npz(found.network, options.out)
    written, trouble = _saved(found.verdict, options) if found.proved else ([], None)
    lines = [str(found), f"network written to {options.out}", *written]
    text = json.dumps(found.as_dict()) if options.json else "\n".join(lines)
    return text, status.REFUTED if found.verdict is None else exit_of(found.verdict), trouble


def _systems(options: Namespace) -> Answer:
    found = [system(name) for name in systems()]
    if options.json:
        return json.dumps({"systems": [s.as_dict() for s in found]}), status.DONE, None
    return "\n".join(line for s in found for line in _told(s)), status.DONE, None


def _told(known: System) -> list[str]:
    about = known.as_dict()
    domains = ", ".join(about["domains"])
    return [known.name, f"    {about['dynamics']}", f"    {domains}; {known.source}"]


def setting_of(options: Namespace, input_dim: int | None) -> tuple[Any, Domain, dict[str, Any]]:
    """Dynamics and domain that the options name, and what else `verify`, `repair` and `train` take alike."""
    dynamics, time, suggested = _system(options)
    setting = {
        "time": "discrete" if options.discrete else time,
        "exclude": None if options.exclude is None else Fraction(options.exclude),
        "controller": None if options.controller is None else linregions.read(options.controller),
    }
    return dynamics, _domain(options, input_dim or _states(dynamics), suggested), setting


def _states(dynamics: Any) -> int:
    """How many states a system has, before anything else is asked of it."""
    if isinstance(dynamics, str):
        return len([part for part in dynamics.split(";") if part.strip()])
    return getattr(dynamics, "dim", None) or getattr(dynamics, "input_dim", None) or len(dynamics)


def _system(options: Namespace) -> tuple[Any, str, Domain | None]:
    """Dynamics, time and the suggested domain that the options name."""
    if options.system is None and options.parameter:
        raise InputError("--parameter goes with --system; write the numbers into --dynamics")
    if options.system is not None:
        known = system(options.system, **dict(options.parameter))
        return known.dynamics, known.time, known.domains[0] if known.domains else None
    if options.dynamics is not None:
        return options.dynamics, "continuous", None
    if options.matrix is not None:
        return matrix_of(options.matrix, "--matrix"), "continuous", None
    return linregions.read(options.network), "continuous", None


def _domain(options: Namespace, input_dim: int, suggested: Domain | None) -> Domain:
    """The domain that the options name, or the system suggests."""
    if options.domain is not None:
        return read_domain(options.domain)
    if options.box is not None:
        return box_of(*options.box, input_dim=input_dim)
    if suggested is not None:
        return suggested
    raise InputError("a domain is needed: give --box LO HI or --domain FILE")


def check_folder(path: str | None, option: str) -> None:
    """Refuse a file in a folder that does not exist, or what is there and is no file, before any work."""
    if path is None:
        return
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"{option}: the folder of {path} does not exist; make it first")
    resolved(Path(path))
