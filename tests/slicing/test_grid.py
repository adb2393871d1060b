"""Grids of points, labelled by the module itself, hold no pattern that the exact slices lack.

The labels are of float64 and of points that rounding has put a step off the plane, so a few may be of no region.  Such
a one is excused only by the exact pattern at the rational point on the plane, never by a tolerance.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from plane_patterns import PlanePatterns  # noqa: E402
from slicing_nets import calibrated, convnet, plane, resnet18  # noqa: E402
from torch import nn  # noqa: E402

from linregions import Network, Plane, enumerate_regions  # noqa: E402
from linregions.readers import read_torch  # noqa: E402
from linregions.slicing.batched import enumerate_slice  # noqa: E402

SIDE = 64  # a power of two: the coordinates of the grid are exact


def labelled(module: nn.Module, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pieces of all ReLUs and maxima (2 x 2, stride 2) at points (points, inputs), in float64, seen by hooks."""
    found: list[np.ndarray] = []

    def seen(layer, args):
        z = args[0].detach().numpy()
        if isinstance(layer, nn.MaxPool2d):
            n, c, h, w = z.shape
            windows = z[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
            found.append(windows.transpose(0, 1, 2, 4, 3, 5).reshape(n, -1, 4).argmax(axis=2))
        else:
            found.append(z.reshape(len(z), -1) > 0)

    double = module.double()
    kinds = (nn.ReLU, nn.MaxPool2d)
    hooks = [layer.register_forward_pre_hook(seen) for layer in double.modules() if isinstance(layer, kinds)]
    with torch.no_grad():
        double(torch.from_numpy(x).reshape(-1, *shape))
    for hook in hooks:
        hook.remove()
    return np.concatenate(found, axis=1).astype(np.uint8)


def grid(domain, side: int = SIDE) -> np.ndarray:
    """Coordinates (points, 2), exactly representable, of the middles of side x side squares in a domain's square."""
    low, high = domain.region.min(axis=0), domain.region.max(axis=0)
    steps = (2 * np.arange(side) + 1) / (2 * side)
    s, t = np.meshgrid(*(low + steps[:, None] * (high - low)).T)
    return np.column_stack([s.ravel(), t.ravel()])


def names(patterns: np.ndarray) -> list[bytes]:
    """Patterns as keys."""
    return [row.tobytes() for row in patterns.astype(np.uint8)]


def lacking(exact: PlanePatterns, at: np.ndarray, labels: np.ndarray, known: set[bytes]) -> list[int]:
    """Points (coordinates `at`) whose labels show a region that is not listed.

    Those are the points of unknown label, but for the ones that lie on a boundary exactly, and for the ones that
    float64 labels falsely while the true pattern is listed.
    """
    left = []
    for i, label in enumerate(names(labels)):
        if label in known:
            continue
        pattern, boundary = exact(*at[i])
        (true,) = names(pattern[None])
        if not boundary and (true == label or true not in known):
            left.append(i)
    return left


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


def pooled(*, pool_first: bool) -> nn.Sequential:
    """Two convolutions, each with a ReLU and a maximum over 2 x 2 windows in either order."""
    torch.manual_seed(6)
    layers: list[nn.Module] = []
    for a, b in ((1, 4), (4, 6)):
        behind = [nn.MaxPool2d(2), nn.ReLU()]
        layers += [nn.Conv2d(a, b, 3, 1, 1), *(behind if pool_first else behind[::-1])]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 9, 3))


def case(name: str):
    """Module, input shape, plane."""
    if name == "convnet 28 x 28":
        return convnet(), (1, 28, 28), plane(784, scale=0.02)
    if name == "residual":
        return calibrated(Wired(), (1, 12, 12)), (1, 12, 12), plane(144, scale=0.3)
    return pooled(pool_first=name == "pooled, relu"), (1, 12, 12), plane(144, scale=0.08)


