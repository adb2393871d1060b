from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from model_state import left_alone  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.scores.measures.flow import synflow  # noqa: E402
from linregions.scores.measures.gradients import correlation_score, grad_norm, jacobian_covariance, random_labels, snip  # noqa: E402
from linregions.scores.measures.measure import UndefinedMeasureError, weights  # noqa: E402

MEASURES = (grad_norm, snip, synflow, jacobian_covariance)


def conv_net(seed=0, *, norm=True):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3),
        nn.BatchNorm2d(3) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Conv2d(3, 2, 2, bias=False),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(2 * 4, 3),
    )


def batch(samples=4):
    return torch.rand(samples, 2, 5, 5, generator=torch.Generator().manual_seed(3))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Linear(3, 3, bias=False) for _ in range(3))

    def forward(self, x):
        return self.c(self.b(self.a(x).relu()).relu() + x)


# ---- the loss's gradients


def softmax_regression():
    """A linear classifier, and dL/dW = (p - onehot)^T x / S written out."""
    rng = np.random.default_rng(1)
    w, x, y = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), np.array([0, 2, 1, 1, 0])
    z = x @ w.T
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    gradient = (p - np.eye(3)[y]).T @ x / 5
    net = nn.Linear(4, 3, bias=False).double()
    with torch.no_grad():
        net.weight.copy_(torch.from_numpy(w))
    return net, torch.from_numpy(x), torch.from_numpy(y), w, gradient


def test_grad_norm_by_hand():
    net, x, y, _, gradient = softmax_regression()
    found = grad_norm(net, x, targets=y)
    assert found.value == pytest.approx(np.linalg.norm(gradient), rel=1e-12)
    assert (found.labels, found.samples, found.direction) == ("given", 5, "higher is better")


def test_snip_by_hand():
    net, x, y, w, gradient = softmax_regression()
    assert float(snip(net, x, targets=y)) == pytest.approx(np.abs(w * gradient).sum(), rel=1e-12)


def test_norms_are_summed_over_weights_and_biases_left_out():
    net = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)).double()
    for p, value in zip(net.parameters(), (3.0, 7.0, -2.0, 5.0), strict=True):
        nn.init.constant_(p, value)
    # y = -2 (3 x + 7) + 5: dy/dw1 = -2 x, dy/dw2 = 3 x + 7
    x = torch.tensor([[4.0]], dtype=torch.float64)
    options = {"targets": (), "loss_fn": lambda y, _: y.sum()}
    assert grad_norm(net, x, **options).value == 8 + 19
    assert snip(net, x, **options).value == 3 * 8 + 2 * 19


def differences(net, x, y, h=1e-6):
    """dL/dw for every weight entry, by central differences in the mode that "auto" means."""
    net.eval()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.train()
    for _, w in weights(net):
        gradient = torch.zeros_like(w)
        for index in np.ndindex(*w.shape):
            with torch.no_grad():
                old = w[index].item()
                losses = []
                for step in (h, -h):
                    w[index] = old + step
                    losses.append(F.cross_entropy(net(x), y).item())
                w[index] = old
            gradient[index] = (losses[0] - losses[1]) / (2 * h)
        yield w.detach(), gradient.detach()


def test_against_finite_differences_through_batch_norm():
    net, x, y = conv_net().double(), batch().double(), torch.tensor([0, 2, 1, 1])
    pairs = list(differences(net, x, y))
    net.train()
    assert len(pairs) == 3
    assert float(grad_norm(net, x, targets=y)) == pytest.approx(sum(g.norm().item() for _, g in pairs), rel=1e-6)
    assert float(snip(net, x, targets=y)) == pytest.approx(sum((w * g).abs().sum().item() for w, g in pairs), rel=1e-6)


