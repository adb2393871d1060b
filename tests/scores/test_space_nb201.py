"""NAS-Bench-201 cells: texts, changes, cells that are one network, and networks against formulas and paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.scores.spaces import read_table
from linregions.scores.spaces.nb201 import EDGES, HEADER, NB201, OPERATIONS, Cell

torch = pytest.importorskip("torch")
nn = torch.nn

TABLE = Path(__file__).parents[2].joinpath("../shared/data/nas/nasbench201_cifar10.csv").resolve()
SPACE = NB201()
CELLS = tuple(SPACE.all())
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|"

cells = st.sampled_from(CELLS)
seeds = st.integers(0, 2**32 - 1)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks as small as these are slower on several threads, much so where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Texts


def test_every_text_once():
    assert len(CELLS) == SPACE.size == 15625
    texts = [SPACE.text(cell) for cell in CELLS]
    assert len(set(texts)) == 15625
    assert [SPACE.parse(text) for text in texts] == list(CELLS)


def test_a_published_text():
    cell = SPACE.parse(f" {BEST}\n")
    assert (cell.op_0_3, cell.op_1_3, cell.op_2_3) == ("skip_connect", "nor_conv_1x1", "nor_conv_3x3")
    assert SPACE.text(cell) == str(cell) == BEST


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BEST.replace("~2", "~3"), "cell: cannot read .* write "),
        (BEST[:-1], "cannot read"),
        (BEST.replace("1x1", "5x5"), "operation 'nor_conv_5x5' on edge 1>3 is not known; use none, skip_connect"),
        ("", "cannot read ''"),
        (None, "cannot read None"),
        (7, "cannot read 7"),
    ],
)
def test_other_texts_are_refused(text, what):
    with pytest.raises(InputError, match=what):
        SPACE.parse(text)


@pytest.mark.parametrize("bad", [BEST, None, tuple(CELLS[0]), 3])
def test_values_are_checked(bad):
    for verb in (SPACE.build, SPACE.text, SPACE.canonical, SPACE.controls, lambda a: list(SPACE.neighbours(a))):
        with pytest.raises(InputError, match="architecture must be a NAS-Bench-201 Cell, got"):
            verb(bad)
    with pytest.raises(InputError, match="operation 3 on edge 0>1"):
        SPACE.build(CELLS[0]._replace(op_0_1=3))


# Changes


@given(cells, cells, seeds)
@settings(max_examples=50)
def test_changes(first, second, seed):
    rng = np.random.default_rng(seed)
    near = list(SPACE.neighbours(first))
    assert len(set(near)) == 24
    assert all(sum(a != b for a, b in zip(first, other, strict=True)) == 1 for other in near)
    assert SPACE.mutate(first, rng) in near
    assert first in SPACE.neighbours(near[3])
    child = SPACE.crossover(first, second, rng)
    assert all(c in pair for c, *pair in zip(child, first, second, strict=True))


def test_samples_and_children_take_every_choice():
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(300)]
    assert all({cell[e] for cell in drawn} == set(OPERATIONS) for e in range(6))
    first, second = CELLS[0], CELLS[-1]
    counts = [sum(a == b for a, b in zip(SPACE.crossover(first, second, rng), first, strict=True)) for _ in range(300)]
    assert 2.7 < np.mean(counts) < 3.3


# Cells that are one network


def value(cell):
    """The cell as a function on integers modulo a prime, its operations polynomials that keep zero."""
    prime = 2**61 - 1
    functions = {
        "none": lambda x: 0,
        "skip_connect": lambda x: x,
        "nor_conv_1x1": lambda x: x * (x + 12345678901) * (x * x + 98765),
        "nor_conv_3x3": lambda x: x * (x + 3234567890123) * (x * x + 765),
        "avg_pool_3x3": lambda x: x * (x + 5556677) * (x * x + 4242427),
    }
    states = [987654321987]
    for node in (1, 2, 3):
        edges = [(s, op) for (s, t), op in zip(EDGES, cell, strict=True) if t == node]
        states.append(sum(functions[op](states[s]) for s, op in edges) % prime)
    return states[-1]


def test_canonical_texts_are_functions():
    pairs = {(value(cell), SPACE.canonical(cell)) for cell in CELLS}
    assert len(pairs) == len({v for v, _ in pairs}) == len({c for _, c in pairs}) == 4930


def test_canonical_by_hand():
    names = {"n": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "p": "avg_pool_3x3"}

    def canonical(letters):
        return SPACE.canonical(Cell(*(names[letter] for letter in letters)))

    assert canonical("nnnnnn") == canonical("n3nn1n") == canonical("1pnnnn") == canonical("nn1npp") == "0"
    assert canonical("nnnsnn") == "x"
    assert canonical("snnsns") == "x"
    assert canonical("31nnss") == canonical("13nnss") == "nor_conv_1x1(x)+nor_conv_3x3(x)"
    assert canonical("ssnnsp") == "avg_pool_3x3(x)+x"


# Networks


def benchmark_size(cell, c, n, classes):
    """Number of parameters by formula."""
    total = 27 * c + 2 * c + 8 * c + 4 * c * classes + classes
    for stage in range(3):
        w = c * 2**stage
        total += n * sum(int(op[-1]) ** 2 * w * w + 2 * w for op in cell if "conv" in op)
        if stage:
            total += 9 * (w // 2) * w + 2 * w + 9 * w * w + 2 * w + (w // 2) * w
    return total


@given(cells, st.integers(1, 6), st.integers(1, 3), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_networks_have_the_parameters_of_the_formula(cell, channels, count, classes):
    network = SPACE.build(cell, channels=channels, cells=count, classes=classes)
    assert parameters(network) == benchmark_size(cell, channels, count, classes)
    assert network.training
    assert network(torch.rand(2, 3, 9, 8)).shape == (2, classes)


def test_the_benchmark_s_sizes():
    """The smallest and the largest network of the benchmark have 0.073306 and 1.531546 million parameters."""
    sizes = [parameters(SPACE.build(Cell(*[op] * 6), proxy=False)) for op in ("none", "nor_conv_3x3")]
    assert sizes == [73_306, 1_531_546]
    assert parameters(SPACE.build(CELLS[0])) == benchmark_size(CELLS[0], 8, 1, 10)


@given(st.lists(st.sampled_from(OPERATIONS[:2]), min_size=6, max_size=6))
@settings(max_examples=20, deadline=None)
def test_cells_of_skips_count_ways(operations):
    from linregions.scores.spaces.nb201_ops import CellNetwork

    cell = Cell(*operations)
    ways = [1]
    for node in (1, 2, 3):
        ways.append(sum(ways[s] for (s, t), op in zip(EDGES, cell, strict=True) if t == node and op != "none"))
    x = torch.randint(0, 9, (2, 3, 4, 4)).float()
    assert torch.equal(CellNetwork(cell, 3)(x), ways[3] * x)


@given(cells, seeds)
@settings(max_examples=20, deadline=None)
def test_cells_by_their_description(cell, seed):
    from linregions.scores.spaces.nb201_ops import CellNetwork

    f = nn.functional
    network, x = CellNetwork(cell, 3), torch.randn(2, 3, 6, 5, generator=torch.Generator().manual_seed(seed))
    states = [x]
    for node in (1, 2, 3):
        total = torch.zeros_like(x)
        for (source, target), op in zip(EDGES, cell, strict=True):
            if target != node or op == "none":
                continue
            z = states[source]
            if "conv" in op:
                weight = next(network.edges[f"{source}_{node}"].parameters())
                z = f.conv2d(z.relu(), weight, padding=weight.shape[2] // 2)
                z = (z - z.mean((0, 2, 3), keepdim=True)) / (
                    z.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5
                ).sqrt()
            elif "pool" in op:
                sums, ones = (
                    f.pad(y, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1).sum((4, 5)) for y in (z, torch.ones_like(z))
                )
                z = sums / ones
            total = total + z
        states.append(total)
    assert torch.allclose(network(x), states[3], atol=1e-4)


@given(cells)
@settings(max_examples=50)
def test_controls_by_listing_ways(cell):
    def ways(node):
        if node == 0:
            yield 0
        for (source, target), op in zip(EDGES, cell, strict=True):
            if target == node and op != "none":
                yield from (way + (op != "skip_connect") for way in ways(source))

    controls = SPACE.controls(cell)
    assert controls["depth"] == max(ways(3), default=0)
    assert controls["convolutions"] + controls["pools"] + controls["skips"] + controls["nones"] == 6
    assert controls["conv_3x3"] == str(cell).count("3x3~") - controls["pools"]


def test_seeds():
    cell, before = SPACE.parse(BEST), torch.get_rng_state()
    first, again, other = (SPACE.build(cell, seed=s).state_dict() for s in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize("option", ["channels", "cells", "classes"])
def test_options_that_do_not_fit(option):
    with pytest.raises(InputError, match=f"{option} must be a positive whole number, got 0"):
        SPACE.build(CELLS[0], **{option: 0})


# The table


def write(path, *lines, header=HEADER):
    path.write_text("\n".join((",".join(header), *lines)) + "\n")
    return path


def test_a_small_table(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "none,none,none,none,none,none,1,10,10",
        "none,none,none,none,none,skip_connect,2,11.0,10 12",
    )
    table = read_table("nb201", path)
    assert table.architectures == CELLS[:2]
    assert table.accuracy.tolist() == [10, 11]
    assert table.columns["seeds"].tolist() == [1, 2]
    assert np.isnan(table.columns["sd"][0])
    assert table.columns["sd"][1] == pytest.approx(2**0.5)


ZEROS = "none,none,none,none,none,none"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"{ZEROS},1,10", "line 2: a row has 9 fields, got 8"),
        (f"{ZEROS[:-4]}conv,1,10,10", "line 2: cell: operation 'conv' on edge 2>3 is not known"),
        (f"{ZEROS},2,10,10", "line 2: seeds is '2', but test_accs holds 1 accuracy"),
        (f"{ZEROS},0,10,", "line 2: seeds is '0', but test_accs holds 0 accuracies"),
        (f"{ZEROS},1,10,ten", "line 2: accuracy must be a number from 0 to 100, got 'ten'"),
        (f"{ZEROS},2,10,10 12", "line 2: mean_test_acc is 10, but test_accs have 11.0000"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, line, what):
    path = write(tmp_path / "t.csv", line)
    with pytest.raises(InputError, match=what) as error:
        read_table("nb201", path)
    assert str(error.value).startswith(str(path))


def test_headers_that_do_not_fit(tmp_path):
    with pytest.raises(InputError, match="line 1: the header must be op_0_1,"):
        read_table("nb201", write(tmp_path / "t.csv", header=("a", "b")))
    with pytest.raises(InputError, match="holds no architecture"):
        read_table("nb201", write(tmp_path / "t.csv"))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="line 1: the header must be"):
        read_table("nb201", tmp_path / "empty.csv")


def test_the_published_table():
    if not TABLE.exists():
        pytest.skip("the table of NAS-Bench-201 is not there")
    table = read_table("nb201", TABLE)
    assert table.architectures == CELLS
    best = table.architectures[int(table.accuracy.argmax())]
    assert str(best) == BEST
    assert (table.rank(best), round(table.accuracy.max(), 2)) == (1, 94.37)
    # Cells that are one network differ by what another seed makes of them, not more.
    classes: dict[str, list[float]] = {}
    for cell, accuracy in zip(table.architectures, table.accuracy, strict=True):
        classes.setdefault(SPACE.canonical(cell), []).append(accuracy)
    within = np.median([np.std(v, ddof=1) for v in classes.values() if len(v) > 1])
    assert within < 0.5 < np.std(table.accuracy)
