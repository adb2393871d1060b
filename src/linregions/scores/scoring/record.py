"""The records of a score: what one pass showed, and the score with everything that says how far to trust it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...checks import plural
from ...partition import Kind
from . import cautions
from .cautions import limit_of
from .regularise import Regularisation

# NWOT compares every sample with every other on every unit: beyond so many samples it is left out.
KERNEL_SAMPLES = 1024


@dataclass(frozen=True)
class LayerScore:
    """One activation call: its units, and how many of their patterns differ within it.

    `distinct`, `dead` (units active for no sample) and `always_on` (units active for every one) are means over the
    repeats: whole numbers where there was one.  Layers share patterns, so the `distinct` of all layers add up to the
    score or more.
    """

    name: str
    kind: str
    units: int
    distinct: float
    dead: float
    always_on: float

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.kind}): {number(self.distinct)} distinct of {self.units:,} units, "
            f"{number(self.dead)} dead, {number(self.always_on)} always on"
        )

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Pass:
    """What one forward pass showed: the patterns of one draw of the weights."""

    distinct: int
    kind: Kind
    layers: tuple[LayerScore, ...]
    standard: int | None = None
    nwot: float | None = None
    near_zero: int | None = None
    interval: str = ""

    @property
    def units(self) -> int:
        """Number of units seen."""
        return sum(layer.units for layer in self.layers)


@dataclass(frozen=True)
class Score:
    """The SWAP-Score of a network, and what has to be known to read it.

    `value` is what to rank by (larger is better): `swap`, the mean number of distinct sample-wise activation patterns
    over the repeats, times the size term where the score is regularised.  `per_repeat` are the exact counts; where
    `kind` is estimate they are not exact, because a sketch was asked for.

    * `units` V and `samples` S bound it: no network exceeds `limit` = min(V, symbols^S), where a unit shows one of
      `symbols` values for a sample (2 for the indicator `positive`); `saturation` is the share that is reached.
    * `standard` is the number of different rows, one pattern per *sample* (the statistic of TE-NAS), `nwot` log|det|
      of the kernel of agreements; both are means over the repeats, None where they were not asked for, and `nwot` is
      -inf where the kernel is singular.
    * `parameters` is the size of the network without auxiliary heads; `size` the size term; `log_regularised` is
      log(swap) - (Theta - mu)^2 / sigma, which ranks like the regularised score and never underflows.
    * `near_zero` counts the values closer to 0 than `eps` of the call, over all repeats: about so many signs may differ
      on another device.
    * `ignored` names activations that do not depend on the inputs; `warnings` are sentences on what not to conclude.

    Example:
        >>> score = summarise([Pass(3, Kind.EXACT, (LayerScore("0", "relu", 4, 3, 1, 0),))], samples=8)
        >>> score.value, score.limit, score.saturation
        (3.0, 4, 0.75)
        >>> print(score)
        swap        3 distinct patterns
        limit       4, the number of units; 75.0 % reached
        units       4 in 1 activation; 25.0 % dead, 0.0 % always on
        samples     8
        protocol    indicator positive, mode auto, init keep, seed 0
    """

    value: float
    swap: float
    per_repeat: tuple[int, ...]
    kind: Kind
    layers: tuple[LayerScore, ...]
    units: int
    samples: int
    symbols: int
    standard: float | None
    nwot: float | None
    parameters: int | None
    regularised: bool
    size: Regularisation | None
    log_regularised: float | None
    near_zero: int | None
    indicator: str
    mode: str
    init: str
    seed: int
    seconds: float
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __float__(self) -> float:
        return self.value

    @property
    def repeats(self) -> int:
        """How many passes were made."""
        return len(self.per_repeat)

    @property
    def sd(self) -> float | None:
        """Standard deviation of `per_repeat` (divisor repeats - 1); None for one repeat."""
        return statistics.stdev(self.per_repeat) if self.repeats > 1 else None

    @property
    def standard_error(self) -> float | None:
        """Standard error of `swap`; None for one repeat.  For a regularised value multiply by `factor`."""
        return None if self.sd is None else self.sd / math.sqrt(self.repeats)

    @property
    def limit(self) -> int:
        """No network with so many units scores higher on so many samples: min(V, symbols^S)."""
        return limit_of(self.units, self.symbols, self.samples)

    @property
    def saturation(self) -> float:
        """The share of `limit` that is reached."""
        return self.swap / self.limit

    @property
    def factor(self) -> float:
        """What `value` is of `swap`: the size term, or 1."""
        if not self.regularised or self.size is None or self.parameters is None:
            return 1.0
        return self.size.factor(self.parameters)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types; an infinite number is null."""
        return {
            "value": self.value,
            "swap": self.swap,
            "per_repeat": list(self.per_repeat),
            "kind": self.kind.value,
            "repeats": self.repeats,
            "sd": self.sd,
            "standard_error": self.standard_error,
            "units": self.units,
            "samples": self.samples,
            "symbols": self.symbols,
            "limit": self.limit,
            "saturation": self.saturation,
            "standard": self.standard,
            "nwot": _finite(self.nwot),
            "nwot_singular": None if self.nwot is None else self.nwot == -math.inf,
            "parameters": self.parameters,
            "regularised": self.regularised,
            "mu": self.size.mu if self.size else None,
            "sigma": self.size.sigma if self.size else None,
            "unit": self.size.unit if self.size else None,
            "log_regularised": _finite(self.log_regularised),
            "near_zero": self.near_zero,
            "indicator": self.indicator,
            "mode": self.mode,
            "init": self.init,
            "seed": self.seed,
            "seconds": self.seconds,
            "layers": [layer.as_dict() for layer in self.layers],
            "ignored": list(self.ignored),
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        name = "regularised SWAP" if self.regularised else "SWAP"
        times = f", {self.repeats} repeats" if self.repeats > 1 else ""
        return f"<Score {name} {number(self.value)}: {self.units:,} units, {self.samples} samples{times}>"

    def __str__(self) -> str:
        return "\n".join(f"{name:<11} {text}" for name, text in _lines(self))


def summarise(
    passes: Sequence[Pass],
    *,
    samples: int,
    symbols: int = 2,
    parameters: int | None = None,
    size: Regularisation | None = None,
    regularised: bool = False,
    indicator: str = "positive",
    mode: str = "auto",
    init: str = "keep",
    seed: int = 0,
    seconds: float = 0.0,
    ignored: Sequence[str] = (),
    folded: Sequence[str] = (),
    alike: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Score:
    """The score of one or more passes over the same samples; `warnings` are those that only the caller can know of."""
    counts = tuple(p.distinct for p in passes)
    swap = statistics.fmean(counts)
    log_factor = size.log_factor(parameters) if size and parameters is not None else None
    units = max(p.units for p in passes)
    standard = _mean([p.standard for p in passes])
    return Score(
        value=swap * math.exp(log_factor) if regularised and log_factor is not None else swap,
        swap=swap,
        per_repeat=counts,
        kind=Kind.EXACT if all(p.kind is Kind.EXACT for p in passes) else Kind.ESTIMATE,
        layers=_layers(passes),
        units=units,
        samples=samples,
        symbols=symbols,
        standard=standard,
        nwot=_mean([p.nwot for p in passes]),
        parameters=parameters,
        regularised=regularised,
        size=size,
        log_regularised=None if log_factor is None else math.log(swap) + log_factor,
        near_zero=sum(p.near_zero or 0 for p in passes) if passes[0].near_zero is not None else None,
        indicator=indicator,
        mode=mode,
        init=init,
        seed=seed,
        seconds=seconds,
        ignored=tuple(ignored),
        warnings=(
            *cautions.on_saturation(swap, units, symbols, samples),
            *cautions.on_underflow(size, parameters),
            *cautions.on_units(passes),
            *cautions.on_estimates(passes),
            *cautions.on_ignored(ignored),
            *cautions.on_folded(folded),
            *cautions.on_alike(alike, samples),
            *warnings,
        ),
    )


def _layers(passes: Sequence[Pass]) -> tuple[LayerScore, ...]:
    """Means over the passes that met the layer."""
    found: dict[tuple[str, str], list[LayerScore]] = {}
    for one in passes:
        for layer in one.layers:
            found.setdefault((layer.name, layer.kind), []).append(layer)
    if len(passes) == 1:
        return passes[0].layers
    return tuple(
        LayerScore(
            name,
            kind,
            max(layer.units for layer in seen),
            statistics.fmean(layer.distinct for layer in seen),
            statistics.fmean(layer.dead for layer in seen),
            statistics.fmean(layer.always_on for layer in seen),
        )
        for (name, kind), seen in found.items()
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return statistics.fmean(known) if known else None


def number(value: float) -> str:
    """A count or a mean of counts: whole numbers without a fraction, and no false digits."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _lines(score: Score) -> list[tuple[str, str]]:
    about = "about " if score.kind is Kind.ESTIMATE else ""
    swap = f"{about}{number(score.swap)} distinct {'pattern' if score.swap == 1 else 'patterns'}"
    if score.sd is not None and score.standard_error is not None:
        swap += f", mean of {score.repeats} repeats (sd {score.sd:.3g}, standard error {score.standard_error:.3g})"
    of = "the number of units" if score.limit == score.units else f"{score.symbols}^{score.samples}"
    lines = [("swap", swap), *_size_lines(score)]
    lines.append(("limit", f"{score.limit:,}, {of}; {100 * score.saturation:.1f} % reached"))
    lines.append(("units", _unit_line(score)))
    lines.append(("samples", _sample_line(score)))
    if score.parameters is not None:
        lines.append(("parameters", f"{score.parameters:,}"))
    if score.near_zero is not None:
        lines.append(("near zero", f"{plural(score.near_zero, 'entry', 'entries')}"))
    lines.append(("protocol", f"indicator {score.indicator}, mode {score.mode}, init {score.init}, seed {score.seed}"))
    return lines + [("warning", text) for text in score.warnings]


def _unit_line(score: Score) -> str:
    share = 100 / max(1, sum(layer.units for layer in score.layers))
    dead, on = (sum(getattr(layer, name) for layer in score.layers) * share for name in ("dead", "always_on"))
    calls = plural(len(score.layers), "activation")
    return f"{score.units:,} in {calls}; {dead:.1f} % dead, {on:.1f} % always on"


def _sample_line(score: Score) -> str:
    parts = [f"{score.samples:,}"]
    if score.standard is not None:
        # The number is at its limit then and tells networks apart no more.
        all_differ = " (each sample its own)" if score.standard == score.samples else ""
        parts.append(f"{number(score.standard)} standard patterns{all_differ}")
    if score.standard is not None and score.nwot is None:
        parts.append(f"NWOT left out beyond {KERNEL_SAMPLES:,} samples")
    if score.nwot is not None:
        parts.append(f"NWOT {'-inf (singular kernel)' if score.nwot == -math.inf else f'{score.nwot:.4f}'}")
    return "; ".join(parts)


def _size_lines(score: Score) -> list[tuple[str, str]]:
    if score.size is None or score.parameters is None:
        return []
    theta = f"{score.size.theta(score.parameters):g} {score.size.unit}"
    bell = f"mu {score.size.mu:g}, sigma {score.size.sigma:g}, {theta}; log {score.log_regularised:.4f}"
    if not score.regularised:
        return [("regularised", f"not asked for; {bell}")]
    return [("regularised", f"{score.value:.6g} = swap x {score.factor:.4g} ({bell})")]
