"""Lyapunov verification: verdicts and times beside the published procedure (SHGO in each cell), and times by size."""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shgo
from tables import Table, print_machine

from linregions import Box, Network
from linregions.lyapunov import verify
from linregions.lyapunov.candidates import directions, modal_zonotope, one_norm, regular_polygon, sliver, zonotope
from linregions.lyapunov.systems import saturated_feedback, system

P_DUFFING = np.array([[1.5, 0.5], [0.5, 1.0]])
PENDULUM = [[0.0, 1.0], [-9.81, -0.5]]
VALID, INVALID = "valid", "not valid"

Field = Callable[[np.ndarray], np.ndarray]


@dataclass
class Case:
    """A candidate on a box; the truth is that of the claim outside the ball that the published procedure leaves out."""

    name: str
    V: Network
    expressions: Any
    field: tuple[Field, Field | None]
    domain: Box
    truth: str
    pairs: bool = False  # whether the published procedure gets two ReLUs for an absolute value


def decay(n: int) -> tuple[Field, Field]:
    return (lambda x: -x), (lambda x: -np.eye(n))


def bil(x: np.ndarray) -> np.ndarray:
    return np.array([-x[0] + x[0] * x[1], -x[1] - x[0] ** 2])


def bil_slope(x: np.ndarray) -> np.ndarray:
    return np.array([[-1 + x[1], x[0]], [-2 * x[0], -1.0]])


def duffing(x: np.ndarray) -> np.ndarray:
    return np.array([x[1], -x[1] - x[0] - x[0] ** 3])


def duffing_slope(x: np.ndarray) -> np.ndarray:
    return np.array([[0.0, 1.0], [-1 - 3 * x[0] ** 2, -1.0]])


def pendulum(x: np.ndarray) -> np.ndarray:
    return np.array([x[1], -9.81 * math.sin(x[0]) - 0.5 * x[1]])


def pendulum_slope(x: np.ndarray) -> np.ndarray:
    return np.array([[0.0, 1.0], [-9.81 * math.cos(x[0]), -0.5]])


def cbil(x: np.ndarray) -> np.ndarray:
    a, b, c, d = x
    return np.array([-a + a * b, -b - a * a + 0.1 * c, -c + c * d, -d - c * c + 0.1 * a])


def cbil_slope(x: np.ndarray) -> np.ndarray:
    a, b, c, d = x
    return np.array([[b - 1, a, 0, 0], [-2 * a, -1, 0.1, 0], [0, 0, d - 1, c], [0.1, 0, -2 * c, -1]])


def needle(sharpness: int) -> tuple[list[str], Field]:
    """`x' = -x` but for a disk of radius `1 / sqrt(sharpness)` around (1.3, 0.7), in which the state grows."""
    factor = f"(1 - 2 / (1 + {sharpness}*((x1 - 1.3)^2 + (x2 - 0.7)^2)))"
    at = np.array([1.3, 0.7])
    return [f"-x{k}*{factor}" for k in (1, 2)], lambda x: -x * (1 - 2 / (1 + sharpness * ((x - at) @ (x - at))))


def dented(size: float) -> Network:
    """`|x1 - size| + |x2| - size`: 0 at 0, negative at (size, 0), not positive up to (2 size, 0)."""
    weight = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    return Network.from_arrays([(weight, [-size, size, 0, 0]), ([[1, 1, 1, 1]], [-size])], source="dented 1-norm")


def bil_zonotope(count: int) -> Network:
    u = directions(2, count)
    return zonotope(None, u, scale=float(1 / np.abs(u[:, 0]).sum() / math.sqrt(2)))


