"""Pictures of training: curves show the rows, slices show every edge once, strips and animations every checkpoint."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions import Box, InputError, Network, Plane, constructions, enumerate_regions, plot

pytest.importorskip("matplotlib")
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from linregions.errors import OutputError
from linregions.plot import slices

STEPS = (0, 1, 3, 10, 30, 100)


def rows(numbers, **more):
    return [
        {"step": s, "status": "complete", "regions/n_regions": n, **more} for s, n in zip(STEPS, numbers, strict=False)
    ]


def lines(ax):
    return [line for line in ax.get_lines() if line.get_linestyle() != "None"]


def network(seed, widths=(2, 5, 4, 1)):
    rng = np.random.default_rng(seed)
    return Network.from_arrays([(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise(widths)])


def plane_slice(seed, inputs=6):
    rng = np.random.default_rng(seed)
    net = network(seed, (inputs, 7, 5, 2))
    plane = Plane(*rng.normal(size=(3, inputs)), [[-1.0, -1.0], [2.0, -1.0], [2.0, 2.0], [-1.0, 2.0]])
    return enumerate_regions(net, plane).polygons


class TestHistory:
    @given(numbers=st.lists(st.integers(1, 5000), min_size=1, max_size=6))
    @settings(max_examples=10, deadline=None)
    def test_the_line_is_the_column(self, numbers):
        (ax,) = plot.history(rows(numbers)).axes
        (line,) = lines(ax)
        assert line.get_xdata().tolist() == list(STEPS[: len(numbers)])
        assert line.get_ydata().tolist() == numbers
        assert ax.get_yscale() == ("log" if max(numbers) > 10 * min(numbers) else "linear")
        assert ax.get_xscale() == ("symlog" if len(numbers) > 5 else "linear")

    def test_step_0_has_its_place_on_the_logarithmic_axis(self):
        figure = plot.history(rows([5, 6, 7, 8, 9, 10]))
        (ax,) = figure.axes
        places = ax.transData.transform([(s, 5) for s in STEPS])[:, 0]
        assert np.isfinite(places).all()
        assert (np.diff(places) > 5).all()
        assert ax.get_xticks().tolist() == [0, 1, 10, 100]

    def test_runs_of_one_name_are_a_mean_and_a_band(self):
        runs = {"a": [rows([10, 20]), rows([30, 60])], "b": rows([5, 5])}
        figure = plot.history(runs, columns="n_regions")
        (ax,) = figure.axes
        first, second = lines(ax)
        assert first.get_ydata().tolist() == [20, 40]
        assert second.get_ydata().tolist() == [5, 5]
        (band,) = ax.collections
        corners = band.get_paths()[0].vertices
        assert {tuple(c) for c in corners.tolist()} >= {(0.0, 10.0), (0.0, 30.0), (1.0, 20.0), (1.0, 60.0)}
        texts = [t.get_text() for t in figure.legends[0].get_texts()]
        assert texts == ["a", "b (one run)"]
        assert figure.legends[0].get_title().get_text() == "mean and range of 2 runs"

    def test_more_runs_than_colours_differ_in_their_lines(self):
        figure = plot.history({str(k): rows([k + 1, k + 2]) for k in range(9)}, columns="n_regions")
        drawn = {(line.get_color(), line.get_linestyle()) for line in lines(figure.axes[0])}
        assert len(drawn) == 9
        shown = {(line.get_color(), line.get_linestyle()) for line in figure.legends[0].get_lines()}
        assert shown == drawn

    def test_incomplete_rows_are_hollow(self):
        given = rows([10, 20, 30])
        given[1]["status"] = "budget"
        (ax,) = plot.history(given).axes
        hollow = [line for line in ax.get_lines() if line.get_markerfacecolor() == "white"]
        assert [line.get_xdata().tolist() for line in hollow] == [[1]]

    def test_layers_stand_in_one_panel_in_their_order(self):
        more = {f"regions/boundary_length_layer_{k}": 10.0 + k for k in (10, 2, 0)}
        figure = plot.history(rows([10, 20], **more))
        regions, lengths = figure.axes
        assert [t.get_text() for t in lengths.get_legend().get_texts()] == ["layer 1", "layer 3", "layer 11"]
        assert lengths.get_ylabel() == "boundary length"
        assert regions.get_ylabel() == "regions"

    def test_the_band_of_slices_is_theirs(self):
        run = SimpleNamespace(
            rows=rows([15, 25]),
            slices=[{"step": s, "slice": n, "n_regions": v} for s, n, v in [(0, "a", 10), (0, "b", 20), (1, "a", 25)]],
        )
        (ax,) = plot.history(run, slices=True).axes
        corners = ax.collections[0].get_paths()[0].vertices
        assert {(0.0, 10.0), (0.0, 20.0)} <= {tuple(c) for c in corners.tolist()}
        assert not plot.history(run).axes[0].collections

    def test_gaps_and_unsorted_rows(self):
        given = [{"step": 5, "n": 3.0}, {"step": 0, "n": 1.0}, {"step": 2, "n": None}, {"step": 3, "n": math.nan}]
        (ax,) = plot.history(given, columns=["n"]).axes
        assert lines(ax)[0].get_xdata().tolist() == [0, 5]

    def test_wrong_arguments_are_one_sentence(self):
        for wrong in ([], "rows", 3, [{"n": 1}], {}):
            with pytest.raises(InputError, match="runs"):
                plot.history(wrong)
        with pytest.raises(InputError, match="no row has 'loss'; there are step"):
            plot.history(rows([1]), columns=["loss"])
        with pytest.raises(InputError, match="name some of step, x"):
            plot.history([{"step": 0, "x": 1}])
        with pytest.raises(InputError, match="labels"):
            plot.history(rows([1]), labels=["a", "b"])

    def test_it_draws_on_given_axes(self):
        axes = Figure().subplots(1, 2)
        figure = plot.history(rows([1, 2]), columns=["n_regions", ("n_regions", "regions/n_regions")], axes=axes)
        assert figure is axes[0].figure


class TestSlice:
    @given(seed=st.integers(0, 10**6))
    @settings(max_examples=10, deadline=None)
    def test_every_inner_edge_is_drawn_once(self, seed):
        polygons = enumerate_regions(network(seed), Box.cube(-1, 1, 2)).polygons
        ax = plot.slice_regions(polygons).axes[0]
        drawn = [c for c in ax.collections if isinstance(c, PathCollection)]
        length, count = 0.0, 0
        for collection in drawn:
            corners = collection.get_paths()[0].vertices.reshape(-1, 2, 2)
            length += float(np.hypot(*(corners[:, 1] - corners[:, 0]).T).sum())
            count += len(corners)
        inner = polygons.neighbours >= 0
        assert 2 * count == int(inner.sum())
        assert length == pytest.approx(polygons.lengths[inner].sum() / 2)
        assert len(drawn) == len(np.unique(polygons.layers[inner]))

    def test_colours_are_layers_and_the_first_lies_on_top(self):
        polygons = enumerate_regions(constructions.zigzag_product(2, [4, 4, 4]).network, Box.cube(0, 2, 2)).polygons
        figure = plot.slice_regions(polygons)
        (ax,), (legend,) = figure.axes, figure.legends
        drawn = {c.get_label(): c for c in ax.collections}
        assert sorted(drawn) == ["layer 1", "layer 2", "layer 3"]
        heights = [drawn[f"layer {k}"].get_zorder() for k in (1, 2, 3)]
        assert heights == sorted(heights, reverse=True)
        for handle in legend.legend_handles:
            assert to_rgba(handle.get_color()) == tuple(drawn[handle.get_label()].get_edgecolor()[0])
        # The second layer of the zigzag folds at other places than the first.
        first = drawn["layer 1"].get_paths()[0].vertices
        assert set(np.round(first[(first[:, 0] % 2 > 0)][:, 0], 6)) >= {0.5, 1.0, 1.5}

    @pytest.mark.parametrize("colour", ["area", "value"])
    def test_a_region_has_the_colour_of_its_number(self, colour):
        polygons = plane_slice(3)
        figure = plot.slice_regions(polygons, colour=colour)
        fill = next(c for c in figure.axes[0].collections if isinstance(c, PolyCollection))
        assert len(fill.get_paths()) == len(polygons)
        wanted = polygons.areas
        if colour == "value":
            inside = [polygons.polygon(i).mean(axis=0) for i in range(len(polygons))]
            wanted = polygons.partition.network(polygons.domain.inputs(np.array(inside)))[:, 0]
        assert np.allclose(fill.get_array(), wanted)
        assert len(figure.axes) == 2
        own = plot.slice_regions(polygons, colour="value", values=range(len(polygons)), label="number")
        assert own.axes[1].get_ylabel() == "number"

    def test_lengths_in_the_picture_are_those_of_the_inputs(self):
        polygons = plane_slice(5)
        ax = plot.slice_regions(polygons).axes[0]
        corners = ax.patches[0].get_xy()[:-1]
        domain = polygons.domain
        inputs = [domain.p + s * (domain.q - domain.p) + t * (domain.r - domain.p) for s, t in domain.region]
        sides = np.linalg.norm(np.diff(np.array(inputs), axis=0), axis=1)
        drawn = np.linalg.norm(np.diff(np.vstack([corners, corners[:1]]), axis=0), axis=1)
        assert sorted(np.round(drawn, 9)) == sorted(np.round([*sides, np.linalg.norm(inputs[0] - inputs[-1])], 9))
        assert ax.get_aspect() == 1.0

    def test_anchors_stand_where_they_are(self):
        polygons = plane_slice(7)
        domain = polygons.domain
        points = np.array([domain.p, domain.q, domain.r, (domain.p + domain.q) / 2])
        anchors = SimpleNamespace(anchors=points, labels=("a", None, 7, "m"))
        ax = plot.slice_regions(polygons, anchors=anchors).axes[0]
        marks = next(c for c in ax.collections if c.get_offsets().shape == (4, 2))
        between = np.linalg.norm(points[:, None] - points, axis=-1)
        drawn = np.asarray(marks.get_offsets())
        assert np.allclose(np.linalg.norm(drawn[:, None] - drawn, axis=-1), between)
        assert [t.get_text() for t in ax.texts] == ["a", "7", "m"]
        with pytest.raises(InputError, match="6 inputs"):
            plot.slice_regions(polygons, anchors=[[0.0, 0.0]])

    def test_slivers_do_not_take_the_scale(self):
        areas = np.array([1.0, 2.0, 3.0, 1e-14, 1e-13])
        assert slices._smallest_seen(areas) == 1.0
        assert slices._smallest_seen(np.zeros(2)) == 1.0

    def test_wrong_arguments_are_one_sentence(self):
        polygons = plane_slice(1)
        with pytest.raises(InputError, match="colour"):
            plot.slice_regions(polygons, colour="depth")
        with pytest.raises(InputError, match=r"Partition\.polygons"):
            plot.slice_regions(3)
        with pytest.raises(InputError, match="one for each region"):
            plot.slice_regions(polygons, colour="value", values=[1.0])


class TestStrip:
    def test_rows_and_columns(self):
        one, other = plane_slice(1), plane_slice(2)
        figure = plot.strip({"simclr": {0: one, 100: other}, "byol": {100: one}})
        assert len(figure.axes) == 4
        titles = [ax.get_title() for ax in figure.axes]
        assert titles == [
            f"step 0\n{len(one):,} regions",
            f"step 100\n{len(other):,} regions",
            "",
            f"{len(one):,} regions",
        ]
        assert not figure.axes[2].axison  # byol has no step 0
        assert figure.axes[0].texts[0].get_text() == "simclr"
        named = plot.strip([one, other], rows=["run"], columns=["a", "b"])
        assert [ax.get_title().split("\n")[0] for ax in named.axes] == ["a", "b"]

    def test_one_scale_for_all(self):
        many = [plane_slice(k) for k in (1, 2, 3)]
        figure = plot.strip(many, colour="area")
        fills = [c for ax in figure.axes[:3] for c in ax.collections if isinstance(c, PolyCollection)]
        assert len({(f.norm.vmin, f.norm.vmax) for f in fills}) == 1
        assert fills[0].norm.vmax == max(p.areas.max() for p in many)
        shown = plot.strip(many, colour="value", values=[np.full(len(p), k) for k, p in enumerate(many)])
        fills = [c for ax in shown.axes[:3] for c in ax.collections if isinstance(c, PolyCollection)]
        assert [set(f.get_array()) for f in fills] == [{0.0}, {1.0}, {2.0}]

    def test_wrong_arguments_are_one_sentence(self):
        one = plane_slice(1)
        for wrong in ([], [None], {}, 3, "x", [one, [one]]):
            with pytest.raises(InputError, match="table"):
                plot.strip(wrong)
        with pytest.raises(InputError, match="columns: expected 1 name"):
            plot.strip([one], columns=["a", "b"])
        with pytest.raises(InputError, match="values"):
            plot.strip([one], colour="value", values=[])


class TestAnimation:
    def test_a_gif_has_a_picture_for_every_step(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        kept = {20: {"s0": plane_slice(2)}, 0: {"s0": plane_slice(1), "s1": plane_slice(4)}}
        history = SimpleNamespace(kept=kept, rows=[])
        path = tmp_path / "deep" / "run.gif"
        assert plot.animation(history, path, pixels=150, seconds=0.1) == [0, 20]
        with image.open(path) as made:
            assert (made.n_frames, made.size) == (2, (150, 150))
            first = np.asarray(made.convert("RGB"))
            made.seek(1)
            assert (np.asarray(made.convert("RGB")) != first).any()
        assert [p.name for p in path.parent.iterdir()] == ["run.gif"]
        assert plot.animation(history, tmp_path / "s1.gif", slice="s1", pixels=150) == [0]

    def test_a_folder_gets_numbered_pictures(self, tmp_path):
        kept = {0: plane_slice(1), 500: plane_slice(2)}
        assert plot.animation(kept, tmp_path / "frames", colour="area", pixels=150) == [0, 500]
        assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == ["step_000.png", "step_500.png"]

    def test_a_folder_with_pictures_of_another_run_is_refused(self, tmp_path):
        long, short = ({step: plane_slice(1) for step in steps} for steps in ((0, 1, 7), (0, 1)))
        assert plot.animation(long, tmp_path, pixels=100) == [0, 1, 7]
        (tmp_path / "step_one.png").write_bytes(b"not a frame")
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        assert plot.animation(long, tmp_path, pixels=100) == [0, 1, 7]  # the same steps again
        with pytest.raises(InputError, match=r"holds 1 picture of other steps, such as step_7\.png; remove them"):
            plot.animation(short, tmp_path, pixels=100)
        with pytest.raises(InputError, match=r"holds 3 pictures of other steps, such as step_0\.png"):
            plot.animation({**long, 10: plane_slice(2)}, tmp_path, pixels=100)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
        plot.animation(short, tmp_path / "run.gif", pixels=100)

    def test_wrong_arguments_are_one_sentence(self, tmp_path):
        kept = {0: {"s0": plane_slice(1)}}
        with pytest.raises(InputError, match="keep=True"):
            plot.animation(SimpleNamespace(kept={}), tmp_path / "a.gif")
        with pytest.raises(InputError, match="slice: none is called 's9'; there are s0"):
            plot.animation(kept, tmp_path / "a.gif", slice="s9")
        with pytest.raises(InputError, match=r"\.gif"):
            plot.animation(kept, tmp_path / "a.mp4")
        with pytest.raises(InputError, match="seconds"):
            plot.animation(kept, tmp_path / "a.gif", seconds=0)
        with pytest.raises(InputError, match="history"):
            plot.animation(3, tmp_path / "a.gif")
        (tmp_path / "file").write_text("x")
        with pytest.raises(OutputError, match="path"):
            plot.animation(kept, tmp_path / "file" / "frames", pixels=100)
        with pytest.raises(OutputError, match="path"):
            plot.animation(kept, tmp_path / "file" / "a.gif", pixels=100)


def test_no_picture_touches_pyplot():
    code = """
import sys
from linregions import plot
plot.history([{"step": 0, "regions/n_regions": 3}])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
