"""Pictures show what the partition holds: edges and colours are compared with counts and images of the network."""

from __future__ import annotations

import builtins
import io
import itertools
import math
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import (
    Box,
    InputError,
    MissingExtraError,
    Network,
    Plane,
    Polytope,
    Segment,
    Space,
    bounds,
    constructions,
    count,
    enumerate_regions,
    plot,
)

pytest.importorskip("matplotlib")
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from linregions.comparison import Sample, compare
from linregions.plot import regions
from linregions.plot.folds import reading

SQUARE = Box.cube(0, 2, 2)
ABS = constructions.zigzag_product(2, [4, 4, 4])


def random_network(seed, widths):
    rng = np.random.default_rng(seed)
    sizes = itertools.pairwise(widths)
    return Network.from_arrays([(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in sizes])


def lines_of(axes):
    """The line collections of one picture, from the deepest layer's to the first one's."""
    found = [c for c in axes.collections if isinstance(c, LineCollection)]
    return sorted(found, key=lambda c: c.get_zorder())


@given(seed=st.integers(0, 10**6), widths=st.lists(st.integers(1, 6), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_every_depth_is_drawn_once_and_the_earlier_on_top(seed, widths):
    net = random_network(seed, [2, *widths, 1])
    box = Box.cube(-1, 1, 2)
    axes = plot.partition(net, box).axes[0]
    drawn = lines_of(axes)
    assert len(drawn) == len(widths)
    for k, lines in enumerate(reversed(drawn), start=1):
        assert len(lines.get_paths()) == count(Network(net.stages[:k]), box).value
    widths_drawn = [lines.get_linewidth()[0] for lines in drawn]
    assert widths_drawn == sorted(widths_drawn)
    assert len({tuple(lines.get_color()[0]) for lines in drawn}) == len(widths)


def test_a_boundary_has_the_colour_of_the_layer_that_makes_it():
    axes = plot.partition(ABS, SQUARE).axes[0]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["layer 1", "layer 2", "layer 3"]
    assert axes.get_title() == "176 activation regions"
    deepest, middle, first = lines_of(axes)
    colours = [h.get_color() for h in axes.get_legend().legend_handles]
    assert [to_rgba(c) for c in colours] == [tuple(lines.get_color()[0]) for lines in (first, middle, deepest)]
    # The first layer cuts at 1, the second at 1/2 and 3/2.
    corners = {tuple(v) for path in first.get_paths() for v in path.vertices}
    assert corners == {(x, y) for x in (0, 1, 2) for y in (0, 1, 2)}
    corners = {tuple(v) for path in middle.get_paths() for v in path.vertices}
    assert corners == {(x / 2, y / 2) for x in range(5) for y in range(5)}


def test_values_colour_the_regions():
    net = random_network(3, [2, 5, 1])
    figure = plot.partition(net, Box.cube(-1, 1, 2), colour="value")
    (cells,) = (c for c in figure.axes[0].collections if isinstance(c, PolyCollection))
    found = enumerate_regions(net, Box.cube(-1, 1, 2))
    assert len(cells.get_paths()) == len(found)
    middles = np.array([found.vertices(i).mean(axis=0) for i in range(len(found))])
    np.testing.assert_allclose(cells.get_array(), net(middles)[:, 0])


def test_a_plane_slice_and_a_polytope_are_drawn_in_their_coordinates():
    net = random_network(4, [5, 6, 4, 1])
    plane = Plane.through(np.zeros(5), np.eye(5)[0], np.eye(5)[1], region="triangle")
    axes = plot.partition(net, plane).axes[0]
    assert axes.get_xlabel() == "$s$"
    assert axes.get_title() == f"{count(net, plane).value} activation regions"
    triangle = Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])
    flat = random_network(5, [2, 8, 1])
    whole = count(flat, triangle).value
    assert whole > 1
    assert plot.partition(flat, triangle).axes[0].get_title() == f"{whole} activation regions"


def pixels(axes):
    """The picture (rows, columns, rgb) and the point in the middle of every pixel."""
    (image,) = axes.get_images()
    shown = np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    x = left + (np.arange(shown.shape[1]) + 0.5) / shown.shape[1] * (right - left)
    y = bottom + (np.arange(shown.shape[0]) + 0.5) / shown.shape[0] * (top - bottom)
    return shown, np.stack(np.meshgrid(x, y), axis=-1)


def test_inputs_that_share_an_image_have_one_colour_and_others_have_not():
    figure = plot.folding(ABS, SQUARE)
    assert len(figure.axes) == 3
    for k, axes in enumerate(figure.axes):
        shown, points = pixels(axes)
        # The image without the network: k absolute values on each axis, (0, 2) -> (0, 1) -> (0, 1).
        image = points.copy()
        for _ in range(k):
            image = np.abs(image - 1.0)
            image = image * 2.0
        flat, colours = image.reshape(-1, 2), shown.reshape(-1, 3)
        keys = np.round(flat * 10**6).astype(np.int64)
        _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        assert len(first) == len(keys) // 4**k
        np.testing.assert_allclose(colours, colours[first][group.ravel()], atol=1e-12)
        assert len(np.unique(np.round(colours[first] * 10**9), axis=0)) == len(first)


def test_the_titles_say_how_many_regions_there_are_after_each_layer():
    titles = [axes.get_title().split(": ")[1] for axes in plot.folding(ABS, SQUARE).axes]
    assert titles == ["4 regions", "16 regions", "176 regions"]
    (axes,) = plot.folding(ABS, SQUARE, layers=[3]).axes
    assert axes.get_title() == "folded by layers 1 and 2,\ncut by layer 3: 176 regions"


def test_a_layer_that_reads_one_dimension_or_none_is_drawn():
    one = Network.from_arrays([([[1.0, 1.0], [2.0, 2.0]], [0.0, -1.0]), ([[1.0, 1.0]], [0.0])])
    (axes,) = plot.folding(one, Box.cube(-1, 1, 2)).axes
    shown, points = pixels(axes)
    along = points.sum(axis=-1)
    assert np.ptp(shown[np.abs(along - 0.5) < 1e-3], axis=0).max() < 1e-3
    dead = Network.from_arrays([([[0.0, 0.0]], [-1.0]), ([[1.0]], [0.0])])
    shown, _ = pixels(plot.folding(dead, Box.cube(-1, 1, 2)).axes[0])
    assert np.ptp(shown.reshape(-1, 3), axis=0).max() == 0


def test_a_plane_slice_folds_in_its_own_coordinates():
    plane = Plane.through([0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0])
    c = constructions.zigzag_product(3, [6, 6])
    axes = plot.folding(c, plane, layers=[1]).axes[0]
    assert axes.get_title().endswith(f"{count(Network(c.network.stages[:1]), plane).value} regions")
    with pytest.raises(InputError, match="layer 2 reads its inputs in 3 dimensions"):
        plot.folding(random_network(1, [3, 4, 3, 1]), plane)


@given(
    st.lists(st.lists(st.integers(-3, 3).map(Fraction), min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(st.integers(-2, 2), min_size=4, max_size=4),
)
def test_a_reading_tells_exactly_what_the_rows_tell(rows, x):
    found = reading(rows)
    # It vanishes where all rows do, and the other way round: the row spaces are equal.
    size = np.linalg.matrix_rank(np.array(rows, dtype=float))
    assert len(found) == size
    assert np.linalg.matrix_rank(np.array([*rows, *found], dtype=float)) == size


def test_more_regions_than_a_picture_shows_are_refused(monkeypatch):
    monkeypatch.setattr(regions, "MOST_REGIONS", 100)
    with pytest.raises(InputError, match="more than 100 regions are too many for a picture"):
        plot.partition(ABS, SQUARE)


def test_given_axes_are_drawn_on():
    figure = Figure()
    row = figure.subplots(1, 3)
    assert plot.folding(ABS, SQUARE, axes=row) is figure
    assert all(axes.get_images() for axes in row)
    single = Figure().subplots()
    assert plot.partition(ABS, SQUARE, axes=single) is single.figure
    with pytest.raises(InputError, match="axes: expected 3 matplotlib axes"):
        plot.folding(ABS, SQUARE, axes=single)
    with pytest.raises(InputError, match="axes: expected 1 matplotlib axes"):
        plot.partition(ABS, SQUARE, axes="here")


def test_no_picture_loads_pyplot_and_no_import_loads_matplotlib():
    code = """
import sys
from linregions import Box, constructions, plot
assert "matplotlib" not in sys.modules
plot.partition(constructions.zigzag_product(2, [4]), Box.cube(0, 1, 2))
assert "matplotlib.figure" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.partition(ABS, Space(2)), "domain: a picture needs a bounded one"),
        (lambda: plot.partition(ABS, Polytope([[1, 0]], [1])), "domain: a picture needs a bounded one"),
        (lambda: plot.partition(ABS, Segment([0, 0], [1, 1])), "of dimension 2, got segment"),
        (lambda: plot.partition(ABS, Box.cube(0, 1, 3)), "of dimension 2, got box"),
        (lambda: plot.partition(ABS, Plane.through([0, 0, 0], [1, 0, 0], [0, 1, 0])), "has 3 inputs and the network 2"),
        (lambda: plot.partition(ABS, [0, 1]), "domain: a picture needs a Box"),
        (lambda: plot.partition(ABS, SQUARE, colour="red"), "colour: expected 'depth' or 'value', got 'red'"),
        (lambda: plot.folding(ABS, SQUARE, layers=[5]), "layers must be a whole number from 1 to 4, got 5"),
        (lambda: plot.folding(ABS, SQUARE, layers=[]), "layers: at least one is needed"),
        (lambda: plot.folding(random_network(0, [2, 5, 5, 1]), SQUARE), "layer 2 reads its inputs in 5 dimensions"),
        (lambda: plot.growth([1, 2]), "nothing to draw"),
        (lambda: plot.growth([1, 2], lines={"deep": [1]}), "deep: needs one number for each of the 2 x, got 1"),
        (
            lambda: plot.growth([1, 2], lines={"deep": [1, 0]}),
            "deep: a logarithmic scale needs positive",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(call, message):
    with pytest.raises(InputError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_missing_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'linregions\[plot\]'"):
        plot.growth([1], lines={"a": [1]})


def test_growth_takes_integers_of_any_size():
    lower, upper = [10**400, 10**800], [10**500, 10**900 + 1]
    figure = plot.growth([1, 2], bands={"deep": (lower, upper)}, lines={"shallow": [10, None]}, points={"p": [7, 9]})
    axes = figure.axes[0]
    drawn = {tuple(line.get_ydata()) for line in axes.lines}
    assert (400.0, 800.0) in drawn
    assert any(math.isclose(row[1], 900.0) for row in drawn)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["deep", "shallow", "p"]
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize(
    ("values", "label"), [([10, 1000], "100"), ([20, 60], "50"), ([1, 10**9], "$10^{6}$"), ([Fraction(1, 2), 5], "1")]
)
def test_the_axis_shows_numbers_not_logarithms(values, label):
    figure = plot.growth([1, 2], lines={"deep": values})
    figure.savefig(io.BytesIO())
    axes = figure.axes[0]
    shown = {t.get_text(): at for t, at in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)}
    assert label in shown
    number = 10.0 ** int(label[5:-2]) if "^" in label else float(label)
    assert math.isclose(10 ** shown[label], number, rel_tol=1e-9)


def test_a_band_of_bounds_holds_the_construction():
    pairs = [bounds.best((2, [4] * k)) for k in range(1, 4)]
    band = ([p.lower.value for p in pairs], [p.upper.value for p in pairs])
    known = [constructions.zigzag_product(2, [4] * k).regions for k in range(1, 4)]
    axes = plot.growth(range(1, 4), bands={"maximum": band}, points={"construction": known}).axes[0]
    low, high, points = (np.array(line.get_ydata()) for line in axes.lines)
    assert np.all(low <= points)
    assert np.all(points <= high)


def labelled(axes):
    """What the legend names, with the handle's data."""
    handles, labels = axes.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def test_a_comparison_is_drawn_as_it_is(tmp_path):
    result = compare(2, 12, depths=[1, 2, 3], samples=0)
    figure = plot.comparison(result, tmp_path / "depths.png")
    assert (tmp_path / "depths.png").stat().st_size > 1000
    (axes,) = figure.axes
    ends = [(10 ** bar.get_y(), 10 ** (bar.get_y() + bar.get_height())) for bar in axes.patches]
    np.testing.assert_allclose(ends, [(row.proven, row.upper.value) for row in result.rows])
    shown = labelled(axes)
    np.testing.assert_allclose(10 ** np.array(shown["one layer: maximum"].get_ydata()), 79)
    built = shown["construction, counted"]
    np.testing.assert_allclose(10 ** np.array(built.get_ydata()), [row.built.regions for row in result.rows])
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1\n(12)", "2\n(6)", "3\n(4)"]
    assert axes.get_title() == "12 units, 2 inputs"


def test_what_a_budget_cut_short_is_hollow():
    exact, cut = (count(ABS.network, SQUARE, max_regions=most) for most in (None, 20))
    assert cut.kind is not exact.kind
    result = compare(2, 12, depths=[1, 2], samples=0, max_regions=100)
    samples = [Sample((exact, exact), (0, 1)), Sample((exact, cut), (0, 1))]
    rows = [replace(row, random=sample) for row, sample in zip(result.rows, samples, strict=True)]
    (axes,) = plot.comparison(replace(result, rows=tuple(rows))).axes
    shown = labelled(axes)
    assert list(shown["construction, counted"].get_xdata()) == [0]
    assert list(shown["construction, not counted"].get_xdata()) == [1]
    assert shown["construction, not counted"].get_markerfacecolor() == "white"
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose([10 ** line.get_ydata()[0] for line in dots], [176, (176 + cut.value) / 2])
    assert [line.get_markerfacecolor() == "white" for line in dots] == [False, True]


def test_a_comparison_beyond_float_range_is_drawn():
    result = compare(2, widths=[[4] * 900, [2000], [3, 4]], samples=0, max_regions=1)
    (axes,) = plot.comparison(result).axes
    assert axes.patches[0].get_y() > 308
    assert [t.get_text() for t in axes.get_xticklabels()] == ["900\n(4)", "1\n(2000)", "2\n(3, 4)"]


def test_a_figure_that_cannot_be_written_is_refused(tmp_path):
    result = compare(2, 4, depths=1, samples=0)
    for path in (tmp_path / "none" / "a.png", tmp_path / "a.doc"):
        with pytest.raises(InputError, match=r"path: .* cannot be written"):
            plot.comparison(result, path)