def fitted(units: int, half: float, seed: int) -> Network:
    """A shallow net fitted to the global Duffing function: random lines, output weights by least squares.

    No line goes through 0, so this is no Lyapunov function; the weights are rounded to float32, as trained ones are.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * math.pi, units)
    weight = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32).astype(float)
    bias = -rng.uniform(0.05, half, units).astype(np.float32).astype(float)
    x = rng.uniform(-half, half, (20_000, 2))
    ridge = np.concatenate([np.maximum(x @ weight.T + bias, 0), 1e-2 * np.eye(units)])
    out = np.linalg.lstsq(ridge, np.concatenate([global_duffing(x)[0], np.zeros(units)]), rcond=None)[0]
    out = out.astype(np.float32).astype(float)
    return Network.from_arrays([(weight, bias), (out[None], [0.0])], source=f"fitted {units} units, seed {seed}")


def matched(units: int, half: float, seed: int, *, central: int) -> Network:
    """A shallow even net whose slopes are fitted to those of the square root of the global Duffing function.

    `central` pairs of units have their line through 0, the other pairs are random lines; least squares on the slope
    and, three times as heavy, on its component along the field, which is what the decrease is made of.
    """
    rng, rest = np.random.default_rng(seed), units // 2 - central
    angle = rng.uniform(0, 2 * math.pi, rest)
    # Even in the coordinates in which the quadratic part of the function is round.
    through = directions(2, central) @ np.linalg.cholesky([[0.75, 0.25], [0.25, 0.5]]).T
    lines = np.concatenate([through, np.stack([np.cos(angle), np.sin(angle)], axis=1)]).astype(np.float32).astype(float)
    shift = np.r_[np.zeros(central), -rng.uniform(0.05, half, rest)].astype(np.float32).astype(float)
    x = rng.uniform(-half, half, (6000, 2))
    x = np.concatenate([x, x * rng.uniform(0, 1, (len(x), 1)), x * 0.02])
    field = np.stack([x[:, 1], -x[:, 1] - x[:, 0] - x[:, 0] ** 3], axis=1)
    field /= np.linalg.norm(field, axis=1, keepdims=True)
    value, slope = global_duffing(x)
    slope = slope / (2 * np.sqrt(value))[:, None]
    sides = (x @ lines.T + shift > 0).astype(float) - (-x @ lines.T + shift > 0)
    parts = [sides * lines[:, 0], sides * lines[:, 1], 3 * sides * (field @ lines.T), 0.3 * np.eye(len(lines))]
    wanted = [slope[:, 0], slope[:, 1], 3 * np.sum(slope * field, axis=1), np.zeros(len(lines))]
    out = np.linalg.lstsq(np.concatenate(parts), np.concatenate(wanted), rcond=None)[0].astype(np.float32).astype(float)
    layers = [(np.concatenate([lines, -lines]), np.r_[shift, shift]), (np.r_[out, out][None], [0.0])]
    return Network.from_arrays(layers, source=f"matched {units} units, seed {seed}")


def global_duffing(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`x2^2/2 + x1^2/2 + x1^4/4 + (x1 x2 + x1^2/2)/2` and its slope."""
    a, b = x.T
    slope = np.stack([1.5 * a + a**3 + b / 2, b + a / 2], axis=1)
    return b**2 / 2 + 0.75 * a**2 + a**4 / 4 + a * b / 2, slope


def cases() -> Iterator[Case]:
    for n in range(2, 7):
        yield Case(f"L1 n={n}", one_norm(n), system("decay", n=n).given, decay(n), Box.cube(-3, 3, n), VALID, True)
    field, two = (bil, bil_slope), system("bil").given
    for count, truth in ((3, INVALID), (4, VALID), (8, VALID)):
        yield Case(f"BIL zonotope K={count}", bil_zonotope(count), two, field, Box.cube(-2, 2, 2), truth)
    field, two = (duffing, duffing_slope), system("duffing").given
    for count, r, truth in ((4, 1, INVALID), (6, 1, VALID), (6, 2, INVALID)):
        V = zonotope(P_DUFFING, count)
        yield Case(f"DUF zonotope K={count}, r={r}", V, two, field, Box.cube(-r, r, 2), truth)
    field, box = (pendulum, pendulum_slope), system("pendulum").domains[0]
    for count, truth in ((48, INVALID), (64, VALID)):
        V = modal_zonotope(PENDULUM, count)
        yield Case(f"PEND modal zonotope K={count}", V, system("pendulum").given, field, box, truth)
    for r, truth in ((0.5, VALID), (0.91, INVALID)):
        field = (cbil, cbil_slope)
        yield Case(f"CBIL 1-norm r={r}", one_norm(4), system("cbil").given, field, Box.cube(-r, r, 4), truth)
    for power in (14, 20, 24, 30, 40):
        V = sliver(2, width=2.0**-power)
        name = f"sliver of width 2^-{power}"
        yield Case(name, V, system("decay").given, decay(2), Box.cube(-3, 3, 2), INVALID)
    V = dented(2.0**-8)
    yield Case("dent under the hole's rim", V, system("decay").given, decay(2), Box.cube(-3, 3, 2), INVALID)
    for sharpness in (100, 400, 1600):
        text, f = needle(sharpness)
        name = f"needle of radius 1/{math.isqrt(sharpness)}"
        yield Case(name, one_norm(2), text, (f, None), Box.cube(-3, 3, 2), INVALID)


