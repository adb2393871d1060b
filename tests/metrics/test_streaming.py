"""The torch route against the exact one, and the torchmetrics classes against the functions."""

from __future__ import annotations

import copy
import math
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")
from model_state import left_alone  # noqa: E402
from point_nets import random_network  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.metrics.distances import boundary_distance  # noqa: E402
from linregions.metrics.local_complexity import frame, local_complexity  # noqa: E402
from linregions.metrics.points import jac_norm, local_rank  # noqa: E402
from linregions.metrics.streaming import BoundaryDistance, JacobianNorm, LocalComplexity, LocalRank  # noqa: E402
from linregions.readers import read  # noqa: E402

ACTIVATIONS = [nn.ReLU(), nn.LeakyReLU(0.1), nn.Hardtanh(), nn.ReLU6(), nn.ReLU(inplace=True), nn.Hardtanh(-0.5, 2.0)]


def mlp(seed, act, *, normed=False):
    torch.manual_seed(seed)
    norm = [nn.BatchNorm1d(7)] if normed else []
    net = nn.Sequential(
        nn.Linear(4, 7), *norm, act, nn.Dropout(0.5), nn.Linear(7, 6), copy.deepcopy(act), nn.Linear(6, 3)
    )
    if normed:
        net[1].running_mean.normal_()
        net[1].running_var.uniform_(0.5, 2.0)
    return net.double().train()


@pytest.mark.parametrize(("seed", "act"), list(enumerate(ACTIVATIONS)))
def test_the_torch_route_says_what_the_exact_one_says(seed, act):
    net = mlp(seed, copy.deepcopy(act), normed=seed % 2 == 0)
    x = np.random.default_rng(seed).normal(size=(6, 4))
    with left_alone(net):
        by_torch = boundary_distance(net, x)
        within = boundary_distance(net, x, within=np.eye(4)[:2])
        counts = local_complexity(net, x, radius=0.3, directions=4, seed=seed, logits=True)
        norms, ranks = jac_norm(net, x), local_rank(net, x)
    exact = read(net.eval())
    assert np.allclose(by_torch.values, boundary_distance(exact, x).values, rtol=1e-9, atol=1e-12)
    assert np.allclose(within.values, boundary_distance(exact, x, within=np.eye(4)[:2]).values, rtol=1e-9, atol=1e-12)
    expected = local_complexity(exact, x, radius=0.3, directions=4, seed=seed, logits=True)
    assert np.array_equal(counts.layers, expected.layers)
    assert counts.widths == expected.widths == (7, 6, 3)
    assert np.allclose(norms, jac_norm(exact, x))
    assert np.array_equal(ranks.values, local_rank(exact, x).values)


