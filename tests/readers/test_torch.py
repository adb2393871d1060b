"""Torch modules: outputs, the same network as through ONNX, training flags, refusals."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from linregions.errors import InputError, UnsupportedModelError  # noqa: E402
from linregions.readers import read, read_torch  # noqa: E402
from linregions.readers.matrix import WEIGHT_BYTES  # noqa: E402


class Function(nn.Module):
    """A module from a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Block(nn.Module):
    """A residual block."""

    def __init__(self, channels):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=k) for k in (False, True))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x):
        y = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(self.norms[1](self.second(y)) + x)


def prepared(module):
    torch.manual_seed(1)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    return module


MODULES = {
    "mlp": (nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), (3,)),
    "no bias": (nn.Linear(3, 5, bias=False), (3,)),
    "residual": (
        nn.Sequential(
            nn.Conv2d(2, 3, 3, 2, 1),
            Block(3),
            nn.MaxPool2d(3, 2, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(3, 2),
        ),
        (2, 9, 9),
    ),
    "conv1d": (
        nn.Sequential(nn.Conv1d(2, 4, 3, padding="same", groups=2), nn.BatchNorm1d(4), nn.LeakyReLU(0.1)),
        (2, 7),
    ),
    "pools": (
        nn.Sequential(
            nn.AvgPool2d(3, 2, 1), nn.MaxPool2d(2, ceil_mode=True), nn.AvgPool2d(2, 1, 1, count_include_pad=False)
        ),
        (2, 11, 11),
    ),
    "average ceil": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), (1, 6, 6)),
    "adaptive": (nn.Sequential(nn.AdaptiveAvgPool2d((2, 3)), nn.AdaptiveMaxPool2d(1)), (2, 4, 6)),
    "pool 1d": (nn.Sequential(nn.MaxPool1d(2), nn.AvgPool1d(3)), (2, 8)),
    "activations": (
        nn.Sequential(
            nn.Linear(4, 4), nn.PReLU(), nn.Hardtanh(-2, 1), nn.ReLU6(), nn.Hardsigmoid(), nn.Softshrink(0.1)
        ),
        (4,),
    ),
    "prelu channels": (nn.Sequential(nn.Conv2d(1, 3, 1), nn.PReLU(3)), (1, 2, 2)),
    "in place": (
        nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.LeakyReLU(inplace=True)),
        (4,),
    ),
    "clamp": (Function(lambda x: x.clamp(-1, 2) + x.clamp(min=0.3) - x.clamp_max(0.1)), (4,)),
    "arithmetic": (
        Function(
            lambda x: (2 * x - 1) / 3 + (1 - x) * torch.tensor([1.0, 2.0, 3.0]) - x / -7 + torch.sub(x, 3, alpha=2)
        ),
        (3,),
    ),
    "abs max min": (
        Function(lambda x: torch.maximum(x.abs(), 1 - x) + torch.minimum(x, torch.tensor(0.5)) + torch.max(x, -x)),
        (3,),
    ),
    "reductions": (
        Function(
            lambda x: x.mean(dim=(2, 3)) + x.amax((2, 3)) - x.amin(dim=(2, 3)) + x.sum((2, 3)) + x.flatten(2).max(2)[0]
        ),
        (2, 3, 3),
    ),
    "moves": (
        Function(
            lambda x: torch.cat(
                [
                    x[:, 1:].transpose(1, 2).flatten(1),
                    x.reshape(1, -1)[:, ::3],
                    x.permute(0, 2, 1)[:, 0],
                    x.squeeze(0).t().unsqueeze(0).select(1, 1),
                ],
                1,
            )
        ),
        (3, 4),
    ),
    "splits": (
        Function(
            lambda x: (
                sum(a.relu() for a in x.chunk(3, 1))
                + sum(x.split([2, 2, 2], dim=1))
                + torch.stack(x.unbind(1), 1)[:, :2]
            )
        ),
        (6,),
    ),
    "pads": (
        Function(
            lambda x: (
                torch.nn.functional.pad(x, (1, 2, 0, 1), value=1.5)
                + torch.nn.functional.pad(x, (2, 1, 1, 0), mode="reflect")
            )
        ),
        (1, 3, 3),
    ),
    "matrices": (Function(lambda x: torch.ones(2, 3) @ x @ torch.arange(8.0).reshape(4, 2)), (3, 4)),
    "double": (nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double(), (3,)),
    "half weights": (nn.Sequential(nn.Linear(3, 4), nn.ReLU()).bfloat16(), (3,)),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(name):
    module, shape = MODULES[name]
    module = prepared(module).eval()
    net = read(module, input_shape=shape)
    kind = next((p.dtype for p in module.parameters()), torch.float32)
    x = torch.randn(5, *shape).to(kind)
    with torch.no_grad():
        y = torch.stack([module(v[None]).flatten() for v in x]).double().numpy()
    tolerance = 0.1 if kind == torch.bfloat16 else 1e-4
    np.testing.assert_allclose(net(x.double().numpy().reshape(5, -1)), y, rtol=tolerance, atol=tolerance)