def shallow(V: Network, domain: Box) -> shgo.Shallow:
    """V for the published procedure, with each line once.

    An absolute value is two ReLUs on one line, and a search that flips one neuron at a time never crosses it.  So the
    pair becomes `|z| = 2 relu(z) - z`, and all the linear parts one unit that is active on the whole box: the same
    function there, and the procedure at its best.  The constant goes with V(0).
    """
    first, last = V.stages
    weight, bias = np.asarray(first.weight), np.asarray(first.bias)
    out = np.array(np.asarray(last.weight)[0])
    rows = {(*w, b): k for k, (w, b) in enumerate(zip(weight.tolist(), bias.tolist(), strict=True))}
    keep, linear, constant = np.ones(len(out), dtype=bool), np.zeros(weight.shape[1]), 0.0
    for k, (w, b) in enumerate(zip(weight, bias, strict=True)):
        other = rows.get((*(-w).tolist(), -float(b)))
        if keep[k] and other is not None and other > k and out[other] == out[k]:
            keep[other] = False
            linear, constant = linear - out[k] * w, constant - out[k] * b
            out[k] *= 2
    reach = 1.0 + float(np.abs(linear) @ np.maximum(np.abs(domain.lower), np.abs(domain.upper)))
    weight, bias, out = weight[keep], bias[keep], out[keep]
    if np.any(linear):
        weight, bias, out = np.vstack([weight, linear]), np.r_[bias, reach], np.r_[out, 1.0]
    return shgo.Shallow(weight, bias, out)


def as_given(V: Network) -> shgo.Shallow:
    """V for the published procedure as it is, two ReLUs for an absolute value."""
    first, last = V.stages
    return shgo.Shallow(np.asarray(first.weight), np.asarray(first.bias), np.asarray(last.weight)[0])