@given(seed=st.integers(0, 99), scale=st.floats(0.1, 10))
@settings(max_examples=10, deadline=None)
def test_the_loss_scales_both(seed, scale):
    net, x, y = conv_net(seed), batch(), torch.tensor([0, 2, 1, 1])
    for measure in (grad_norm, snip):
        once = measure(net, x, targets=y).value
        times = measure(net, x, targets=y, loss_fn=lambda z, t: scale * F.cross_entropy(z, t)).value
        assert times == pytest.approx(scale * once, rel=1e-4)


def test_random_labels():
    net, x = conv_net(), batch(64)
    found = grad_norm(net, x)
    assert found.labels == "random, seed 0"
    assert "labels random, seed 0" in str(found)
    assert found == grad_norm(net, x, targets=random_labels(torch.zeros(64, 3), 0)).__class__(
        **{**found.as_dict(), "value": grad_norm(net, x, targets=random_labels(torch.zeros(64, 3), 0)).value}
    )
    assert found.value != grad_norm(net, x, seed=1).value
    assert set(random_labels(torch.zeros(64, 3), 0).tolist()) == {0, 1, 2}


def test_the_global_random_state_plays_no_part():
    net, x = conv_net(), batch()
    for measure in MEASURES:
        found = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            options = {} if measure is synflow else {"mode": "train"}  # dropout draws
            found.append(measure(net, x, **options))
        assert found[0] == found[1]


def test_dropout_draws_by_the_seed():
    net, x, y = conv_net(), batch(), torch.tensor([0, 2, 1, 1])
    found = {snip(net, x, targets=y, mode="train", seed=seed).value for seed in range(6)}
    assert len(found) > 1
    assert snip(net, x, targets=y, seed=0).value == snip(net, x, targets=y, seed=1).value


def test_weights_are_matrices_and_kernels_once():
    shared = nn.Linear(4, 9)
    net = nn.ModuleDict(
        {
            "tokens": nn.Embedding(9, 4),
            "norm": nn.LayerNorm((2, 4)),
            "attention": nn.MultiheadAttention(4, 2),
            "head": shared,
            "again": shared,
            "conv": nn.Conv1d(2, 2, 3),
        }
    )
    assert [name for name, _ in weights(net)] == [
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "head.weight",
        "conv.weight",
    ]
    shared.weight = net["tokens"].weight
    assert "head.weight" in [name for name, _ in weights(net)]


def test_weights_that_play_no_part_count_nothing():
    net = conv_net()
    net.unused = nn.Linear(4, 4)
    net.forward = lambda x: nn.Sequential.forward(nn.Sequential(*list(net.children())[:-1]), x)
    plain = conv_net()
    for measure in (grad_norm, snip, synflow):
        assert measure(net, batch()).value == measure(plain, batch()).value


# ---- synflow


@given(widths=st.lists(st.integers(1, 5), min_size=2, max_size=5), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_synflow_of_a_chain_is_a_product_of_absolute_matrices(widths, seed):
    torch.manual_seed(seed)
    layers = [nn.Linear(a, b, bias=False) for a, b in pairwise(widths)]
    net = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())])
    flow = np.ones(widths[0])
    for layer in layers:
        flow = np.abs(layer.weight.detach().double().numpy()) @ flow
    assert synflow(net, torch.rand(3, widths[0])).value == pytest.approx(len(layers) * flow.sum(), rel=1e-12)


def paths(net):
    """Synflow of Residual by its definition: the weight of every path, once for every layer that it runs through."""
    a, b, c = (np.abs(layer.weight.detach().double().numpy()) for layer in (net.a, net.b, net.c))
    return 3 * (c @ b @ a).sum() + c.sum()


def test_synflow_of_a_residual_network():
    torch.manual_seed(0)
    net = Residual()
    assert synflow(net, torch.rand(2, 3)).value == pytest.approx(paths(net), rel=1e-12)


