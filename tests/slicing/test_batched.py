"""Slices evaluated in batches: the same regions as the exact engine finds from matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from slicing_nets import calibrated, convnet, mlp, plane, resnet18  # noqa: E402
from torch import nn  # noqa: E402

from linregions import Box, Plane, enumerate_regions  # noqa: E402
from linregions.errors import InputError, UnsupportedModelError  # noqa: E402
from linregions.metrics import boundary_length  # noqa: E402
from linregions.partition import Kind, Status  # noqa: E402
from linregions.readers import read  # noqa: E402
from linregions.slicing.batched import enumerate_slice  # noqa: E402


def both(module, domain, shape=None, **how):
    """The same slice by the exact engine and in batches, with the regions of the second in the order of the first."""
    exact = enumerate_regions(read(module, input_shape=shape), domain, threads=1)
    found = enumerate_slice(module, domain, input_shape=shape, **how)
    at = {row.tobytes(): i for i, row in enumerate(exact.patterns.astype(np.uint8))}
    mine = [row.tobytes() for row in found.patterns.astype(np.uint8)]
    assert set(mine) == set(at)
    assert len(mine) == len(at)
    return exact, found, np.array([at[m] for m in mine])


def check(module, domain, shape=None, **how):
    exact, found, order = both(module, domain, shape, **how)
    polygons = found.polygons
    assert found.count.value == len(exact) == len(polygons)
    assert polygons.areas.sum() == pytest.approx(polygons.area_domain, rel=1e-9)
    np.testing.assert_allclose(polygons.domain_areas, exact.volumes[order], rtol=1e-5, atol=1e-10)
    return exact, found, order


def same_complex(exact, found, order):
    """Edges, neighbours and vertices, compared region by region."""
    ours, theirs = found.polygons, exact.polygons
    assert not np.any(ours.neighbours == -2)
    place = np.append(order, -1)
    names = {}
    for i, j in enumerate(order):
        mine, other = slice(*ours.indptr[i : i + 2]), slice(*theirs.indptr[j : j + 2])
        a, b = list(zip(place[ours.neighbours[mine]], ours.units[mine], strict=True)), None
        b = list(zip(theirs.neighbours[other], theirs.units[other], strict=True))
        # The two start at any corner.
        turns = [k for k in range(len(a)) if a[k:] + a[:k] == b]
        assert turns, (a, b)
        turned = np.roll(ours.vertices[mine], -turns[0])
        np.testing.assert_allclose(np.roll(ours.points[mine], -turns[0], axis=0), theirs.points[other], atol=1e-7)
        if len(turns) == 1:
            for v, w in zip(turned, theirs.vertices[other], strict=True):
                assert names.setdefault(int(v), int(w)) == int(w)
    assert len(set(names.values())) == len(names)
    assert ours.vertices.max() == theirs.vertices.max()


@settings(max_examples=6, deadline=None)
@given(
    widths=st.lists(st.integers(1, 7), min_size=1, max_size=3),
    inputs=st.integers(2, 5),
    seed=st.integers(0, 10**6),
    activation=st.sampled_from([nn.ReLU, nn.LeakyReLU, nn.Hardtanh, nn.ReLU6, nn.PReLU]),
    batch=st.sampled_from([1, 3, None]),
)
def test_random_mlps_have_the_regions_of_the_exact_engine(widths, inputs, seed, activation, batch):
    module = mlp(inputs, *widths, 2, activation=activation, seed=seed)
    domain = plane(inputs, scale=4.0, seed=seed, margin=1.0)
    exact, found, order = check(module, domain, batch=batch)
    assert (found.count.kind is Kind.EXACT) == (found.count.doubtful == 0)
    same_complex(exact, found, order)


def test_a_wide_first_layer():
    exact, found, order = check(mlp(20, 60, 30, 3), plane(20, scale=3.0, margin=2.0))
    assert len(exact) > 2_000
    assert found.count.doubtful == 0
    assert found.count.kind is Kind.EXACT
    same_complex(exact, found, order)


def test_the_identities_of_a_square():
    polygons = enumerate_slice(mlp(20, 60, 30, 3), plane(20, scale=3.0, margin=2.0)).polygons
    border = polygons.units < 0
    ends = np.unique(polygons.vertices[border])
    inner = np.setdiff1d(polygons.vertices, ends)
    v_border = len(ends) - 4
    assert 2 * len(polygons) == 2 + 2 * len(inner) + v_border
    assert len(polygons.points) == 4 * len(polygons)


def test_a_convnet_on_images():
    exact, found, order = check(convnet(size=14, widths=(4, 6, 8)), plane(196, scale=0.2), (1, 14, 14))
    assert len(exact) > 100
    assert found.count.doubtful == 0
    same_complex(exact, found, order)
    assert found.layer_names == ("relu", "relu_1", "relu_2")


def test_a_residual_net_with_batch_normalisation():
    module = calibrated(resnet18(width=2, blocks=(1, 1)), (3, 8, 8))
    exact, found, order = check(module, plane(192, scale=0.15), (3, 8, 8))
    assert len(exact) > 100
    assert found.count.doubtful == 0
    same_complex(exact, found, order)


@pytest.mark.slow
def test_the_whole_residual_net_of_18_layers():
    module = calibrated(resnet18(width=2), (3, 8, 8))
    exact, found, _ = check(module, plane(192, scale=0.1), (3, 8, 8))
    assert len(exact) > 500
    assert found.count.doubtful == 0


class _Mixed(nn.Module):
    """Most of the operators that are known, on a small image."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 2, groups=2)
        self.flat = nn.Linear(12, 5)
        self.prelu = nn.PReLU(5)

    def forward(self, x):
        y = torch.nn.functional.pad(x, (1, 0, 0, 1), value=0.25)
        y = torch.nn.functional.hardtanh(self.conv(y))
        y = torch.nn.functional.avg_pool2d(y, 3, 1, 1)
        a, b = y.chunk(2, dim=1)
        y = torch.cat([a - 0.5 * b, (2.0 * b).flip(-1), b.mean(dim=1, keepdim=True).expand(-1, 2, -1, -1)], dim=1)
        y = torch.abs(y.permute(0, 2, 3, 1).reshape(-1, 6, 9).sum(dim=2) / 3 - 0.1)
        y = torch.stack([y, -y], dim=2).flatten(1)
        return self.prelu(self.flat(y)).clamp(min=-0.2), x.sum(dim=(1, 2, 3))


