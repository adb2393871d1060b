"""The size term of the regularised score: a bell around a target number of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...checks import real_number, shown
from ...errors import InputError

UNITS = {"params": 1, "kparams": 1_000, "Mparams": 1_000_000}


@dataclass(frozen=True)
class Regularisation:
    """The factor `f(Theta) = exp(-(Theta - mu)^2 / sigma)` of a network of size Theta.

    Theta is the number of parameters in `unit`: `params`, `kparams` (thousands, as published) or `Mparams`.  Sigma is
    not squared and there is no factor 2; that is how the score was published.  `mu` and `sigma` are in that unit (sigma
    in its square), so numbers that suit one search space are meaningless in another.

    The factor is exactly 0 in float64 where (Theta - mu)^2 / sigma exceeds 745, and then every score is 0;
    `log_factor` never underflows.

    Args:
        mu: the target size.
        sigma: the width, positive.
        unit: of Theta.

    Raises:
        InputError: mu or sigma is not finite, sigma is not positive, or the unit is not known.

    Source: Peng, Song, Fayek, Ciesielski, Chang (2024), definitions 3.4 and 3.5.

    Example:
        >>> size = Regularisation(mu=1.5, sigma=2.0)
        >>> size.theta(2_500), size.log_factor(2_500), round(size.factor(2_500), 6)
        (2.5, -0.5, 0.606531)
    """

    mu: float
    sigma: float
    unit: str = "kparams"

    def __post_init__(self) -> None:
        mu, sigma = real_number(self.mu, "mu"), real_number(self.sigma, "sigma")
        if not math.isfinite(mu):
            raise InputError(f"mu must be finite, got {mu}; it is the size that is wanted, in {self.unit}")
        if not (math.isfinite(sigma) and sigma > 0.0):
            raise InputError(f"sigma must be positive and finite, got {sigma}; it is the width of the bell around mu")
        if not isinstance(self.unit, str) or self.unit not in UNITS:
            raise InputError(f"unit must be one of {', '.join(UNITS)}, got {shown(self.unit)}")
        object.__setattr__(self, "mu", mu)
        object.__setattr__(self, "sigma", sigma)

    def theta(self, parameters: int) -> float:
        """The size Theta: `parameters` in the unit."""
        return parameters / UNITS[self.unit]

    def log_factor(self, parameters: int) -> float:
        """Log f(Theta) = -(Theta - mu)^2 / sigma."""
        away = self.theta(parameters) - self.mu
        return -(away * away) / self.sigma

    def factor(self, parameters: int) -> float:
        """f(Theta), between 0 and 1."""
        return math.exp(self.log_factor(parameters))


def regularisation(regularised: Any, mu: Any, sigma: Any, unit: Any) -> Regularisation | None:
    """The size term that the arguments of a score ask for, None where neither mu nor sigma is given.

    With mu and sigma and without `regularised` the value of the score stays raw, and its `log_regularised` is there.

    Raises:
        InputError: the score is to be regularised without mu or sigma, or only one of them is given.
    """
    if mu is None and sigma is None and not regularised:
        if not isinstance(unit, str) or unit not in UNITS:
            raise InputError(f"unit must be one of {', '.join(UNITS)}, got {shown(unit)}")
        return None
    if mu is None or sigma is None:
        missing = " and ".join(name for name, value in (("mu", mu), ("sigma", sigma)) if value is None)
        raise InputError(
            f"{missing}: a regularised score needs the size that is wanted (mu) and a width (sigma), "
            f"both in {shown(unit)}; give {missing}"
        )
    return Regularisation(mu, sigma, unit)