def test_same_network_as_arrays_and_onnx():
    onnx_models = pytest.importorskip("onnx_models")
    first, last = nn.Linear(3, 4), nn.Linear(4, 2)
    w = {k: v.detach().numpy() for k, v in zip("abcd", [first.weight, first.bias, last.weight, last.bias], strict=True)}
    nodes = [
        onnx_models.node("Gemm", "x a b", "h", transB=1),
        onnx_models.node("Relu", "h", "r"),
        onnx_models.node("Gemm", "r c d", "y", transB=1),
    ]
    from linregions.network import Network

    arrays = Network.from_arrays([(w["a"], w["b"]), (w["c"], w["d"])])
    assert (
        read(nn.Sequential(first, nn.ReLU(), last)).hash
        == read(onnx_models.model(nodes, w, [1, 3])).hash
        == arrays.hash
    )


@pytest.mark.parametrize("breaks", [False, True])
def test_training_flags_come_back(breaks):
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh() if breaks else nn.ReLU(), nn.Dropout())
    module.train()
    module[1].eval()
    state = {k: v.clone() for k, v in module.state_dict().items()}
    if breaks:
        with pytest.raises(UnsupportedModelError):
            read(module)
    else:
        read(module)
    assert [m.training for m in module.modules()] == [True, True, False, True, True]
    assert all(torch.equal(v, state[k]) for k, v in module.state_dict().items())


def test_all_unsupported_at_once():
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.GELU(), nn.Hardswish(), nn.Linear(2, 2), nn.Sigmoid())
    with pytest.raises(UnsupportedModelError) as caught:
        read(module)
    assert len(caught.value.problems) == 4
    assert "tanh is not piecewise linear" in caught.value.problems[0]


def test_products_of_variables():
    with pytest.raises(UnsupportedModelError, match="product of two variable tensors"):
        read(Function(lambda x: x * x.relu()), input_shape=(2,))


def test_batch_statistics():
    module = nn.Sequential(nn.Linear(2, 3), nn.Unflatten(1, (3, 1)), nn.BatchNorm1d(3, track_running_stats=False))
    with pytest.raises(InputError):
        read(module)


def test_input_shape():
    with pytest.raises(InputError, match="input_shape"):
        read(nn.Conv2d(1, 1, 1))
    with pytest.raises(InputError, match="input_shape"):
        read(nn.Linear(2, 1), input_shape=(3,))
    with pytest.raises(InputError, match="positive whole numbers"):
        read_torch(nn.Linear(2, 1), input_shape=(0,))
    assert read(nn.Sequential(nn.Flatten(), nn.Linear(4, 1))).input_dim == 4


def test_nan_weights():
    module = nn.Linear(2, 1)
    nn.init.constant_(module.weight, float("nan"))
    with pytest.raises(InputError, match="NaN or infinite"):
        read(module)


def kept(function, *, inputs=8):
    return read_torch(Function(function), input_shape=(inputs,)).unit_count


def test_units_that_nothing_uses_stay():
    assert kept(lambda x: torch.relu(x)[:, 2:5]) == 8
    assert kept(lambda x: torch.cat([torch.relu(x), torch.abs(x)], 1)[:, :3]) == 16
    assert kept(lambda x: torch.relu(0 * torch.relu(x))) == 16
    assert kept(lambda x: torch.relu(x).split(4, 1)[0]) == 8
    assert kept(lambda x: torch.nn.functional.max_pool1d(torch.relu(x)[:, None], 2)[:, 0, :1]) == 12
    assert kept(lambda x: torch.relu(x).view(1, 2, 4).amax(2)[:, :1]) == 10
    assert kept(lambda x: torch.relu(x[:, [0, 0, 1]])) == 3


def test_operations_that_lead_to_no_output_are_left_out():
    def function(x):
        torch.abs(x)
        return torch.relu(x)

    assert kept(function) == 8
    assert kept(lambda x: torch.relu(x[:, :1]).expand_as(torch.abs(x))) == 1


def test_zero_columns_as_in_arrays():
    from linregions.network import Network

    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    layers = [
        (np.array([[1, 0], [0, 1], [1, 1]]), np.zeros(3)),
        (np.array([[1, 1, 0], [1, 1, 0]]), np.array([0, 1])),
        (np.array([[0, 2]]), np.zeros(1)),
    ]
    with torch.no_grad():
        for part, (w, b) in zip(module[::2], layers, strict=True):
            part.weight.copy_(torch.from_numpy(w))
            part.bias.copy_(torch.from_numpy(b))
    assert read_torch(module).hash == Network.from_arrays(layers).hash


def test_matrices_that_would_not_fit_beside_those_before_are_refused(monkeypatch) -> None:
    """Two convolutions, and memory for the matrix of the first one only."""
    module = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.ReLU(), nn.Conv2d(2, 2, 3, bias=False), nn.ReLU())
    first = 2 * 9 * 6 * 6
    assert read(module, input_shape=(1, 8, 8)).input_dim == 64
    monkeypatch.setattr("linregions.readers.matrix.memory", lambda: WEIGHT_BYTES * (first + 100))
    assert read(module[:2], input_shape=(1, 8, 8)).input_dim == 64
    with pytest.raises(InputError, match=r"half of this machine's memory .*enumerate_slice, which needs no matrices"):
        read(module, input_shape=(1, 8, 8))
