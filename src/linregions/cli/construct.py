"""`linregions construct`: build a network by name, say what is known of it, count it, write it."""

from __future__ import annotations

import inspect
import json
import re
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import linregions

from ..bounds import architecture_of
from ..bounds.bound import short
from ..checks import shown
from ..constructions import Construction
from ..domain import Box
from ..errors import InputError
from ..network import Network
from ..partition import Count, Kind, Status
from ..readers import write_npz
from . import status
from .progress import Progress

Maker = Callable[..., Any]
EXIT = {Status.COMPLETE: status.DONE, Status.BUDGET: status.BUDGET, Status.INTERRUPTED: status.INTERRUPTED}


def construct(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    sys.set_int_max_str_digits(0)  # known counts are integers of any size
    known = makers()
    if options.name is None:
        if options.out or options.confirm:
            raise InputError("NAME: a construction is needed for --out and --confirm; without options they are listed")
        return (json.dumps(_index(known)) if options.json else listing(known)), status.DONE
    if options.name not in known:
        raise InputError(f"NAME: {shown(options.name)} is no construction; use one of {', '.join(known)}")
    made = _made(options.name, known[options.name], options.arguments)
    network = made.network if isinstance(made, Construction) else made
    if options.out:
        write_npz(network, options.out)
    found, right, code = _confirmed(made, options) if options.confirm else (None, None, status.DONE)
    facts = _facts(options.name, made)
    facts |= {"count": found.as_dict() if found else None, "confirmed": right, "file": options.out}
    return (json.dumps(facts) if options.json else readable(facts, found)), code


def makers() -> dict[str, Maker]:
    """The constructions by name."""
    part = linregions.constructions
    found = {name: getattr(part, name) for name in part.__all__}
    return {name: f for name, f in sorted(found.items()) if inspect.isfunction(f)}


def _made(name: str, maker: Maker, words: list[str]) -> Any:
    made = maker(**_matched(name, maker, words))
    return made.construction() if hasattr(made, "construction") else made


def _matched(name: str, maker: Maker, words: list[str]) -> dict[str, Any]:
    """What the words say for each parameter of the construction."""
    parameters = inspect.signature(maker).parameters
    out: dict[str, Any] = {}
    bare = []
    for word in words:
        key, equals, value = word.strip().partition("=")
        if not equals:
            bare.append(word.strip())
        elif key not in parameters:
            raise InputError(f"{name}: takes {_usage(maker)}, got {shown(word)}")
        elif key in out:
            raise InputError(f"{name}: {key} is given twice; give it once")
        else:
            out[key] = _value(value, parameters[key])
    for word in bare:
        free = [p for p in parameters.values() if p.name not in out]
        if not free:
            raise InputError(f"{name}: takes {_usage(maker)}, and {shown(word)} is one too many")
        if [p.name for p in free[:2]] == ["inputs", "widths"] and re.search("[-;]", word):
            a = architecture_of(word)
            out |= {"inputs": a.inputs, "widths": list(a.widths)}
        else:
            out[free[0].name] = _value(word, free[0])
    missing = [p.name for p in parameters.values() if p.default is p.empty and p.name not in out]
    if missing:
        raise InputError(f"{name}: {' and '.join(missing)} must be given; it takes {_usage(maker)}")
    return out


def _value(text: str, parameter: inspect.Parameter) -> Any:
    """A word as the parameter's type asks: integers, lists of integers, numbers, pairs, words."""
    text = text.strip()
    if re.fullmatch(r"-?\d+", text):
        return [int(text)] if _takes_list(parameter) else int(text)
    if re.fullmatch(r"\d+(,\d+)*,?", text):
        return [int(v) for v in text.rstrip(",").split(",")]
    if parameter.name == "edges" and re.fullmatch(r"\d+-\d+(,\d+-\d+)*", text):
        return [tuple(int(v) for v in pair.split("-")) for pair in text.split(",")]
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _takes_list(parameter: inspect.Parameter) -> bool:
    return re.match(r"(Sequence|Iterable|list)\b", _type(parameter)) is not None


def _type(parameter: inspect.Parameter) -> str:
    return "" if parameter.annotation is parameter.empty else str(parameter.annotation)


def _usage(maker: Maker) -> str:
    """The parameters as a person gives them: `inputs widths`, `name [size] [dim=]`."""
    out = []
    for p in inspect.signature(maker).parameters.values():
        word = f"{p.name}=" if p.kind is p.KEYWORD_ONLY else p.name
        out.append(word if p.default is p.empty else f"[{word}{p.default}]" if _telling(p) else f"[{word}]")
    return " ".join(out)


def _telling(p: inspect.Parameter) -> bool:
    return p.kind is p.KEYWORD_ONLY and p.default is not None


def _index(known: dict[str, Maker]) -> dict[str, Any]:
    return {
        "constructions": [
            {"name": name, "parameters": list(inspect.signature(f).parameters), "summary": _summary(f)}
            for name, f in known.items()
        ]
    }


def _summary(maker: Maker) -> str:
    return (inspect.getdoc(maker) or "").split("\n")[0].replace("`", "")


def listing(known: dict[str, Maker]) -> str:
    """The constructions, each with its parameters and one line."""
    lines = ["linregions construct NAME ARG ...; where inputs and widths are asked, 2-6-6-1 gives both", ""]
    for name, maker in known.items():
        lines += [f"{name} {_usage(maker)}", f"    {_summary(maker)}"]
    return "\n".join(lines)


def _confirmed(made: Any, options: Namespace) -> tuple[Count, bool | None, int]:
    """The count, whether it is the known one (None: not known or not complete), and the exit status."""
    if isinstance(made, Construction):
        network, domain = made.network, made.domain
    else:
        network, domain = made, Box.cube(-1, 1, made.input_dim)
    with Progress() as progress:
        found = linregions.count(
            network,
            domain,
            threads=options.threads,
            time_limit=options.time_limit,
            max_regions=options.max_regions,
            progress=progress.callback,
        )
    if found.kind is not Kind.EXACT or not isinstance(made, Construction):
        return found, None, EXIT[found.status]
    right = found.value == made.regions if made.kind is Kind.EXACT else found.value >= made.regions
    return found, right, status.DONE if right else status.REFUTED


def _facts(name: str, made: Construction | Network) -> dict[str, Any]:
    if isinstance(made, Construction):
        return made.as_dict()
    return {"name": name, "network": repr(made), "hash": made.hash, "regions": None}


def readable(facts: dict[str, Any], found: Count | None) -> str:
    """What is known, for a person."""
    lines = [facts["name"], f"  {facts['network']}"]
    if facts["regions"] is None:
        lines.append("  its number of regions is not known beforehand")
    else:
        least = "" if facts["kind"] == Kind.EXACT.value else "at least "
        lines += [
            f"  {least}{short(facts['regions'])} {facts['definition']} regions on {facts['domain']}",
            f"  formula: {facts['formula']}",
            f"  reference: {facts['reference']}",
        ]
    if found is not None:
        word = {True: "confirmed: ", False: "NOT confirmed: ", None: ""}[facts["confirmed"]]
        lines.append(f"  {word}counted {found}, {found.seconds:.3f} s")
    if facts["file"]:
        lines.append(f"  written to {facts['file']}")
    return "\n".join(lines)