def test_operators_beside_one_another():
    torch.manual_seed(3)
    module = _Mixed().double()
    _, found, _ = check(module, plane(18, scale=6.0, seed=5, margin=1.0), (2, 3, 3))
    assert len(found) > 100
    assert found.count.doubtful == 0


def test_maps_are_those_of_the_network():
    module = mlp(6, 9, 8, 3, seed=4)
    exact, found, order = both(module, plane(6, scale=5.0), maps=True)
    polygons, inner = found.polygons, exact.witnesses[order]
    expected = exact.network(exact.domain.inputs(inner))
    at = np.concatenate([inner @ polygons.frame, np.ones((len(inner), 1))], axis=1)
    np.testing.assert_allclose(np.einsum("rok,rk->ro", found.maps, at), expected, atol=1e-9)
    with pytest.raises(InputError, match="maps=True"):
        _ = enumerate_slice(module, plane(6)).maps


def test_a_triangle_and_a_box():
    module = mlp(2, 8, 8, 1, seed=2)
    check(module, plane(2, scale=4.0, region="triangle"))
    check(module, Box([-3, -1], [2, 5]))


def test_zero_biases_and_equal_units_leave_doubts_and_no_gaps():
    module = mlp(3, 6, 6, 2, seed=1)
    with torch.no_grad():
        for layer in (module[0], module[2]):
            layer.bias.zero_()
        module[0].weight[3] = module[0].weight[2]
    found = enumerate_slice(module, Plane.through([-1, -1, 0], [2, -1, 0], [-1, 2, 0]))
    assert found.count.doubtful > 0
    assert found.count.kind is Kind.ESTIMATE
    assert found.polygons.areas.sum() == pytest.approx(found.polygons.area_domain, rel=1e-9)


def test_dead_units_are_settled_without_doubt():
    module = mlp(3, 4, 3, 2)
    with torch.no_grad():
        module[0].bias.fill_(-1e6)
        module[2].bias.zero_()
    found = enumerate_slice(module, plane(3))
    assert (len(found), found.count.doubtful) == (1, 0)
    assert not found.patterns.any()


