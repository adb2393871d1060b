"""Pictures of decision boundaries show the pieces that the boundary has."""

from __future__ import annotations

import numpy as np
import pytest
from boundary_nets import norm, torus

from linregions import Box, InputError, Network, Space, enumerate_regions, plot

pytest.importorskip("matplotlib")
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection


def test_curves_are_drawn_over_the_regions():
    box = Box.cube(-2, 2, 2)
    figure = plot.boundary(norm(2, 1.0), box)
    (axes,) = figure.axes
    assert axes.get_title() == "f_0 = 0: 4 pieces, Betti numbers 1, 1"
    (lines,) = (c for c in axes.collections if isinstance(c, LineCollection))
    (path,) = lines.get_paths()
    assert {tuple(v) for v in path.vertices} == {(1, 0), (0, 1), (-1, 0), (0, -1)}
    # Closed: five points for four corners.
    assert np.array_equal(path.vertices[0], path.vertices[-1])
    (cells,) = (c for c in axes.collections if isinstance(c, PolyCollection))
    assert len(cells.get_paths()) == len(enumerate_regions(norm(2, 1.0), box))


def test_every_kind_has_its_line_and_fat_regions_are_filled():
    # |relu(x) - 1| - 1 vanishes where x <= 0 and at x = 2.
    net = Network.from_arrays([([[1, 0]], [0]), ([[1], [-1]], [-1, 1]), ([[1, 1]], [-1])])
    figure = plot.boundary(net, Box([-3, -1], [3, 1]))
    axes = figure.axes[0]
    labels = sorted(c.get_label() for c in axes.collections if isinstance(c, LineCollection))
    assert labels == ["changes sign", "ends being zero"]
    assert axes.get_legend() is not None
    fat = [c for c in axes.collections if isinstance(c, PolyCollection)][1]
    assert {tuple(v) for v in fat.get_paths()[0].vertices} == {(-3, -1), (0, -1), (0, 1), (-3, 1)}


def test_a_surface_is_drawn_piece_by_piece():
    figure = plot.boundary(torus(), Box.cube(-3, 3, 3))
    (axes,) = figure.axes
    assert axes.get_title() == "f_0 = 0: 64 pieces, Betti numbers 1, 2, 1"
    (surface,) = (c for c in axes.collections if isinstance(c, Poly3DCollection))
    figure.draw_without_rendering()
    assert len(surface.get_paths()) == 64
    given = Figure().add_subplot(projection="3d")
    assert plot.boundary(norm(3, 1.0), Box.cube(-2, 2, 3), axes=given) is given.figure
    # Nothing vanishes: an empty picture, and no error.
    assert (
        plot.boundary(norm(3, 9.0), Box.cube(-2, 2, 3)).axes[0].get_title()
        == "f_0 = 0: 0 pieces, Betti numbers 0, 0, 0"
    )


def test_what_cannot_be_drawn_is_refused():
    for call, message in [
        (
            lambda: plot.boundary(norm(1, 1.0), Box.cube(-2, 2, 1)),
            "domain: a picture needs a Box, Polytope or Plane of ",
        ),
        (lambda: plot.boundary(norm(2, 1.0), Space(2)), "domain: a picture needs a bounded one"),
        (lambda: plot.boundary(norm(2, 1.0), Box.cube(-2, 2, 2), i=1), "i: expected an output of the network, 0 to 0"),
        (
            lambda: plot.boundary(norm(3, 1.0), Box.cube(-2, 2, 3), axes=Figure().add_subplot()),
            "axes: a surface needs matplotlib axes with projection='3d'",
        ),
    ]:
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value).startswith(message)
