"""Who wins and by how much, in sentences for somebody who does not know the theory."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

from ..bounds.bound import short
from ..checks import plural
from ..partition import Kind
from .record import Comparison, Row, Sample

MARKS = {Kind.EXACT: "", Kind.LOWER: "at least ", Kind.UPPER: "at most ", Kind.ESTIMATE: "about "}


def sentences(c: Comparison) -> list[str]:
    """The verdict, sentence by sentence."""
    deep = [row for row in c.rows if row.depth > 1]
    out = [_shallow(c)]
    if deep:
        best = max(deep, key=lambda row: (row.gain, -row.depth) if _one_budget(c) else (row.proven, -row.depth))
        out += _deep(c, best)
        out += _open(c, deep)
    for row in c.rows:
        if row.built.confirmed is False:
            out.append(
                f"CONTRADICTION: {layers(row.widths)} were built to have {short(row.built.regions)} regions and the "
                "count is another; please report this."
            )
    out += _sampled(c, "random", "Random networks")
    out += _sampled(c, "trained", "Trained networks")
    out.append(
        'A "linear region" here is an activation region: a full-dimensional set of inputs on which the same units are '
        "on. The proven numbers are about the best choice of weights and inputs anywhere in "
        f"{'R' if c.inputs == 1 else f'R^{c.inputs}'}."
    )
    return out


def layers(widths: tuple[int, ...]) -> str:
    """Hidden widths in words.

    Example:
        >>> layers((8, 8, 8)), layers((5, 5, 4)), layers((24,))
        ('3 hidden layers of 8 units', 'hidden layers of 5, 5 and 4 units', 'one hidden layer of 24 units')
    """
    if len(widths) == 1:
        return f"one hidden layer of {plural(widths[0], 'unit')}"
    if len(set(widths)) == 1:
        return f"{len(widths)} hidden layers of {plural(widths[0], 'unit')}"
    if len(widths) > 6:
        runs = [f"{len(list(run))} of {width}" for width, run in groupby(widths)]
        return f"{len(widths)} hidden layers ({', '.join(runs)} units)"
    return f"hidden layers of {', '.join(map(str, widths[:-1]))} and {widths[len(widths) - 1]} units"


def times(ratio: Fraction) -> str:
    """A ratio of at least 1 as people say it.

    Example:
        >>> times(Fraction(90112, 301)), times(Fraction(3, 2)), times(Fraction(301, 300))
        ('299 times', '1.5 times', '1.003 times')
    """
    if ratio >= 20:
        return f"{short(round(ratio))} times"
    return f"{float(ratio):.3g} times" if ratio >= Fraction(101, 100) or ratio == 1 else f"{float(ratio):.4g} times"


def percent(ratio: Fraction) -> str:
    """A ratio as a percentage of two digits."""
    value = float(100 * ratio)
    if value >= 1:
        return f"{value:.0f} %"
    return f"{value:.2g} %" if value >= 1e-4 else "less than 0.0001 %"


def _one_budget(c: Comparison) -> bool:
    return len({row.shallow for row in c.rows}) == 1


def _shallow(c: Comparison) -> str:
    first = c.rows[0]
    where = plural(c.inputs, "input")
    if "parameters" in c.budget:
        start = f"With at most {short(c.budget['parameters'])} weights and biases on {where}, a network with "
        start += f"{layers((first.shallow_units,))}"
    elif _one_budget(c):
        start = f"With {plural(first.shallow_units, 'ReLU unit')} on {where}, a network with one hidden layer"
    else:
        return (
            f"On {where}, each network is compared with one hidden layer of as many ReLU units, whose largest number "
            "of linear regions is known exactly."
        )
    return f"{start} has at most {short(first.shallow)} linear regions, and some network has that many."


def _deep(c: Comparison, best: Row) -> list[str]:
    who = layers(best.widths)
    rival = "" if _one_budget(c) else f" (one hidden layer of {best.shallow_units}: at most {short(best.shallow)})"
    if best.proven <= best.shallow:
        if all(row.verdict in ("fewer", "equal") for row in c.rows if row.depth > 1):
            return ["No deeper network of this comparison has more, and that is proven."]
        return [
            f"No deeper network of this comparison is proven to have more: the best that is known is {who} with "
            f"{short(best.proven)}{rival}, {percent(best.gain)} of the shallow maximum."
        ]
    how = "proven, and confirmed by counting" if best.built.confirmed else "proven"
    start = f"A network with {who} can have {short(best.proven)}{rival} ({how})"
    if int(best.upper) == best.proven:
        return [f"{start} and no more: {times(best.gain)} as many."]
    return [f"{start}: {times(best.gain)} as many; more than {short(int(best.upper))} is proven to be impossible."]


def _open(c: Comparison, deep: list[Row]) -> list[str]:
    """The remarks on the deep networks that do not provably beat one layer, or provably lose."""
    out = []
    fewer = [row for row in deep if row.verdict == "fewer"]
    equal = [row for row in deep if row.verdict == "equal"]
    undecided = [row for row in deep if row.verdict == "open"]
    beaten = any(row.verdict == "more" for row in deep)
    if fewer and (beaten or undecided or equal):
        out.append(f"{_which(c, fewer)} can never reach the shallow maximum, whatever the weights.")
    if equal and (beaten or undecided or fewer):
        out.append(f"{_which(c, equal)} can have exactly as many as one hidden layer.")
    if undecided and beaten:
        best = max(undecided, key=lambda row: row.gain)
        only = "" if len(undecided) == 1 else "at most "
        out.append(
            f"{_which(c, undecided)} {'is' if len(undecided) == 1 else 'are'} not proven to beat one hidden layer: the "
            f"best known construction has {only}{short(best.proven)} regions."
        )
    return out


def _which(c: Comparison, rows: list[Row]) -> str:
    depths = [row.depth for row in rows]
    if len({row.depth for row in c.rows}) < len(c.rows):  # several networks of one depth
        names = ["-".join(map(str, row.widths)) for row in rows]
        return f"{'Network' if len(names) == 1 else 'Networks'} {listed(names)}"
    if len(depths) == 1:
        return f"The network with {depths[0]} layers"
    return f"The networks with {listed(runs(depths))} layers"


def runs(numbers: list[int]) -> list[str]:
    """Numbers with runs shortened.

    Example:
        >>> runs([2, 3, 4, 7, 9, 10])
        ['2 to 4', '7', '9', '10']
    """
    out: list[str] = []
    for _, group in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        run = [n for _, n in group]
        out += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(n) for n in run]
    return out


def listed(words: list[str]) -> str:
    """Words as `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _sampled(c: Comparison, name: str, who: str) -> list[str]:
    found = [(row, getattr(row, name)) for row in c.rows if getattr(row, name)]
    if not found:
        return []
    row, sample = max(found, key=lambda pair: pair[1].mean or 0.0)
    seeds = max(len(s.counts) for _, s in found)
    how = f"{c.init} initialisation, {plural(seeds, 'seed')} each" if name == "random" else plural(seeds, "seed")
    known = max((r for r, _ in found), key=lambda r: r.proven)
    known_mean = getattr(known, name).mean or 0.0
    share = Fraction(round(known_mean), known.proven)
    far = "have far fewer than they could" if share < Fraction(1, 4) else "are closer to what they could have"
    out = f"{who} ({how}, counted on {c.domain}) {far}: the average of "
    out += f"{layers(known.widths)} is {percent(share)} of the proven {short(known.proven)}"
    if row is known:
        return [f"{out}."]
    return [f"{out}, and the highest average is {MARKS[sample.kind]}{average(sample)}, by {layers(row.widths)}."]


def average(sample: Sample) -> str:
    """The mean as people read it: 97.4, 1,234."""
    mean = sample.mean or 0.0
    return f"{mean:,.1f}" if mean < 1000 else f"{mean:,.0f}"