def test_float32_finds_the_same_and_doubts_more():
    exact, found, _ = both(mlp(10, 16, 16, 2, seed=3), plane(10, scale=4.0), dtype="float32")
    assert found.count.kind in (Kind.EXACT, Kind.ESTIMATE)
    assert len(found) == len(exact)


def test_budgets_give_lower_bounds():
    module, domain = mlp(20, 60, 30, 3), plane(20, scale=3.0, margin=2.0)
    whole = enumerate_slice(module, domain)
    part = enumerate_slice(module, domain, max_regions=500, batch=50)
    assert part.count.status is Status.BUDGET
    assert part.count.kind is Kind.LOWER
    assert "500" in part.count.reason
    assert 500 <= len(part) == part.count.value < len(whole)
    known = {row.tobytes() for row in whole.patterns}
    assert all(row.tobytes() in known for row in part.patterns)
    assert np.any(part.polygons.neighbours == -2)
    none = enumerate_slice(module, domain, time_limit=1e-9)
    assert none.count.status is Status.BUDGET
    assert len(none) == 0
    assert none.patterns.shape[0] == 0


def test_an_interrupt_gives_what_is_there():
    seen = []

    def progress(fraction, regions):
        seen.append((fraction, regions))
        if regions:
            raise KeyboardInterrupt

    # Calls are made every tenth of a second, so the slice takes some.
    found = enumerate_slice(mlp(20, 90, 60, 3), plane(20, scale=3.0, margin=3.0), progress=progress, batch=20)
    assert found.count.status is Status.INTERRUPTED
    assert found.count.kind is Kind.LOWER
    assert len(found) >= seen[-1][1] > 0
    assert 0 < seen[-1][0] < 1


def test_the_module_is_left_as_it_is():
    module = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 1))
    module(torch.rand(8, 4)).sum().backward()
    module[1].eval()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    grads = [p.grad.clone() for p in module.parameters()]
    state = torch.get_rng_state()
    flags = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.enabled, torch.backends.mkldnn.enabled)
    check(module, plane(4, scale=5.0))
    assert [m.training for m in module] == [True, False, True, True, True]
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(module.parameters(), grads, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled()
    assert flags == (
        torch.backends.cuda.matmul.allow_tf32,
        torch.backends.cudnn.enabled,
        torch.backends.mkldnn.enabled,
    )


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.GELU()), "gelu"),
        (nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Unflatten(1, (1, 4)), nn.MaxPool1d(2)), "max_pool1d"),
    ],
)
def test_unsupported_layers_are_named(module, words):
    with pytest.raises(UnsupportedModelError, match=words):
        enumerate_slice(module, plane(2))


def test_bad_arguments():
    module = mlp(3, 4, 1)
    with pytest.raises(InputError, match="plane: the module takes 3 inputs"):
        enumerate_slice(module, plane(4))
    with pytest.raises(InputError, match="dtype"):
        enumerate_slice(module, plane(3), dtype="float16")
    with pytest.raises(InputError, match="device"):
        enumerate_slice(module, plane(3), device="nowhere")
    with pytest.raises(InputError, match="module"):
        enumerate_slice("module", plane(3))
    with pytest.raises(InputError, match="plane"):
        enumerate_slice(module, Box.cube(0, 1, 3))
    with pytest.raises(InputError, match="batch"):
        enumerate_slice(module, plane(3), batch=0)
    with pytest.raises(InputError, match="input_shape"):
        enumerate_slice(nn.Conv2d(1, 1, 3), plane(9))


def test_boundaries_count_once_where_doubts_leave_edges_unjoined():
    rng, doubts = np.random.default_rng(0), 0
    for _ in range(6):
        module = mlp(4, 6, 5, 2)
        with torch.no_grad():
            for p in module.parameters():
                p.copy_(torch.tensor(rng.integers(-2, 3, p.shape), dtype=p.dtype))
        slice_ = Plane.through([0, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], margin=0.5)
        found, exact = enumerate_slice(module, slice_), enumerate_regions(read(module), slice_)
        doubts += found.count.doubtful
        assert len(found.polygons) == len(exact)
        assert boundary_length(found.polygons) == pytest.approx(boundary_length(exact.polygons), rel=1e-12)
    assert doubts
