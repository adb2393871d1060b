"""DARTS cells: texts, changes, and networks against formulas and paths that know no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.scores.spaces import read_table
from linregions.scores.spaces.darts import OPERATIONS, Darts, Genotype

torch = pytest.importorskip("torch")
nn = torch.nn

TABLE = Path(__file__).parents[2].joinpath("../shared/data/nas/darts1000_cifar10.csv").resolve()
SPACE, TWO = Darts(), Darts(shared=False)
# The cells that the paper reports for CIFAR-10 (second order), as its authors publish them.
SECOND_ORDER = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)

seeds = st.integers(0, 2**32 - 1)


def drawn(seed, space=SPACE):
    return space.sample(np.random.default_rng(seed))


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


@given(seeds, st.booleans())
def test_texts_come_back(seed, shared):
    genotype = drawn(seed, Darts(shared=shared))
    text = SPACE.text(genotype)
    assert text == str(genotype)
    assert SPACE.parse(text) == genotype
    assert SPACE.parse(text.replace("[2, 3, 4, 5]", "range(2, 6)").replace(" ", "\n ").replace("'", '"')) == genotype


def test_a_published_text():
    genotype = SPACE.parse(SECOND_ORDER)
    assert genotype.normal[5] == ("skip_connect", 0)
    assert genotype.reduce[2] == ("skip_connect", 2)
    assert SPACE.text(genotype) == SECOND_ORDER


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("Genotype", "__import__", "cannot read"),
        ("('sep_conv_3x3', 0), ", "('sep_conv_7x7', 0), ", "operation 'sep_conv_7x7' of normal is not known"),
        ("('sep_conv_3x3', 0), ", "", "normal must be a tuple of 8 edges"),
        ("('sep_conv_3x3', 0), ", "exit(), ", r"cannot read .exit\(\), .* in normal"),
        ("('dil_conv_3x3', 2)]", "('dil_conv_3x3', 5)]", "input 5 of node 5 in normal is not 0 to 4"),
        (
            "('skip_connect', 2), ('max_pool_3x3', 1), (",
            "('skip_connect', 3), ('max_pool_3x3', 1), (",
            "input 3 of node 3",
        ),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=[2, 3, 4]", r"concat must be \[2, 3, 4, 5\], got '\[2, 3, 4\]'"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=range(2, 5)", "concat must be"),
        ("('skip_connect', 0)", "('skip_connect', 0.5)", "cannot read"),
        ("('skip_connect', 0)", "('skip_connect', -1)", "cannot read"),
        ("reduce_concat=[2, 3, 4, 5])", "reduce_concat=[2, 3, 4, 5]) + 1", "cannot read"),
    ],
)
def test_other_texts_are_refused(old, new, what):
    text = SECOND_ORDER.replace(old, new, 1)
    assert text != SECOND_ORDER
    with pytest.raises(InputError, match=what) as error:
        SPACE.parse(text)
    assert "\n" not in str(error.value)


@given(st.text() | st.none() | st.integers() | st.lists(st.sampled_from(SECOND_ORDER.split())).map(" ".join))
@settings(max_examples=50, deadline=None)
def test_any_other_text_is_refused(text):
    with pytest.raises(InputError):
        SPACE.parse(text)


def test_values_are_checked_where_networks_are_built():
    cell = drawn(0).normal
    for bad in ("none", None, (cell, cell), Genotype(cell[:7], cell), Genotype(list(cell), cell)):
        with pytest.raises(InputError, match=r"architecture must be a Genotype|must be a tuple of 8 edges"):
            SPACE.build(bad)
    with pytest.raises(InputError, match=r"an edge of reduce must be \(operation, input\), got 'none'"):
        SPACE.build(Genotype(cell, (*cell[:7], "none")))
    with pytest.raises(InputError, match="input True of node 2"):
        SPACE.build(Genotype(cell, (("none", True), *cell[1:])))


# Changes


@given(seeds, st.booleans())
@settings(max_examples=30)
def test_neighbours(seed, shared):
    space, rng = Darts(shared=shared), np.random.default_rng(seed)
    genotype = space.sample(rng)
    near = list(space.neighbours(genotype))
    assert len(set(near)) == len(near) == (76 if shared else 152)
    for other in near:
        cells = (1 if shared else 2) * [0]
        for k, (a, b) in enumerate(zip(genotype, other, strict=True)):
            cells[k % len(cells)] = sum((p != q) + (i != j) for (p, i), (q, j) in zip(a, b, strict=True))
        assert sum(cells) == 1
        assert space.parse(space.text(other)) == other
    assert space.mutate(genotype, rng) in near
    assert genotype in space.neighbours(near[0])


@given(seeds, st.booleans())
@settings(max_examples=30)
def test_children_take_every_edge_from_a_parent(seed, shared):
    space, rng = Darts(shared=shared), np.random.default_rng(seed)
    first, second = space.sample(rng), space.sample(rng)
    child = space.crossover(first, second, rng)
    for a, b, c in zip(first, second, child, strict=True):
        assert all(edge in pair for edge, *pair in zip(c, a, b, strict=True))
    assert space.crossover(first, first, rng) == first
    assert not shared or child.normal == child.reduce


def test_both_parents_are_taken():
    rng = np.random.default_rng(0)
    first, second = (Genotype((((name, 0),) * 8), (((name, 0),) * 8)) for name in ("none", "skip_connect"))
    counts = [sum(name == "none" for name, _ in SPACE.crossover(first, second, rng).normal) for _ in range(200)]
    assert 3.5 < np.mean(counts) < 4.5


def test_shared_cells_are_the_same():
    with pytest.raises(InputError, match=r"normal and reduction cell of .* differ; use Darts\(shared=False\)"):
        SPACE.mutate(SPACE.parse(SECOND_ORDER), np.random.default_rng(0))
    assert TWO.mutate(SPACE.parse(SECOND_ORDER), np.random.default_rng(0)) != SPACE.parse(SECOND_ORDER)
    assert TWO.size == SPACE.size**2


def test_samples_take_every_choice():
    cells = [drawn(seed).normal for seed in range(400)]
    for e in range(8):
        assert {cell[e][0] for cell in cells} == set(OPERATIONS)
        assert {cell[e][1] for cell in cells} == set(range(2 + e // 2))


def test_depth_by_listing_ways():
    for seed in range(50):
        genotype = drawn(seed)

        def ways(node, cell=genotype.reduce):
            if node < 2:
                yield 0
                return
            for operation, source in cell[2 * node - 4 : 2 * node - 2]:
                if operation != "none":
                    yield from (1 + way for way in ways(source))

        controls = SPACE.controls(genotype)
        assert controls["depth"] == max((way for node in range(2, 6) for way in ways(node)), default=0)
        assert controls["convolutions"] + controls["pools"] + controls["skips"] + controls["nones"] == 8


# Networks


def proxy_size(cell, classes):
    """Numbers of parameters and of ReLU outputs of the proxy on 32 x 32, by formula."""
    c, weights, units = 6, 2 * (3 * 6 + 2 * 6) + 24 * classes + classes, 2 * 3 * 32 * 32
    for operation, source in cell:
        kernel, side = int(operation[-1]) if "conv" in operation else 0, 32 if source < 2 else 16
        once = c * kernel**2 + c * c + 2 * c
        if operation.startswith("sep"):
            weights, units = weights + 2 * once, units + c * side**2 + c * 16**2
        elif operation.startswith("dil"):
            weights, units = weights + once, units + c * side**2
        elif operation == "skip_connect" and source < 2:
            weights, units = weights + c * c + 2 * c, units + c * side**2
    return weights, units


def relu_units(network, x):
    units, hooks = [], []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            hooks.append(module.register_forward_hook(lambda *a: units.append(a[2][0].numel())))
    network(x)
    for hook in hooks:
        hook.remove()
    return sum(units)


@given(seeds, st.integers(1, 20))
@settings(max_examples=10, deadline=None)
def test_proxy_has_the_parameters_and_units_of_the_formula(seed, classes):
    genotype = drawn(seed, TWO)
    network = SPACE.build(genotype, classes=classes)
    assert network.training
    assert (parameters(network), relu_units(network, torch.rand(2, 3, 32, 32))) == proxy_size(genotype.reduce, classes)
    assert all(type(m) is not nn.ReLU or not m.inplace for m in network.modules())


def test_a_published_network_has_its_published_size():
    network = SPACE.build(SPACE.parse(SECOND_ORDER), proxy=False)
    assert parameters(network) == 3_349_342  # printed as 3.349342MB by its authors' scripts, without auxiliary head


@pytest.mark.parametrize("side", [(32, 32), (15, 16), (8, 8), (9, 7)])
@pytest.mark.parametrize("options", [{}, {"proxy": False, "channels": 4, "layers": 5, "classes": 3}])
def test_any_size_of_image(side, options):
    for seed in range(3):
        network = SPACE.build(drawn(seed, TWO), **options)
        assert network(torch.rand(2, 3, *side)).shape == (2, options.get("classes", 10))


def test_layers_that_halve():
    network = SPACE.build(drawn(1), proxy=False, channels=4, layers=6)
    assert [cell.outputs // 4 for cell in network.cells] == [4, 4, 8, 8, 16, 16]


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_cells_of_skips_count_ways(seed):
    """Without convolutions a node is a sum of the two inputs, as often as ways lead there."""
    from linregions.scores.spaces.darts_ops import CellNetwork

    rng = np.random.default_rng(seed)
    cell = tuple((("none", "skip_connect")[rng.integers(2)], int(rng.integers(2 + e // 2))) for e in range(8))
    network = CellNetwork(cell, 3, 3, 4, reduction=False)
    before, last = torch.rand(2, 3, 5, 5), torch.rand(2, 3, 5, 5)
    ways = np.eye(2, dtype=int).tolist()
    for node in range(4):
        pair = [np.array(ways[s]) * (name != "none") for name, s in cell[2 * node : 2 * node + 2]]
        ways.append((pair[0] + pair[1]).tolist())
    inputs = network.before(before), network.last(last)
    wanted = torch.cat([a * inputs[0] + b * inputs[1] for a, b in ways[2:]], dim=1)
    assert torch.allclose(network(before, last), wanted, atol=1e-5)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("stride", [1, 2])
def test_operations_by_their_description(name, stride):
    """The operations again, from the functions of torch and the weights of the module."""
    from linregions.scores.spaces.darts_ops import OPS

    f = nn.functional
    module, x = OPS[name](4, stride), torch.randn(3, 4, 6, 8)
    w = [p.detach() for p in module.parameters() if p.dim() == 4]

    def norm(z):
        return (z - z.mean((0, 2, 3), keepdim=True)) / (z.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()

    def conv(z, deep, point, stride, dilation):
        side = dilation * (deep.shape[2] // 2)
        z = f.conv2d(z.relu(), deep, stride=stride, padding=side, dilation=dilation, groups=4)
        return norm(f.conv2d(z, point))

    if name.startswith("sep"):
        wanted = conv(conv(x, w[0], w[1], stride, 1), w[2], w[3], 1, 1)
    elif name.startswith("dil"):
        wanted = conv(x, w[0], w[1], stride, 2)
    elif name == "skip_connect" and stride == 2:
        halves = f.conv2d(x.relu()[:, :, ::2, ::2], w[0]), f.conv2d(x.relu()[:, :, 1::2, 1::2], w[1])
        wanted = norm(torch.cat(halves, dim=1))
    elif name == "max_pool_3x3":
        wanted = f.pad(x, (1, 1, 1, 1), value=-9e9).unfold(2, 3, stride).unfold(3, 3, stride).amax((4, 5))
    elif name == "avg_pool_3x3":
        sums, ones = (
            f.pad(z, (1, 1, 1, 1)).unfold(2, 3, stride).unfold(3, 3, stride).sum((4, 5))
            for z in (x, torch.ones_like(x))
        )
        wanted = sums / ones
    else:
        wanted = (name != "none") * x[:, :, ::stride, ::stride]
    assert torch.allclose(module(x), wanted, atol=1e-5)


def test_seeds():
    genotype, before = drawn(2), torch.get_rng_state()
    first, again, other = (SPACE.build(genotype, seed=s).state_dict() for s in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert any(not torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"channels": 8}, "channels: the proxy takes no choice, got 8"),
        ({"layers": 8}, "layers: the proxy takes no choice, got 8"),
        ({"classes": 0}, "classes must be a positive whole number, got 0"),
        ({"proxy": False, "channels": 3}, r"channels must be even \(.*\), got 3"),
        ({"proxy": False, "layers": 1.0}, "layers must be a positive whole number"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_options_that_do_not_fit(options, what):
    with pytest.raises(InputError, match=what):
        SPACE.build(drawn(0), **options)


# The table


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('"Genotype(...)",85.0', r"line 3: genotype: cannot read 'Genotype\(\.\.\.\)'"),
        (f'"{SECOND_ORDER}"', "line 3: a row is a genotype and its accuracy, got 1 fields"),
        (f'"{SECOND_ORDER}",high', "line 3: accuracy must be a number from 0 to 100, got 'high'"),
        (f'"{SECOND_ORDER}",nan', "line 3: accuracy must be a number from 0 to 100, got 'nan'"),
        (f'"{SECOND_ORDER}",101', "line 3: accuracy must be"),
        ("id,accuracy", "line 3: genotype: cannot read 'id'"),
    ],
)
def test_tables_that_do_not_fit(tmp_path, line, what):
    path = tmp_path / "t.csv"
    path.write_text(f'"{SECOND_ORDER}",85\n\n{line}\n')
    with pytest.raises(InputError, match=what) as error:
        read_table("darts", path)
    assert str(error.value).startswith(str(path))


def test_a_small_table(tmp_path):
    path = tmp_path / "t.csv"
    other = SPACE.text(drawn(0))
    path.write_text(f'"{SECOND_ORDER}",85\n"{other}",80.5\n"{SECOND_ORDER}",84\n')
    table = read_table("darts", path)
    assert [SPACE.text(a) for a in table.architectures] == [SECOND_ORDER, other, SECOND_ORDER]
    assert table.accuracy.tolist() == [85, 80.5, 84]
    assert "1 of them again" in str(table)


@pytest.fixture(scope="module")
def published():
    if not TABLE.exists():
        pytest.skip("the table of 1,000 genotypes is not there")
    return read_table("darts", TABLE)


def ranks(values):
    """Ranks with ties at their mean."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]