def timed(call: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """The result and the median of the seconds."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


def compare(chosen: list[Case], repeats: int, limit: float) -> None:
    """Both on every case; the claim outside the hole is the one that both make, the strict one is ours alone."""
    columns = ["candidate", "truth outside the hole", "here: strict", "s", "here: outside the hole", "s"]
    table = Table(
        f"beside the published procedure (here: median of {repeats}; there: one run, at most {limit:g} s)",
        [*columns, "published procedure", "cells", "dropped", "not seen", "s", "right?"],
    )
    tally = {"right": 0, "WRONG": 0, "no answer": 0}
    for case in chosen:
        hole = shgo.SHARE_OF_HOLE * float(np.min(case.domain.upper - case.domain.lower))
        ask = lambda case=case, **more: verify(case.V, case.expressions, case.domain, levels=False, **more)  # noqa: E731
        strict, first = timed(ask, repeats)
        outside, second = timed(lambda ask=ask, hole=hole: ask(exclude=hole), repeats)
        there = shgo.check(
            as_given(case.V) if case.pairs else shallow(case.V, case.domain),
            case.field[0],
            case.domain.lower,
            case.domain.upper,
            jacobian=case.field[1],
            time_limit=limit,
        )
        said = {"certified": VALID, "refuted": INVALID}.get(there.verdict)
        mark = "no answer" if said is None else "right" if said == case.truth else "WRONG"
        tally[mark] += 1
        ours = {True: VALID, False: INVALID}[outside.status.name.startswith("PROVED")]
        note = "" if ours == case.truth else " (WRONG)"
        table.row(
            case.name,
            case.truth,
            strict.status.name,
            first,
            outside.status.name + note,
            second,
            there.verdict,
            there.cells,
            there.dropped,
            there.vacuous,
            there.seconds,
            mark,
        )
    print("\nthe published procedure: " + ", ".join(f"{count} {word}" for word, count in tally.items()))


def sizes(repeats: int) -> None:
    """Times by size, with levels left out and with them."""
    table = Table(
        f"seconds by size (median of {repeats}, one thread)",
        ["candidate", "verdict", "cells", "simplices", "exact decisions", "s", "s with levels"],
    )
    for name, ask in speeds():
        try:
            verdict, seconds = timed(lambda ask=ask: ask(levels=False), repeats)
            _, whole = timed(ask, repeats)
        except Exception as error:  # the table goes on: one line says what happened
            table.row(name, f"{type(error).__name__}: {error}"[:60], "", "", "", "", "")
            continue
        table.row(name, verdict.status.name, verdict.cells, verdict.simplices, verdict.exact_decisions, seconds, whole)


def speeds() -> Iterator[tuple[str, Callable[..., Any]]]:
    for n in range(2, 11):
        yield (
            f"L1 n={n}",
            lambda n=n, **more: verify(one_norm(n), system("decay", n=n).given, Box.cube(-3, 3, n), **more),
        )
    text = system("duffing").given
    for units, half, central in ((100, 2, 0), (100, 2, 20), (200, 3, 0), (200, 3, 50)):
        V = matched(units, half, 0, central=central) if central else fitted(units, half, 0)
        box, hole = Box.cube(-half, half, 2), shgo.SHARE_OF_HOLE * 2 * half
        name = f"DUF {units} units, {f'{central} lines' if central else 'no line'} through 0, [-{half}, {half}]^2"
        for claim, given in (("strict", {}), ("outside the hole", {"exclude": hole})):
            yield (
                f"{name}, {claim}",
                lambda V=V, box=box, given=given, **more: verify(V, text, box, shift=True, **given, **more),
            )
    yield (
        "deep 2-16-16-1, BIL, [-1, 1]^2",
        lambda **more: verify(deep(), system("bil").given, Box.cube(-1, 1, 2), **more),
    )
    loop = system("saturated-integrator", open_loop=True)
    K = saturated_feedback([[-0.4345, -1.0285]])
    P = np.array([[2.375, 0.625], [0.625, 1.25]])
    yield (
        "double integrator, saturated controller, x'Px, discrete",
        lambda **more: verify(P, loop.given, Box.cube(-0.5, 0.5, 2), time="discrete", controller=K, **more),
    )
    s = system("rotation", rho="0.97", sides=16)
    yield (
        "rotation, 16-gon, discrete",
        lambda **more: verify(regular_polygon(16), s.given, Box.cube(-1, 1, 2), time="discrete", **more),
    )
    for count in (64, 128):
        box = system("pendulum").domains[0]
        V = modal_zonotope(PENDULUM, count)
        yield (
            f"PEND modal zonotope K={count}",
            lambda V=V, box=box, **more: verify(V, system("pendulum").given, box, **more),
        )
    V = zonotope(None, directions(4, "B"))
    yield "CBIL B_4 zonotope, [-1, 1]^4", lambda **more: verify(V, system("cbil").given, Box.cube(-1, 1, 4), **more)


def deep() -> Network:
    """A deep net without biases, fitted to |x|: even directions, a random second layer, output weights >= 0."""
    from scipy.optimize import nnls

    rng = np.random.default_rng(0)
    angle = 2 * math.pi * (np.arange(16) + 0.5) / 16
    first = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    second = np.where(rng.random((16, 16)) < 0.3, rng.uniform(0, 1, (16, 16)), 0.0) + np.eye(16)
    turn = np.linspace(0, 2 * math.pi, 4001)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    hidden = np.maximum(np.maximum(circle @ first.T, 0) @ second.T, 0)
    out = nnls(hidden, np.ones(len(circle)))[0]
    return Network.from_arrays([(first, np.zeros(16)), (second, np.zeros(16)), (out[None], [0.0])], source="deep")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of this package for each figure")
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds for the published procedure on a case")
    parser.add_argument("--only", choices=["compare", "sizes"], help="one of the two tables")
    parser.add_argument("--match", default="", help="only candidates whose name has this in it")
    args = parser.parse_args()
    print_machine()
    if args.only != "sizes":
        compare([case for case in cases() if args.match in case.name], args.repeats, args.time_limit)
    if args.only != "compare":
        sizes(args.repeats)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