@pytest.mark.parametrize("name", ["convnet 28 x 28", "residual", "pooled, relu", "relu, pooled"])
def test_a_grid_finds_no_pattern_that_the_slices_lack(name):
    module, shape, domain = case(name)
    network = read_torch(module, input_shape=shape)
    found = enumerate_regions(network, domain, threads=1)
    assert found.count.kind.value == "exact"
    regions = set(names(found.patterns))
    assert len(regions) == len(found)
    lists = [regions]
    if "pooled" not in name:
        lists.append(set(names(enumerate_slice(module, domain, input_shape=shape).patterns)))
    at, exact = grid(domain), PlanePatterns(network, domain)
    labels = labelled(module, domain.inputs(at), shape)
    seen = {label: i for i, label in enumerate(names(labels))}
    # The grid is fine enough to say something: it sees most regions, and float64 mistakes few points.
    assert 0.5 * len(found) < len(seen.keys() & regions)
    for known in lists:
        assert sum(label not in known for label in names(labels)) <= len(at) // 100
        assert lacking(exact, at, labels, known) == []
    # Some points without regard to their labels, on the plane itself.
    for i in range(0, len(at), len(at) // 8):
        pattern, boundary = exact(*at[i])
        assert boundary or names(pattern[None])[0] in regions
    # A list that lacks a region is found out, whichever region that is of those that the grid sees.
    left_out = 0
    for label, i in list(seen.items())[:: len(seen) // 8]:
        pattern, boundary = exact(*at[i])
        if not boundary and names(pattern[None]) == [label]:
            left_out += 1
            assert lacking(exact, at[[i]], labels[[i]], regions - {label}) == [0]
    assert left_out > 4


def test_what_excuses_a_label():
    # One input less another and more, in a plane whose grid has points where it is zero: the piece (0, 0) is of a line.
    lines = [([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.25]), ([[1.0, 1.0, 1.0]], [0.0])]
    network = Network.from_arrays(lines)
    domain = Plane.through([0, 0], [1, 0], [0, 1])
    known = set(names(enumerate_regions(network, domain).patterns))
    one, other = names(np.array([[1, 0, 1], [0, 1, 1]]))
    assert known == {one, other}
    at, exact = grid(domain, 8), PlanePatterns(network, domain)
    labels = network.pattern(domain.inputs(at))
    assert sum(label not in known for label in names(labels)) == 8
    assert lacking(exact, at, labels, known) == []
    # A false label is excused by its true pattern, if that is listed.
    at, labels = np.array([[0.75, 0.5]]), np.array([[1, 0, 0]])
    assert names(exact(*at[0])[0][None]) == [one]
    assert lacking(exact, at, labels, known) == []
    assert lacking(exact, at, labels, {other}) == [0]
    # So near the line that a tolerance would excuse it, and beside it nevertheless.
    at = np.array([[0.5 + 2.0**-50, 0.5]])
    assert lacking(exact, at, np.array([[1, 0, 1]]), {other}) == [0]


@pytest.mark.parametrize("name", ["residual", "relu, pooled"])
def test_patterns_on_the_plane_are_those_of_the_network(name):
    module, shape, domain = case(name)
    network = read_torch(module, input_shape=shape)
    exact = PlanePatterns(network, domain)
    for s, t in np.random.default_rng(0).random((2, 2)):
        point = [u * Fraction(s) + v * Fraction(t) + o for u, v, o in domain.embedding]
        assert exact(s, t)[0].tolist() == network.exact_pattern(point).tolist()


@pytest.mark.slow
def test_a_grid_on_a_residual_net_too_large_for_matrices():
    module = calibrated(resnet18(width=4), (3, 32, 32)).double()
    domain = plane(3072, scale=0.001)
    found = enumerate_slice(module, domain, input_shape=(3, 32, 32), maps=True)
    assert found.count.status.value == "complete"
    assert len(found) > 200
    at, polygons = grid(domain, 32), found.polygons
    with torch.no_grad():
        values = module(torch.from_numpy(domain.inputs(at)).reshape(-1, 3, 32, 32)).numpy()
    # The activations of the blocks are calls without hooks, so what is compared are the values of the regions' maps.
    where = [_holding(polygons, point) for point in at]
    xy = np.column_stack([at @ polygons.frame, np.ones(len(at))])
    np.testing.assert_allclose(np.einsum("rok,rk->ro", found.maps[where], xy), values, atol=1e-6)


def _holding(polygons, point: np.ndarray) -> int:
    a, b = polygons.points, polygons.points[polygons.following]
    side = (b - a)[:, 0] * (point - a)[:, 1] - (b - a)[:, 1] * (point - a)[:, 0]
    inside = np.minimum.reduceat(side, polygons.indptr[:-1])
    return int(np.argmax(inside))
