"""Enclosures of smooth functions on dyadic boxes that many simplices share."""

from __future__ import annotations

from typing import Any

from .coefficients import PolynomialTerms


def terms_of(forms: Any, degree: int | None, coordinates: int) -> Any:
    """The source of coefficients that suits the forms: exact polynomials, or enclosures of Taylor polynomials on boxes."""
    polynomials = getattr(forms, "polynomials", None)
    if polynomials is not None:
        return PolynomialTerms([getattr(p, "terms", p) for p in polynomials])
    raise NotImplementedError
