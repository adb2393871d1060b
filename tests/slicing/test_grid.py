"""Grids of points, labelled by the module itself, hold no pattern that the exact slices lack."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slicing_nets import calibrated, convnet, plane, resnet18  # noqa: E402
from torch import nn  # noqa: E402

from linregions import enumerate_regions  # noqa: E402
from linregions.readers import read  # noqa: E402
from linregions.slicing.batched import enumerate_slice  # noqa: E402


def labelled(module: nn.Module, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Signs of the inputs of all ReLUs at points (points, inputs), seen by hooks; calls of torch.relu have none."""
    signs: list[torch.Tensor] = []
    double = module.double()
    hooks = [
        m.register_forward_pre_hook(lambda _, args: signs.append(args[0].flatten(1) > 0))
        for m in double.modules()
        if isinstance(m, nn.ReLU)
    ]
    with torch.no_grad():
        double(torch.from_numpy(x).reshape(-1, *shape))
    for hook in hooks:
        hook.remove()
    return torch.cat(signs, dim=1).numpy().astype(np.uint8)


def grid(domain, side: int) -> np.ndarray:
    """Inputs at the points of a grid over the domain's region, a square."""
    low, high = domain.region.min(axis=0), domain.region.max(axis=0)
    steps = (np.arange(side) + 0.5) / side
    s, t = np.meshgrid(*(low + steps[:, None] * (high - low)).T)
    return domain.inputs(np.column_stack([s.ravel(), t.ravel()]))


def unknown(labels: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """Points whose label is no listed pattern."""
    known = {row.tobytes() for row in patterns.astype(np.uint8)}
    return np.array([i for i, row in enumerate(labels) if row.tobytes() not in known], dtype=int)


def disputed(network, labels: np.ndarray, x: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """What is left of the unknown labels after the pattern at the (float64) point has been decided exactly.

    A point is where rounding has put it, a tiny step off the plane, so the pattern of the point itself need not occur
    on the plane; but then its sign is within the error bound of float64, and the point counts for neither side.
    """
    left = []
    for i in unknown(labels, patterns):
        exact = network.pattern(x[i]).astype(np.uint8)
        if unknown(exact[None], patterns).size == 0:
            continue
        changed = np.flatnonzero(exact != labels[i])
        near = np.abs(signed(network, x[i])) < 1e-9
        if not near.any() and not len(changed):
            left.append(i)
    return np.array(left, dtype=int)


def signed(network, x: np.ndarray) -> np.ndarray:
    """The values before the activations of all units at one point, in float64."""
    values = []
    for stage in network.stages:
        z = stage.preactivation(x)
        values.append(z[stage.activation.pieces > 1])
        x = stage.activate(z)
    return np.concatenate(values)


class Wired(nn.Module):
    """A residual net whose activations are modules of their own, so that hooks see each of them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.stem, self.one, self.two = nn.Conv2d(1, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 1, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.norm = nn.BatchNorm2d(4)
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(3))
        self.head = nn.Linear(4 * 36, 3)

    def forward(self, x):
        x = self.relus[0](self.stem(x))
        y = self.relus[1](self.norm(self.one(x)))
        return self.head(self.relus[2](self.two(y) + x).flatten(1))


@pytest.mark.parametrize("name", ["convnet", "residual"])
def test_a_grid_finds_no_pattern_that_the_slices_lack(name):
    if name == "convnet":
        module, shape = convnet(size=14, widths=(4, 6, 8)), (1, 14, 14)
        domain = plane(196, scale=0.2)
    else:
        module, shape = calibrated(Wired(), (1, 12, 12)), (1, 12, 12)
        domain = plane(144, scale=0.3)
    network = read(module, input_shape=shape)
    exact = enumerate_regions(network, domain, threads=1).patterns
    batched = enumerate_slice(module, domain, input_shape=shape)
    x = grid(domain, 60)
    labels = labelled(module, x, shape)
    for patterns in (exact, batched.patterns):
        assert len(unknown(labels, patterns)) <= len(x) // 100
        assert len(disputed(network, labels, x, patterns)) == 0
    # The grid is fine enough to say something: it sees most regions.
    seen = {row.tobytes() for row in labels}
    assert 0.3 * len(exact) < len(seen) <= len(exact) + len(x) // 100


def test_the_grid_notices_a_region_that_is_left_out():
    module, shape, domain = convnet(size=14, widths=(4, 6, 8)), (1, 14, 14), plane(196, scale=0.2)
    network = read(module, input_shape=shape)
    found = enumerate_slice(module, domain, input_shape=shape)
    x = grid(domain, 12)
    labels = labelled(module, x, shape)
    largest = int(np.argmax(found.polygons.areas))
    assert len(disputed(network, labels, x, np.delete(found.patterns, largest, axis=0))) > 0


@pytest.mark.slow
def test_a_grid_on_a_residual_net_too_large_for_matrices():
    module = calibrated(resnet18(width=4), (3, 32, 32)).double()
    domain = plane(3072, scale=0.003)
    found = enumerate_slice(module, domain, input_shape=(3, 32, 32))
    assert found.count.status.value == "complete"
    x = grid(domain, 24)
    # The activations of the blocks are calls without hooks, so the patterns of points are those of tiny slices' maps.
    with torch.no_grad():
        values = module(torch.from_numpy(x).reshape(-1, 3, 32, 32)).numpy()
    maps = enumerate_slice(module, domain, input_shape=(3, 32, 32), maps=True)
    polygons = maps.polygons
    t = (np.arange(24) + 0.5) / 24 * 2 - 0.5
    s, t = np.meshgrid(t, t)
    at = np.column_stack([s.ravel(), t.ravel()])
    where = [_holding(polygons, point) for point in at]
    xy = np.column_stack([at @ polygons.frame, np.ones(len(at))])
    np.testing.assert_allclose(np.einsum("rok,rk->ro", maps.maps[where], xy), values, atol=1e-6)


def _holding(polygons, point: np.ndarray) -> int:
    a, b = polygons.points, polygons.points[polygons.following]
    side = (b - a)[:, 0] * (point - a)[:, 1] - (b - a)[:, 1] * (point - a)[:, 0]
    inside = np.minimum.reduceat(side, polygons.indptr[:-1])
    return int(np.argmax(inside))
