"""The picture of a ranking shows the points it was given."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.colors import LogNorm

from linregions import plot
from linregions.errors import InputError


def points(figure):
    return np.asarray(figure.axes[0].collections[0].get_offsets())


def test_points_stand_where_the_numbers_are():
    x, y = [3.0, 1.0, 2.0], [60.0, 80.0, 80.0]
    figure = plot.scatter(x, y, labels=("SWAP", "accuracy", "size"), title="three")
    assert points(figure).tolist() == [[3, 60], [1, 80], [2, 80]]
    assert figure.axes[0].get_xlabel() == "SWAP"
    assert len(figure.axes) == 1


def test_ranks_are_midranks_and_show_infinities():
    x, y = [-math.inf, 5.0, 5.0, 9.0], [1.0, 2.0, 3.0, 4.0]
    assert points(plot.scatter(x, y, ranks=True)).tolist() == [[1, 1], [2.5, 2], [2.5, 3], [4, 4]]
    assert len(points(plot.scatter(x, y))) == 3


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 8, 300])
def test_ticks_of_ranks_are_whole(n):
    axes = plot.scatter(range(n), range(n), ranks=True).axes[0]
    for ticks in (axes.get_xticks(), axes.get_yticks()):
        assert len(ticks) >= 1
        assert all(tick == round(tick) for tick in ticks)


def test_size_is_colour():
    figure = plot.scatter([1, 2, 3], [1, 2, 3], size=[1, 10, 1000], labels=("a", "b", "parameters"))
    drawn = figure.axes[0].collections[0]
    assert drawn.get_cmap().name == "cividis"
    assert isinstance(drawn.norm, LogNorm)
    assert np.asarray(drawn.get_array()).tolist() == [1, 10, 1000]
    assert figure.axes[1].get_ylabel() == "parameters"
    assert len(plot.scatter([1, 2], [1, 2], size=[5, 5], labels=("a", "b", "")).axes) == 1
    plot.scatter([], [], size=[])


def test_axes_and_files(tmp_path):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot.scatter([1], [2], axes=ax) is ax.figure
    plot.scatter([1], [2], tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: plot.scatter([1, 2], [1]), "truth must have 2 numbers, one for each score, got 1"),
        (lambda: plot.scatter([1], [1], size=[1, 2]), "size must have 1 number"),
        (lambda: plot.scatter([math.nan], [1]), "score has NaN at entry 0"),
        (lambda: plot.scatter("ab", [1]), "score must be a sequence of numbers"),
        (lambda: plot.scatter([[1]], [1]), "score must be one number for each network"),
        (lambda: plot.scatter([1], [1], "x.doc"), "cannot be written"),
        (lambda: plot.scatter([1], [1], axes=3), "axes: expected 1 matplotlib axes"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
