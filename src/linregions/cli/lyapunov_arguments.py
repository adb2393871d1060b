"""The grammar of `linregions lyapunov`."""

from __future__ import annotations

import argparse
from typing import Any

from ..checks import shown
from .grammar import MODEL, add_command, add_model, from_zero, path, positive_integer, positive_number

LYAPUNOV = """Lyapunov functions that are piecewise-linear networks: a proof or a counterexample, never a tolerance.

  linregions lyapunov verify V.npz --system duffing --box -2 2
  linregions lyapunov verify V.onnx --dynamics "x2; -x2 - x1 - x1^3" --box -2 2 --certificate proof.json
  linregions lyapunov check proof.json V.onnx

docs/lyapunov.md says what is proved, and how."""

VERIFY = f"""Is the network V a Lyapunov function on a domain: is V > 0, and does V decrease along trajectories?

{MODEL}  It has one output.

The answer is a proof (also at the origin: no ball is cut out), a counterexample in rational numbers, a face where
equality is attained, or that it stays open and why.  Beside it stand the largest level set that is certified to lie in
the domain's interior and to be attracted to the origin (its level exact, with its volume), and, where V fails near the
origin only, the level that trajectories end up below.

The system is one of --system, --dynamics, --matrix and --network.

Exit status: 0 proved, 1 refuted or marginal, 2 bad input (one line says what), 3 open (a budget ran out, or the method
cannot decide), 74 the output could not be written, 130 interrupted (what is known is printed).  Where a verdict has no
certificate, one line on standard error says why; the exit status is that of the verdict."""

CHECK = f"""Check a certificate again, with a program of its own: plain rational arithmetic, no code of the prover.

{MODEL}

Exit status: 0 accepted, 1 rejected, 2 bad input (one line says what), 74 the output could not be written, 130
interrupted."""

REPAIR = f"""Change the output weights of V until it is proved: linear programs propose, and the exact verifier judges.

{MODEL}  It has one output; the layers before the last stay as they are.

Exit status: 0 proved, 1 the last proposal is refuted or marginal, or no output weights can do it, 2 bad input (one line
says what), 3 open, 74 the output could not be written, 130 interrupted."""

TRAIN = """From a system to a proved network: propose hyperplanes, solve for output weights, verify, learn, again.

What is printed in the end is the verdict of `linregions lyapunov verify` on exactly the weights that are written.
--learn descent needs torch.

  linregions lyapunov train --system duffing --box -1 1 --units 24 --out V.npz

Exit status: 0 proved, 1 the last network is refuted or marginal, 2 bad input (one line says what), 3 open, 74 the
output could not be written, 130 interrupted (the best network so far is written)."""

SYSTEMS = """The systems that --system knows: name, equations, domain, source."""


