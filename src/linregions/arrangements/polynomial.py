"""The characteristic polynomial of an arrangement, with what Zaslavsky's theorem reads off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class CharacteristicPolynomial:
    """`chi(t) = sum over flats F of mu(F) t^dim(F)`; `coefficients` stand from t^n down to t^0.

    Example:
        >>> chi = CharacteristicPolynomial.of_whitney((1, 4, 5))
        >>> print(chi)
        t^2 - 4 t + 5
        >>> chi(7), chi.regions, chi.bounded
        (26, 10, 2)
    """

    coefficients: tuple[int, ...]

    @classmethod
    def of_whitney(cls, numbers: Sequence[int]) -> CharacteristicPolynomial:
        """The polynomial with these unsigned Whitney numbers of the first kind b_0, ..., b_n."""
        return cls(tuple((-1) ** k * b for k, b in enumerate(numbers)))

    @property
    def degree(self) -> int:
        """The dimension of the space."""
        return len(self.coefficients) - 1

    @property
    def regions(self) -> int:
        """Number of regions: `|chi(-1)|`."""
        return int(abs(self(-1)))

    @property
    def bounded(self) -> int:
        """Number of relatively bounded regions (bounded up to the lineality space): `|chi(1)|`."""
        return int(abs(self(1)))

    def __call__(self, t: int | Fraction) -> int | Fraction:
        """The value at t.  At a prime power q it counts the points over the field of q elements on no hyperplane.

        That is for integer rows and all but finitely many primes (Athanasiadis 1996).
        """
        total: int | Fraction = 0
        for c in self.coefficients:
            total = total * t + c
        return total

    def __str__(self) -> str:
        words = []
        for k, c in enumerate(self.coefficients):
            if c:
                words.append(("+ " if c > 0 else "- ") + _term(abs(c), self.degree - k))
        text = " ".join(words) or "+ 0"
        return text[2:] if text[0] == "+" else "-" + text[2:]


def _term(size: int, power: int) -> str:
    if power == 0:
        return str(size)
    base = "t" if power == 1 else f"t^{power}"
    return base if size == 1 else f"{size} {base}"
