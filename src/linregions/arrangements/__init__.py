"""Hyperplane arrangements: intersection lattice, Whitney numbers, characteristic polynomial, regions, in integers.

What the hidden units of a network with one hidden layer cut the inputs with, or rows of numbers given as they are.
"""

from .lattice import Flat, IntersectionLattice, intersection_lattice
from .polynomial import CharacteristicPolynomial
from .rows import hyperplanes
from .whitney import bounded_regions, characteristic_polynomial, regions, whitney_numbers

__all__ = [
    "CharacteristicPolynomial",
    "Flat",
    "IntersectionLattice",
    "bounded_regions",
    "characteristic_polynomial",
    "hyperplanes",
    "intersection_lattice",
    "regions",
    "whitney_numbers",
]