def spearman(a, b):
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def test_the_published_table(published):
    assert len(published) == published.as_dict()["distinct"] == 1000
    assert [round(published.as_dict()[f"accuracy_{k}"], 2) for k in ("min", "median", "max")] == [10.22, 80.25, 86.61]
    assert all(a.normal == a.reduce for a in published.architectures)
    assert f'"{SPACE.text(published.architectures[7])}"' in TABLE.read_text().splitlines()[7]
    sizes = np.array([proxy_size(a.reduce, 10) for a in published.architectures])
    # Counted in thousands the first quartile, the median and the third are 0.96, 1.21 and 1.50.
    assert (sizes[:, 0].min(), sizes[:, 0].max()) == (310, 2692)
    assert np.percentile(sizes[:, 0], [25, 50, 75]).round(-1).tolist() == [960, 1210, 1500]
    # What a score has to beat: the sizes alone.
    assert round(spearman(sizes[:, 0], published.accuracy), 3) == 0.802
    assert round(spearman(sizes[:, 1], published.accuracy), 3) == 0.427


def literal_score(network, x, generator):
    """Distinct columns of the sign matrix of every ReLU, with N(0, 1) weights, in training mode."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.data.normal_(generator=generator)
    columns, hooks = [], []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            hooks.append(
                module.register_forward_hook(lambda *a: columns.append((a[2].flatten(1) > 0).numpy().T.copy()))
            )
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    # Sixteen samples: a column is a number of 16 bits.
    return len(np.unique(np.packbits(np.concatenate(columns), axis=1).view(np.uint16)))


def scores(table, repeats):
    digits = pytest.importorskip("sklearn.datasets").load_digits().images[:16]
    x = nn.functional.interpolate(torch.tensor(digits, dtype=torch.float32)[:, None], size=32)
    x = ((x - x.mean()) / x.std()).repeat(1, 3, 1, 1)
    found = []
    for k, genotype in enumerate(table.architectures):
        network, generator = SPACE.build(genotype), torch.Generator().manual_seed(k)
        found.append(np.mean([literal_score(network, x, generator) for _ in range(repeats)]))
    return np.array(found)


def test_the_score_of_the_proxy_ranks_the_table(published):
    part = published.draw(40, np.random.default_rng(0))
    found = scores(part, repeats=1)
    assert found.max() < 2**16
    assert spearman(found, part.accuracy) > 0.8


@pytest.mark.slow
def test_the_score_of_the_proxy_ranks_more_of_the_table(published):
    part = published.draw(150, np.random.default_rng(0))
    assert spearman(scores(part, repeats=3), part.accuracy) > 0.9