def test_synflow_with_biases_by_finite_differences():
    net, h = conv_net(norm=False).double(), 1e-6
    net.eval()
    positive = conv_net(norm=False).double().eval()
    with torch.no_grad():
        for p in positive.parameters():
            p.abs_()
        total = 0.0
        for _, w in weights(positive):  # sum of w dR/dw = dR(c w)/dc, for each weight on its own
            ends = []
            for c in (1 + h, (1 - h) / (1 + h)):
                w.mul_(c)
                ends.append(positive(torch.ones(1, 2, 5, 5, dtype=torch.float64)).sum().item())
            w.div_(1 - h)
            total += (ends[0] - ends[1]) / (2 * h)
    assert synflow(net, batch()).value == pytest.approx(total, rel=1e-7)


def test_synflow_and_batch_norm():
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3), nn.Linear(3, 1, bias=False)).double()
    norm = net[1]
    with torch.no_grad():
        for p in net.parameters():
            p.normal_()
        norm.running_mean.copy_(torch.tensor([-1.0, 2.0, 3.0]))
        norm.running_var.copy_(torch.tensor([4.0, 1.0, 0.25]))
    first, second = (np.abs(net[i].weight.detach().numpy()) for i in (0, 2))
    gamma, beta = (np.abs(p.detach().numpy()) for p in (norm.weight, norm.bias))
    mean, root = np.array([1.0, 2.0, 3.0]), np.sqrt(np.array([4.0, 1.0, 0.25]) + norm.eps)
    inside = first @ np.ones(2)
    x = torch.rand(5, 2).double()
    assert synflow(net, x).value == pytest.approx(2 * (second @ inside).sum(), rel=1e-12)
    through = (second @ (gamma * inside / root)).sum()
    last = np.abs(second * (gamma * (inside - mean) / root + beta)).sum()
    assert synflow(net, x, norm="keep").value == pytest.approx(through + last, rel=1e-12)


def test_synflow_keeps_the_sign_of_buffers_outside_the_state():
    class Masked(nn.Linear):
        def forward(self, x):
            return super().forward(x) * self.mask

    net = Masked(1, 1, bias=False)
    nn.init.constant_(net.weight, -1.0)
    for persistent, flow in ((False, -3 + 5), (True, 3 + 5)):
        net.register_buffer("mask", torch.tensor([-3.0, 5.0]), persistent=persistent)
        assert synflow(net, torch.rand(3, 1)).value == flow


def test_synflow_ignores_signs_inputs_and_mode():
    net, x = conv_net(), batch()
    found = synflow(net, x)
    assert synflow(net.eval(), 9 * x[:2]) == found
    with torch.no_grad():
        for p in net.parameters():
            p.neg_()
    assert synflow(net, x) == found
    assert synflow(net, x, log=True).value == math.log(found.value)
    assert synflow(net, x, precision="model").value == pytest.approx(found.value, rel=1e-5)


def test_synflow_out_of_range():
    net = nn.Sequential(*[nn.Linear(64, 64, bias=False) for _ in range(60)])
    for p in net.parameters():
        nn.init.constant_(p, 1000.0)
    found = synflow(net, torch.rand(2, 64), log=True)  # 60 layers x 64 (64 x 1000)^60, about 10^290
    assert found.value == pytest.approx(math.log(60 * 64) + 60 * math.log(64_000), rel=1e-12)
    with pytest.raises(UndefinedMeasureError, match="beyond the largest number"):
        synflow(net, torch.rand(2, 64), precision="model")
    for p in net.parameters():
        nn.init.constant_(p, 1e6)
    with pytest.raises(UndefinedMeasureError, match="beyond the largest number"):
        synflow(net, torch.rand(2, 64))
    for p in net.parameters():
        nn.init.zeros_(p)
    assert synflow(net, torch.rand(2, 64)).value == 0
    with pytest.raises(UndefinedMeasureError, match="no path joins"):
        synflow(net, torch.rand(2, 64), log=True)


