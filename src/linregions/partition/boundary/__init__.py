"""Decision boundaries: pieces, curves, meshes and Betti numbers of the set where two outputs agree."""

from __future__ import annotations

from .curves import Curve
from .mesh import Mesh
from .record import Boundary, Side

__all__ = ["Boundary", "Curve", "Mesh", "Side"]