class Functional(nn.Module):
    """Activations that no module holds, in shapes of images."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 3, 3), nn.Linear(12, 2)

    def forward(self, x):
        return self.head(functional.relu(self.conv(x)).flatten(1)).clamp(-1, 1)


def test_functional_activations_of_a_convolutional_net_are_seen():
    torch.manual_seed(0)
    net = Functional().double()
    x = torch.randn(5, 1, 4, 4, dtype=torch.float64)
    exact = read(net, input_shape=(1, 4, 4))
    found = local_complexity(net, x, radius=0.5, directions=6)
    flat = x.reshape(5, 16).numpy()
    assert np.array_equal(found.layers, local_complexity(exact, flat, radius=0.5, directions=6).layers)
    assert np.allclose(boundary_distance(net, x).values, boundary_distance(exact, flat).values)


def test_smooth_activations_have_local_complexity_and_no_distance():
    net = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 2)).double()
    x = np.random.default_rng(0).normal(size=(4, 3))
    found = local_complexity(net, x, radius=0.5, directions=frame(3, 3))
    assert found.widths == (5,)
    w, b = (p.detach().numpy() for p in net[0].parameters())
    z = np.stack([(x + s * 0.5 * v) @ w.T + b for v in frame(3, 3) for s in (1, -1)])
    assert np.array_equal(found.values, ((z > 0).any(axis=0) & (z < 0).any(axis=0)).sum(axis=1))
    with pytest.raises(InputError, match="gelu"):
        boundary_distance(net, x)
    pooled = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2)).double()
    with pytest.raises(InputError, match="max_pool"):
        boundary_distance(pooled, np.zeros((1, 1, 6, 6)))


def test_a_large_module_is_refused_in_one_sentence():
    with pytest.raises(InputError, match="backward pass"):
        boundary_distance(nn.Sequential(nn.Linear(2, 9000), nn.ReLU()), np.zeros((1, 2)))
    with pytest.raises(InputError, match="batch"):
        local_complexity(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), np.zeros(2), radius=1.0, directions=2)


METRICS = [
    (
        lambda m: LocalComplexity(m, radius=0.5, directions=3),
        lambda m, x: local_complexity(m, x, radius=0.5, directions=3),
    ),
    (BoundaryDistance, boundary_distance),
    (LocalRank, local_rank),
]


@pytest.mark.parametrize(("make", "function"), METRICS, ids=["complexity", "distance", "rank"])
@pytest.mark.parametrize("module", [False, True])
def test_batches_add_up_to_the_function(make, function, module):
    model = mlp(3, nn.ReLU()).eval() if module else random_network(3, 4, (7, 6), outputs=3)
    x = torch.tensor(np.random.default_rng(1).normal(size=(17, 4)))
    metric = make(model)
    with pytest.warns(UserWarning, match="before the ``update``"):
        assert metric.compute() == {}
    for part in x.split(5):
        metric.update(part)
    whole = function(model, x.numpy()).as_dict()
    found = metric.compute()
    assert found.keys() == whole.keys()
    assert all(float(found[name]) == pytest.approx(value) for name, value in whole.items())
    assert list(metric.state_dict()) == []
    assert list(metric.children()) == []
    metric.reset()
    one = metric(x[:2])
    assert float(one[next(iter(one))]) == pytest.approx(next(iter(function(model, x[:2].numpy()).as_dict().values())))


def test_a_copy_measures_the_same_model_and_other_processes_are_merged():
    net = mlp(1, nn.ReLU()).eval()
    x = torch.tensor(np.random.default_rng(0).normal(size=(8, 4)))
    first = BoundaryDistance(net)
    second = first.clone()
    assert second._model[0] is net
    first.update(x[:3])
    second.update(x[3:])
    # What torchmetrics does with the states of two processes: they are gathered, then reduced by "cat".
    gathered = [torch.cat([*first.values, *second.values])]
    merged = BoundaryDistance(net)
    merged.update(x[:1])
    merged.values = gathered
    expected = boundary_distance(net, x.numpy()).as_dict()
    assert {k: float(v) for k, v in merged.compute().items()} == pytest.approx(expected)
    first.merge_state(second)
    assert {k: float(v) for k, v in first.compute().items()} == pytest.approx(expected)


def test_norms_stream_too():
    net = random_network(5, 4, (7,))
    x = np.random.default_rng(0).normal(size=(6, 4))
    metric = JacobianNorm(net, order=2)
    metric.update(torch.tensor(x[:4]))
    metric.update(torch.tensor(x[4:]))
    assert float(metric.compute()["jac_norm"]) == pytest.approx(jac_norm(net, x, order=2).mean())
    assert math.isfinite(float(metric.compute()["jac_norm"]))


def test_points_that_a_module_does_not_take_are_one_sentence():
    net, x = mlp(0, nn.ReLU()), np.zeros((3, 5))
    for measured in (
        lambda: boundary_distance(net, x),
        lambda: boundary_distance(net, x, within=np.eye(4)[:2]),
        lambda: local_complexity(net, x, radius=0.1),
        lambda: local_complexity(net, x[:, :2], radius=0.1, directions=4),
        lambda: jac_norm(net, x),
        lambda: local_rank(net, x),
        lambda: BoundaryDistance(net).update(torch.tensor(x)),
        lambda: LocalComplexity(net, radius=0.1).update(torch.tensor(x)),
        lambda: JacobianNorm(net).update(torch.tensor(x)),
        lambda: LocalRank(net).update(torch.tensor(x)),
    ):
        with pytest.raises(InputError, match=r"^x: the module does not take points of shape \(points, [25]\)"):
            measured()
    with pytest.raises(InputError, match="directions must be a whole number from 1 to 4, got 5"):
        local_complexity(net, np.zeros((3, 4)), radius=0.1, directions=5)


@pytest.mark.parametrize("module", [False, True])
def test_an_empty_batch_adds_nothing(module):
    net = mlp(2, nn.ReLU())
    model = net if module else read(net.eval())
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(5, 4)))
    for make in (BoundaryDistance, LocalRank, JacobianNorm, lambda m: LocalComplexity(m, radius=0.5)):
        metric, expected = make(model), make(model)
        metric.update(x[:0])
        assert metric.compute() == {}
        for some in (x[:2], x[:0], x[2:]):
            metric.update(some)
        expected.update(x)
        metric._computed = None
        assert {k: float(v) for k, v in metric.compute().items()} == pytest.approx(
            {k: float(v) for k, v in expected.compute().items()}
        )
    assert jac_norm(model, x[:0].numpy()).shape == local_rank(model, x[:0].numpy()).values.shape == (0,)


def test_a_lazy_module_is_one_sentence():
    net = nn.Sequential(nn.LazyLinear(3), nn.ReLU())
    words = r"weight of layer 0 \(LazyLinear\) has no shape yet; run the model once"
    for measured in (boundary_distance, jac_norm, local_rank, lambda m, x: local_complexity(m, x, radius=0.1)):
        with pytest.raises(InputError, match=words):
            measured(net, np.zeros((2, 4)))
    assert isinstance(net[0], nn.LazyLinear)  # it was not called


@pytest.mark.parametrize("module", [False, True])
def test_a_net_with_few_inputs_takes_as_many_directions(module):
    net = mlp(1, nn.ReLU())
    model = net if module else read(net.eval())
    x = np.random.default_rng(1).normal(size=(5, 4))
    found, all_of_them = (local_complexity(model, x, radius=0.5, **given) for given in ({}, {"directions": 4}))
    assert found.directions == 4
    assert np.array_equal(found.layers, all_of_them.layers)
    metric = LocalComplexity(model, radius=0.5)
    metric.update(torch.from_numpy(x))
    assert float(metric.compute()["local_complexity"]) == found.values.mean()


def test_a_missing_torchmetrics_is_one_sentence():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['torchmetrics'] = None\n"
        "from linregions.errors import MissingExtraError\n"
        "try:\n    import linregions.metrics.streaming\nexcept MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'linregions[training]'" in done.stdout
