"""What a search maximises: the SWAP-Score of a space's networks, their number of parameters, and a wish for a size."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...checks import real_number, shown
from ...errors import InputError
from ..spaces.space import Space

# Samples and repeats by space: the published S = 16 on DARTS; few repeats, because a search compares many networks.
PROTOCOL = {"darts": (16, 4), "nb201": (32, 2)}
USUAL = (32, 2)
NETWORKS = ("full", "proxy")


@dataclass(frozen=True)
class SwapObjective:
    """The SWAP-Score of an architecture's network, on inputs that are the same for every architecture.

    Psi is the number of distinct sample-wise activation patterns of `space.build(architecture)` on
    `space.probe(samples)`, the mean over `repeats` draws of N(0, 1) weights.  The draws come from `seed` alone, so the
    value of an architecture does not depend on what was scored before it.

    Attributes:
        space: the search space.
        samples: S; None: 16 on "darts", 32 elsewhere.
        repeats: draws of weights; None: 4 on "darts", 2 elsewhere.
        init: as in `swap_score`.
        seed: of the draws.

    Source: Peng, Song, Fayek, Ciesielski, Chang (2024), definition 3.3.
    """

    space: Space[Any]
    samples: int | None = None
    repeats: int | None = None
    init: str = "gaussian"
    seed: int = 0
    name = "SWAP-Score"

    @cached_property
    def _inputs(self) -> Any:
        samples = self.samples if self.samples is not None else PROTOCOL.get(self.space.name, USUAL)[0]
        return self.space.probe(samples)

    def __call__(self, architecture: Any) -> float:
        """Psi of an architecture."""
        from ..scoring.score import swap_score

        repeats = self.repeats if self.repeats is not None else PROTOCOL.get(self.space.name, USUAL)[1]
        model = self.space.build(architecture)
        score = swap_score(model, self._inputs, init=self.init, repeats=repeats, seed=self.seed, companions=False)
        return score.value


@dataclass(frozen=True)
class ParameterObjective:
    """The number of parameters of an architecture's network: what a score has to be better than.

    Attributes:
        space: the search space.
        network: "full" or "proxy", as in `SizeTarget`.

    Example:
        >>> from linregions.scores.spaces import find_space
        >>> space = find_space("digits")
        >>> ParameterObjective(space)(space.parse("none|none|none|skip|none|none width 4 depth 1 relu"))
        102.0
    """

    space: Space[Any]
    network: str = "proxy"
    name = "parameters"

    def __call__(self, architecture: Any) -> float:
        """The number of parameters."""
        return float(network_parameters(self.space, architecture, network=self.network))


@dataclass(frozen=True)
class SizeTarget:
    """A wish for a size: log Psi - ((Theta - target) / width)^2 takes the place of the score Psi.

    This ranks as the published regularised score Psi exp(-(Theta - mu)^2 / sigma) does, with mu = target and
    sigma = width^2, and cannot underflow.  Both are in parameters; Theta is the number of parameters of the *full*
    network, the one to be trained (3.3e6, say), or of the proxy that is scored, as published.

    Attributes:
        target: the number of parameters that is wanted.
        width: how far from it costs a factor e of the score; a quarter of the target where None is given.
        network: "full" or "proxy".

    Raises:
        InputError: target or width is not positive and finite, or there is no such network.

    Example:
        >>> size = SizeTarget(3.3e6)
        >>> size.term(3_300_000), size.term(4_125_000)
        (0.0, -1.0)
    """

    target: float
    width: float | None = None
    network: str = "full"

    def __post_init__(self) -> None:
        target = _positive(self.target, "size_target")
        object.__setattr__(self, "target", target)
        width = target / 4 if self.width is None else _positive(self.width, "size_width")
        object.__setattr__(self, "width", width)
        if self.network not in NETWORKS:
            raise InputError(f"size_network must be one of {', '.join(NETWORKS)}, got {shown(self.network)}")

    def term(self, parameters: int) -> float:
        """-((Theta - target) / width)^2."""
        assert self.width is not None
        away = (parameters - self.target) / self.width
        return 0.0 - away * away

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {"target": self.target, "width": self.width, "network": self.network}


def network_parameters(space: Space[Any], architecture: Any, *, network: str = "full") -> int:
    """The number of parameters of an architecture's network, counted on the network itself.

    Args:
        space: the search space.
        architecture: a member of it.
        network: "proxy": what `space.build` gives without options; "full": with `proxy=False` where the space has
            that option, the network that is meant to be trained.  In a space without proxies both are the same.
    """
    from ..measures.sizes import parameters

    has_proxy = "proxy" in inspect.signature(space.build).parameters
    options = {"proxy": False} if network == "full" and has_proxy else {}
    # Not on the meta device: making the modules is what takes the time, and a device as a context slows it down.
    return parameters(space.build(architecture, **options))


def objective_with_size(score: Any, space: Space[Any], size: SizeTarget | None) -> Any:
    """The function that is maximised: `score`, or with a size target its logarithm and the size term."""
    if size is None:
        return score

    def regularised(architecture: Any) -> float:
        value = float(score(architecture))
        if not value > 0.0:
            raise InputError(
                f"score: {shown(value)} has no logarithm, which a size_target needs; give a score that is positive"
            )
        return math.log(value) + size.term(network_parameters(space, architecture, network=size.network))

    return regularised


def _positive(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not (math.isfinite(number) and number > 0.0):
        raise InputError(f"{what} must be a positive number of parameters, got {shown(value)}; 3.3e6 is 3.3 million")
    return number