def test_synflow_refuses():
    with pytest.raises(InputError, match="norm must be skip or keep, got 'none'"):
        synflow(conv_net(), batch(), norm="none")
    with pytest.raises(InputError, match="precision must be float64 or model"):
        synflow(conv_net(), batch(), precision="half")
    net = nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 2))
    with pytest.raises(InputError, match="synflow: inputs are whole numbers"):
        synflow(net, torch.zeros(2, 3, dtype=torch.long))


# ---- jacobian covariance


def test_jacobian_covariance_by_hand():
    # J_s = sum of the rows of W whose unit is on for sample s.
    w = np.array([[1.0, 2.0, 0.0, -1.0], [0.0, 1.0, 3.0, 1.0], [-2.0, 0.5, 1.0, 0.0]])
    x = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    net = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU()).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.from_numpy(w))
    rows = (x @ w.T > 0).astype(float) @ w
    eigenvalues = np.linalg.eigvals(np.corrcoef(rows)).real
    wanted = -np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5))
    found = jacobian_covariance(net, torch.from_numpy(x))
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert (found.samples, found.labels) == (3, None)


def test_jacobians_that_do_not_correlate():
    rows = torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=torch.float64)
    assert correlation_score(rows) == pytest.approx(-3 * (math.log(1 + 1e-5) + 1 / (1 + 1e-5)), rel=1e-12)
    assert correlation_score(rows) < -3 < correlation_score(rows) + 1e-8


@given(samples=st.integers(2, 6), inputs=st.integers(2, 8), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_the_score_of_correlations(samples, inputs, seed):
    rows = torch.randn(samples, inputs, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = correlation_score(rows)
    assert found <= -samples + 1e-9
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    # 1 / (l + k) at l = 0 turns a rounding error of 1e-15 into 1e-5.
    assert correlation_score(rows[order] * 1e-180 - 0.0) == pytest.approx(found, rel=1e-7)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows.numpy())).clip(0)
    assert found == pytest.approx(-np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5)), rel=1e-7)


def test_several_inputs_make_one_jacobian():
    net = Mixed()
    a, b = torch.rand(3, 2), torch.rand(3, 4)
    rows = []
    for s in range(3):  # one sample at a time
        u, v = a[s].clone().requires_grad_(), b[s].clone().requires_grad_()
        rows.append(torch.cat(torch.autograd.grad(net(u, v).sum(), (u, v))))
    both = torch.stack(rows).double()
    assert jacobian_covariance(net, (a, b)).value == pytest.approx(correlation_score(both), rel=1e-6)
    assert jacobian_covariance(net, {"v": b, "u": a}).value == pytest.approx(jacobian_covariance(net, (a, b)).value)


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.f, self.g = nn.Linear(2, 5), nn.Linear(4, 5)

    def forward(self, u, v):
        return (self.f(u).tanh() * self.g(v)).tanh()


def test_undefined_jacobians():
    line = nn.Linear(3, 1)
    nn.init.constant_(line.weight, 2.0)
    with pytest.raises(UndefinedMeasureError, match="Jacobian of sample 0 is constant"):
        jacobian_covariance(line, torch.rand(2, 3))
    nn.init.constant_(line.weight, math.nan)
    with pytest.raises(UndefinedMeasureError, match="Jacobian of sample 0 has NaN"):
        jacobian_covariance(line, torch.rand(2, 3))


def test_jacobian_covariance_refuses():
    with pytest.raises(InputError, match="one sample"):
        jacobian_covariance(nn.Linear(3, 1), torch.rand(1, 3))
    net = nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 2))
    with pytest.raises(InputError, match="whole numbers and have no Jacobian"):
        jacobian_covariance(net, torch.zeros(2, 3, dtype=torch.long))