def add_lyapunov(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "lyapunov",
        help="prove or refute that a network is a Lyapunov function",
        description=LYAPUNOV,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parts = command.add_subparsers(dest="lyapunov", metavar="COMMAND", required=True)
    _add_verify(parts)
    _add_check(parts)
    _add_repair(parts)
    _add_train(parts)
    add_command(parts, "systems", "list the systems that are known by name", SYSTEMS)


def _add_verify(parts: Any) -> None:
    command = add_command(parts, "verify", "prove or refute", VERIFY)
    add_model(command)
    _add_system(command)
    _add_setting(command)
    command.add_argument(
        "--claim",
        default="strict",
        choices=("strict", "composite"),
        help="composite: a quadratic form near the origin and the network outside (default: strict, the network alone)",
    )
    command.add_argument("--shift", action="store_true", help="verify V - V(0)")
    command.add_argument("--no-levels", action="store_true", help="do not look for level sets")
    command.add_argument("--certificate", type=path, metavar="FILE", help="write the proof (.json)")
    command.add_argument("--figure", type=path, metavar="FILE", help="draw it (.png, .svg, .pdf); two states only")
    command.add_argument("--counterexamples", type=from_zero, metavar="N", default=3, help="print so many (3)")
    command.add_argument("--max-depth", type=positive_integer, metavar="N", help="bisections of one simplex")
    command.add_argument("--time-limit", type=positive_number, metavar="S", help="stop after S seconds (inf: never)")
    command.add_argument("--threads", type=positive_integer, metavar="N", help="worker threads that list cells (1)")


def _add_check(parts: Any) -> None:
    command = add_command(parts, "check", "check a certificate with an independent program", CHECK)
    command.add_argument("certificate", metavar="CERT", type=path, help="the file that --certificate wrote")
    add_model(command)
    command.add_argument("--controller", type=path, metavar="FILE", help="the controller's network")
    command.add_argument("--network", type=path, metavar="FILE", help="the network that is the dynamics")


def _add_setting(command: argparse.ArgumentParser) -> None:
    command.add_argument("--discrete", action="store_true", help="x+ = f(x) in place of x' = f(x)")
    command.add_argument("--controller", type=path, metavar="FILE", help="a network u(x), for dynamics with u1, ...")
    command.add_argument("--exclude", type=_radius, metavar="R", help="leave out |x| <= R, such as 0.01 or 1/100")


def _add_repair(parts: Any) -> None:
    command = add_command(parts, "repair", "change the output weights until it is proved", REPAIR)
    add_model(command)
    _add_system(command)
    _add_setting(command)
    command.add_argument("--shift", action="store_true", help="verify V - V(0)")
    command.add_argument("--out", required=True, type=path, metavar="FILE", help="write the network (.npz)")
    command.add_argument("--certificate", type=path, metavar="FILE", help="write the proof (.json)")
    command.add_argument("--time-limit", type=positive_number, metavar="S", help="stop after S seconds (inf: never)")


def _add_train(parts: Any) -> None:
    command = add_command(parts, "train", "train a network until it is proved", TRAIN)
    _add_system(command)
    command.add_argument("--out", required=True, type=path, metavar="FILE", help="write the network (.npz)")
    _add_setting(command)
    command.add_argument("--units", type=positive_integer, metavar="N", help="hidden units (48)")
    command.add_argument("--lines", type=positive_integer, metavar="N", help="lines through 0 (a third of the units)")
    command.add_argument("--start", choices=("modal", "random"), help="whether the start knows the linear part (modal)")
    command.add_argument("--learn", choices=("exchange", "descent", "both"), help="how hyperplanes change (exchange)")
    command.add_argument("--rounds", type=from_zero, metavar="N", help="most rounds (30)")
    command.add_argument("--seed", type=from_zero, metavar="N", default=0, help="of the random numbers (0)")
    command.add_argument("--certificate", type=path, metavar="FILE", help="write the proof (.json)")
    command.add_argument("--time-limit", type=positive_number, metavar="S", help="stop after S seconds (inf: never)")


def _add_system(command: argparse.ArgumentParser) -> None:
    group = command.add_mutually_exclusive_group(required=True)
    group.add_argument("--system", metavar="NAME", help="a system by name; `linregions lyapunov systems` lists them")
    group.add_argument("--dynamics", metavar="TEXT", help='one expression for each state, such as "x2; -sin(x1) - x2"')
    group.add_argument("--matrix", type=path, metavar="FILE", help="a matrix A (.npy): x' = A x")
    group.add_argument("--network", type=path, metavar="FILE", help="a network that gives x' (with --discrete: x+)")
    command.add_argument(
        "--parameter", action="append", default=[], type=_parameter, metavar="K=V", help="of --system, such as mu=3"
    )
    domain = command.add_mutually_exclusive_group()
    domain.add_argument("--box", nargs=2, metavar=("LO", "HI"), help="two numbers, or two lists such as -1,-2 and 1,2")
    domain.add_argument("--domain", type=path, metavar="FILE", help="a box or polytope (.json or .npz)")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.strip().partition("=")
    if not equals or not name.isidentifier() or not value:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, such as mu=3, got {shown(text)}")
    return name, value


def _radius(text: str) -> str:
    from fractions import Fraction

    try:
        positive = Fraction(text.strip()) > 0
    except (ValueError, ZeroDivisionError):
        positive = False
    if not positive:
        raise argparse.ArgumentTypeError(
            f"expected a positive number, such as 0.01 or 1/100, got {shown(text.strip())}"
        )
    return text.strip()
