"""The six definitions of a region: published examples, an independent slow count, and what must hold between them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from known_nets import all_constructions, example_nets, he_net, sawtooth_nets
from slow_complex import counts as slow_counts
from strategies import cases, line_cases

from linregions import Box, InputError, Kind, Network, Plane, Segment, Space, Status, count, enumerate_regions
from linregions.cli import main
from linregions.partition import Counts, Interval
from linregions.partition.affine import affine_classes
from linregions.partition.definitions import NAMES, counted, merged, patterns_attained
from linregions.partition.essential import essential_patterns
from linregions.partition.hull import meets_origin

CHAIN = ("affine", "closed", "linear", "activation", "patterns")
EXAMPLES = {str(k): k.network for k in example_nets()}
# |x| <= 1: f = y.  Beyond, f is 0 on the cones |y| <= |x| - 1, whose tips (1, 0) and (-1, 0) the segment y = 0 joins.
CONES = Network.from_arrays(
    [
        ([[1, 0], [-1, 0], [0, 1], [0, -1]], [-1, -1, 0, 0]),
        ([[-1, -1, 1, -1], [-1, -1, -1, 1]], [0, 0]),
        ([[1, -1]], [0]),
    ]
)


def numbers(net, domain) -> dict[str, int]:
    table = count(net, domain, definition="all")
    assert all(c.kind is Kind.EXACT for name, c in table.items() if name != "convex")
    return {name: c.value for name, c in table.items() if name != "convex"}


def in_order(found: dict[str, int]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("patterns", "activation", "linear", "closed", "affine"))


def test_example_a():
    table = count(EXAMPLES["max-min-of-halfplanes"], Space(2), definition="all")
    assert [table[n].value for n in NAMES if n != "convex"] == [7, 5, 3, 3, 3]
    # The published R3 is 4; it is bounded, never claimed.
    assert (table["convex"].lower.value, table["convex"].upper.value) == (3, 5)
    patterns = patterns_attained(enumerate_regions(EXAMPLES["max-min-of-halfplanes"], Space(2))).tolist()
    assert [0, 0, 0, 0, 0, 0] in patterns  # the half-line y = 0, x <= 0
    assert [1, 0, 0, 0, 0, 0] in patterns  # the half-line y = 0, x > 0


def test_example_c():
    assert in_order(numbers(EXAMPLES["two-opposite-quadrants"], Space(2)))[1:] == (6, 6, 5, 5)


@pytest.mark.parametrize("known", sawtooth_nets(), ids=str)
def test_example_d(known):
    found = numbers(known.network, known.domain)
    compact, line = "compact" in known.name, known.name.endswith("line")
    assert found["activation"] == found["linear"] == found["closed"] == known.regions
    # The two outer pieces are 0 on both sides; one fold without the outer ReLU has slopes 0, 2, -2.
    outer = line and (not compact or known.regions > 3)
    assert found["affine"] == known.regions - outer


def test_example_e():
    assert in_order(numbers(EXAMPLES["disconnected-boundary"], Space(1))) == (5, 5, 4, 4, 4)
    assert count(EXAMPLES["disconnected-boundary"], Space(1), definition="convex").value == 4


@pytest.mark.parametrize("domain", [Space(2), Box.cube(-3, 3, 2)], ids=str)
def test_a_closed_region_goes_on_along_a_slice(domain):
    found = numbers(CONES, domain)
    assert (found["linear"], found["closed"], found["affine"]) == (7, 6, 6)
    partition = enumerate_regions(CONES, domain)
    zero = [i for i in range(len(partition)) if not partition[i].slope.any()]
    assert len(set(partition.merged("linear")[zero])) == 2
    assert len(set(partition.merged("closed")[zero])) == 1


def test_a_cut_slice_joins_nothing():
    # On the left half of the segment f is raised by a bump over |x + 1/2| < 1/4, |y| small: {f = 0} is broken there.
    layers = [
        ([[1, 0], [-1, 0], [0, 1], [0, -1], [4, 0], [4, 0], [4, 0]], [-1, -1, 0, 0, 3, 2, 1]),
        ([[-1, -1, 1, -1, 0, 0, 0], [-1, -1, -1, 1, 0, 0, 0], [0, 0, -4, -4, 1, -2, 1]], [0, 0, 0]),
        ([[1, -1, 1]], [0]),
    ]
    net = Network.from_arrays(layers)
    partition = enumerate_regions(net, Box.cube(-3, 3, 2))
    assert net(np.array([[-0.5, 0.0], [0.5, 0.0]])).tolist() == [[1.0], [0.0]]
    found = numbers(net, Box.cube(-3, 3, 2))
    assert found == slow_counts(partition)


@pytest.mark.parametrize("known", [k for k in all_constructions() if k.regions <= 36], ids=str)
def test_known_nets(known):
    partition = enumerate_regions(known.network, known.domain)
    assert numbers(known.network, known.domain) == slow_counts(partition)


def check(net, domain) -> None:
    partition = enumerate_regions(net, domain)
    if len(partition) > 40:
        return
    found = {n: c.value for n, c in counted(partition, "all").items() if n != "convex"}
    assert found == slow_counts(partition)
    assert [found[n] for n in CHAIN] == sorted(found.values())


@pytest.mark.parametrize("seed", range(40))
def test_degenerate_nets_agree_with_the_slow_count(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.choice([1, 2, 2, 2, 3]))
    widths = [d, int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 3))]
    layers = [
        (rng.integers(-1, 2, (b, a)).astype(float), rng.integers(-1, 2, b) * float(rng.integers(0, 2)))
        for a, b in itertools.pairwise(widths)
    ]
    activation = ["relu", "relu", "abs", "hardtanh"][seed % 4]
    check(Network.from_arrays(layers, activation=activation), Space(d) if seed % 3 else Box.cube(-2, 2, d))


@settings(max_examples=30)
@given(cases(units=6, styles=["integers", "quarters", "seeded integers"]))
def test_random_nets_agree_with_the_slow_count(case):
    check(case.network, case.domain)


@settings(max_examples=20)
@given(line_cases())
def test_on_a_line_open_regions_are_runs_of_equal_maps(case):
    partition = enumerate_regions(case.network, case.domain)
    maps = affine_classes(case.network, case.domain, partition.patterns)
    order = np.argsort(partition.witnesses[:, 0])
    if not partition.certified.all():
        return
    runs = 1 + int(np.sum(np.diff(maps[order]) != 0))
    found = counted(partition, "all")
    assert found["linear"].value == found["closed"].value == found["convex"].value == runs


@pytest.mark.parametrize("seed", range(8))
def test_the_chain_on_nets_of_middling_size(seed):
    rng = np.random.default_rng(seed)
    widths = [2 + seed % 2, 8, 6, 2]
    layers = [
        (rng.integers(-1, 2, (b, a)).astype(float), rng.integers(-1, 2, b)) for a, b in itertools.pairwise(widths)
    ]
    found = numbers(Network.from_arrays(layers), Box.cube(-2, 2, widths[0]))
    assert [found[n] for n in CHAIN] == sorted(found.values())


def test_a_generic_net_has_one_map_for_each_region():
    found = numbers(he_net((2, 16, 16, 1), 0), Box.cube(-1, 1, 2))
    assert found["activation"] == found["linear"] == found["closed"] == found["affine"] == 412


class TestAffineMaps:
    @settings(max_examples=20)
    @given(cases(units=8))
    def test_classes_are_those_of_the_rational_maps(self, case):
        partition = enumerate_regions(case.network, case.domain)
        if len(partition) > 60:
            return
        labels = affine_classes(case.network, case.domain, partition.patterns)
        rows = case.domain.embedding
        if rows is None:
            exact = [str(partition.exact_affine_map(i)) for i in range(len(partition))]
        else:
            from slow_complex import restricted

            exact = [str(restricted(partition, i)) for i in range(len(partition))]
        assert len(set(labels.tolist())) == len(set(exact)) == len(set(zip(labels.tolist(), exact, strict=True)))

    def test_maps_that_differ_in_the_last_bit_differ(self):
        near = np.nextafter(1.0, 2.0)
        net = Network.from_arrays([([[1.0], [1.0], [-1.0]], [0.0, -1.0, 0.0]), ([[1.0, near - 1.0, -1.0]], [0.0])])
        found = numbers(net, Space(1))
        assert (found["activation"], found["affine"]) == (3, 2)

    @settings(max_examples=20)
    @given(cases(units=8))
    def test_what_a_map_does_not_depend_on_changes_nothing(self, case):
        partition = enumerate_regions(case.network, case.domain)
        reduced = essential_patterns(case.network, partition.patterns)
        for i in range(min(10, len(partition))):
            assert case.network.exact_affine_map(reduced[i]) == partition.exact_affine_map(i)

    def test_many_regions_with_one_map(self):
        # A dead last unit, and the same function by cancellation, which only numbers can tell.
        first, second = he_net((3, 16, 16, 1), 0).stages[:2]
        layers = [(first.weight, first.bias), (second.weight, second.bias)]
        dead = Network.from_arrays([*layers, (np.ones((1, 16)), [-1e6]), ([[1.0]], [0.0])])
        twins = [(first.weight, first.bias), (np.vstack([second.weight] * 2), np.tile(second.bias, 2))]
        cancelled = Network.from_arrays([*twins, (np.repeat([[1.0, -1.0]], 16, axis=1), [0.0])])
        for net in (dead, cancelled):
            partition = enumerate_regions(net, Box.cube(-1, 1, 3))
            assert len(partition) > 1000
            assert partition.merged("affine").tolist() == [0] * len(partition)

    def test_two_maps_that_agree_on_a_slice_are_one(self):
        net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, -1.0]], [0.0])])
        assert numbers(net, Segment([-1, -1], [1, 1]))["affine"] == 1
        assert numbers(net, Space(2))["affine"] == 4

    def test_a_plane_slice(self):
        net = he_net((4, 6, 4, 1), 1)
        partition = enumerate_regions(net, Plane.through([0, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], margin=1.0))
        assert in_order({n: c.value for n, c in counted(partition, "all").items() if n != "convex"}) == in_order(
            slow_counts(partition)
        )


def test_hull():
    assert not meets_origin([])
    assert meets_origin([(0, 0)])
    rng = np.random.default_rng(0)
    from slow_complex import holds_origin

    for _ in range(200):
        points = rng.integers(-2, 3, (int(rng.integers(1, 5)), 2)).tolist()
        assert meets_origin(points) == holds_origin(points)


class TestBudget:
    NET, BOX = he_net((2, 16, 16, 1), 0), Box.cube(-1, 1, 2)

    @pytest.mark.parametrize("definition", ["patterns", "linear", "closed", "affine"])
    def test_a_part_gives_lower_bounds(self, definition):
        part = count(self.NET, self.BOX, definition=definition, max_regions=50)
        assert (part.kind, part.status, part.definition) == (Kind.LOWER, Status.BUDGET, definition)
        assert 0 < part.value <= count(self.NET, self.BOX, definition=definition).value

    def test_pieces_that_merge_later_are_not_counted_twice(self):
        # Every map is 0: whatever part is found, there is at least one region and no more is known.
        dead = Network.from_arrays([(np.eye(2), [0, 0]), ([[1.0, 1.0]], [-9.0]), ([[1.0]], [0.0])])
        for definition in ("linear", "closed", "affine"):
            part = count(dead, self.BOX, definition=definition, max_regions=2, threads=1)
            assert (part.value, part.kind) == (1, Kind.LOWER)

    def test_convex_has_no_upper_end_then(self):
        part = count(self.NET, self.BOX, definition="convex", max_regions=50)
        assert isinstance(part, Interval)
        assert part.upper is None
        assert str(part).startswith("at least 50 convex regions on box [-1, 1]^2 (limit of 50 regions reached)")

    def test_an_interruption_is_a_result(self, monkeypatch):
        def interrupted(*_):
            raise KeyboardInterrupt

        partition = enumerate_regions(self.NET, self.BOX)
        monkeypatch.setattr("linregions.partition.definitions.patterns_attained", interrupted)
        found = counted(partition, "all")
        assert (found["patterns"].value, found["patterns"].kind) == (412, Kind.LOWER)
        assert found["closed"].kind is Kind.EXACT
        assert found.status is Status.INTERRUPTED

    def test_a_complex_too_large_leaves_what_was_counted(self, monkeypatch):
        def too_large(_):
            raise InputError("complex: it would take 9 TB; use a smaller domain")

        partition = enumerate_regions(self.NET, self.BOX)
        monkeypatch.setattr("linregions.partition.building.build", too_large)
        found = counted(partition, "all")
        assert (found["affine"].value, found["affine"].kind, found["affine"].status) == (412, Kind.EXACT, "complete")
        assert (found["closed"].value, found["closed"].kind) == (412, Kind.LOWER)
        assert found["patterns"].reason == "complex: it would take 9 TB; use a smaller domain"
        assert found.status is Status.BUDGET

    def test_merging_wants_all_regions(self):
        part = enumerate_regions(self.NET, self.BOX, max_regions=50)
        with pytest.raises(InputError, match="definition: 'linear' needs all regions; list them without a limit"):
            part.merged("linear")
        assert part.merged("affine").tolist() == list(range(len(part)))


class TestTable:
    def test_it_prints_and_is_json(self):
        table = count(EXAMPLES["max-min-of-halfplanes"], Space(2), definition="all")
        assert isinstance(table, Counts)
        assert list(table) == list(NAMES)
        assert str(table).splitlines()[0] == "regions on the whole space R^2, by definition"
        assert str(table).splitlines()[3].split() == ["R3", "convex", "between", "3", "and", "5"]
        plain = json.loads(json.dumps(table.as_dict()))
        assert plain["definition"] == "all"
        assert {n: c["count"] for n, c in plain["counts"].items()} == {
            "patterns": 7, "activation": 5, "convex": None, "linear": 3, "closed": 3, "affine": 3,
        }  # fmt: skip
        assert plain["counts"]["convex"] | {"lower": 3, "upper": 5, "kind": "interval"} == plain["counts"]["convex"]

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"definition": "R4"}, "definition: 'R4' is not available; use 'patterns', 'activation', "),
            ({"definition": 4}, "definition: 4 is not available; use 'patterns', "),
            ({"definition": "linear", "exact": False}, "exact: 'linear' regions are told apart by exact signs"),
            ({"definition": "all", "engine": "arrangement"}, "engine: 'arrangement' counts activation regions only"),
        ],
    )
    def test_refused(self, options, sentence):
        with pytest.raises(InputError) as caught:
            count(CONES, Space(2), **options)
        assert str(caught.value).startswith(sentence)

    def test_merged_names_what_it_takes(self):
        with pytest.raises(InputError, match="definition: 'patterns' does not merge regions; use one of 'linear', "):
            enumerate_regions(CONES, Space(2)).merged("patterns")


def test_numbers_run_in_the_order_of_the_regions():
    partition = enumerate_regions(EXAMPLES["two-opposite-quadrants"], Space(2))
    for definition in ("linear", "closed", "affine"):
        found = merged(partition, definition)
        first = [int(np.flatnonzero(found == k)[0]) for k in range(found.max() + 1)]
        assert first == sorted(first)


class TestCommandLine:
    @pytest.fixture
    def model(self, tmp_path):
        layers = [(np.asarray(s.weight), s.bias) for s in EXAMPLES["max-min-of-halfplanes"].stages]
        arrays = {f"{n}{k}": v for k, pair in enumerate(layers) for n, v in zip("Wb", pair, strict=True)}
        np.savez(tmp_path / "a.npz", **arrays)
        return str(tmp_path / "a.npz")

    @pytest.mark.parametrize(
        ("definition", "first"),
        [
            ("patterns", "7 activation patterns on the whole space R^2"),
            ("linear", "3 linear regions on the whole space R^2"),
            ("convex", "between 3 and 5 convex regions on the whole space R^2"),
            ("all", "regions on the whole space R^2, by definition"),
        ],
    )
    def test_definitions(self, model, capsys, definition, first):
        assert main(["count", model, "--space", "--definition", definition]) == 0
        out = capsys.readouterr().out.splitlines()
        assert out[0] == first
        assert "settled in rational arithmetic" in out[-1]

    def test_json(self, model, capsys):
        assert main(["count", model, "--space", "--definition", "all", "--json"]) == 0
        plain = json.loads(capsys.readouterr().out)
        assert plain["counts"]["patterns"]["count"] == 7
        assert main(["count", model, "--space", "--definition", "convex", "--json"]) == 0
        plain = json.loads(capsys.readouterr().out)
        assert (plain["count"], plain["kind"], plain["lower"], plain["upper"]) == (None, "interval", 3, 5)

    def test_a_budget(self, model, capsys):
        assert main(["count", model, "--space", "--definition", "linear", "--max-regions", "2", "--threads", "1"]) == 3
        assert capsys.readouterr().out.startswith("at least ")

    def test_an_unknown_one(self, model, capsys):
        assert main(["count", model, "--space", "--definition", "R4"]) == 2
        assert "definition: 'R4' is not available; use 'patterns', 'activation'" in capsys.readouterr().err