# ---- all of them


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("mode", ["auto", "train", "eval", "keep"])
def test_the_model_is_left_alone(measure, mode):
    net, x = conv_net(), batch()
    net[0].weight.requires_grad_(False)
    net[3].eval()
    kept = x.clone()
    with left_alone(net):
        measure(net, x, **({} if measure is synflow else {"mode": mode}))
    assert torch.equal(x, kept)
    assert x.grad is None
    assert not x.requires_grad


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_the_model_is_left_alone_after_its_own_errors(measure, error):
    class Fails(nn.Sequential):
        def forward(self, x):
            super().forward(x)
            raise error

    net, x = Fails(*conv_net()), batch()
    with left_alone(net), pytest.raises(type(error)):
        measure(net, x)


@pytest.mark.parametrize("measure", MEASURES)
def test_frozen_networks_and_switched_off_gradients(measure):
    net, x = conv_net(), batch()
    wanted = measure(net, x)
    net.requires_grad_(False)
    with torch.no_grad():
        assert measure(net, x) == wanted
    with torch.inference_mode():
        assert measure(net, batch()) == wanted


@pytest.mark.parametrize("measure", MEASURES)
def test_outputs_are_picked(measure):
    class Pair(nn.Sequential):
        def forward(self, x):
            return "features", super().forward(x)

    net = Pair(*conv_net())
    with pytest.raises(InputError, match="returns 'tuple' and not one tensor; pass output"):
        measure(net, batch())
    assert measure(net, batch(), output=lambda y: y[1]) == measure(conv_net(), batch())


@pytest.mark.parametrize("measure", MEASURES)
def test_no_derivative_is_an_error(measure):
    class Cut(nn.Sequential):
        def forward(self, x):
            return super().forward(x).detach()

    with pytest.raises(InputError, match="has no derivative by its"):
        measure(Cut(*conv_net()), batch())


@pytest.mark.parametrize("measure", [grad_norm, snip])
def test_losses_refused(measure):
    net, x = conv_net(), batch()
    with pytest.raises(InputError, match="loss_fn must return one number"):
        measure(net, x, loss_fn=lambda y, t: F.cross_entropy(y, t, reduction="none"))
    with pytest.raises(InputError, match="two classes or more"):
        measure(nn.Linear(3, 1), torch.rand(2, 3))
    with pytest.raises(InputError, match="labels can be drawn for an output"):
        measure(nn.Conv2d(2, 3, 1), x)
    with pytest.raises(UndefinedMeasureError, match=r"gradient of weight 0\.weight has NaN or infinite entries"):
        measure(net, x, loss_fn=lambda y, t: y.sum() * math.inf)
    with pytest.raises(ValueError, match="batch_size") as raised:
        measure(net, x, targets=torch.zeros(9, dtype=torch.long))
    assert raised.value.__notes__ == ["in the loss, on an output of shape (4, 3); output= can pick or reshape it"]
    with pytest.raises(InputError, match="no weight with two or more axes"):
        measure(nn.ReLU(), torch.rand(2, 3))


@pytest.mark.parametrize("measure", MEASURES)
def test_inputs_may_be_arrays(measure):
    net, x = conv_net(), batch()
    backwards = x.double().numpy()[::-1].copy()[::-1]  # another type, negative strides
    backwards.setflags(write=False)
    assert measure(net, backwards) == measure(net, x)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", 2**63])
def test_seeds_refused(measure, seed):
    with pytest.raises(InputError, match="seed must be a whole number from 0"):
        measure(conv_net(), batch(), seed=seed)


def test_the_state_of_an_unused_cuda_is_left_alone():
    if torch.cuda.is_initialized():
        pytest.skip("CUDA is in use")
    before = len(torch.cuda._queued_calls)
    grad_norm(conv_net(), batch())
    assert len(torch.cuda._queued_calls) == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("measure", MEASURES)
def test_the_same_numbers_on_a_gpu(measure):
    net, x = conv_net().double(), batch().double()
    here = measure(net, x)
    state = torch.cuda.get_rng_state()
    there = measure(net, x, device="cuda")
    assert there.value == pytest.approx(here.value, rel=1e-8)
    assert next(net.parameters()).device.type == "cpu"
    assert torch.equal(torch.cuda.get_rng_state(), state)
