"""The live reader gives the network that read_torch gives, at every moment of a training, and exports once."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from linregions.errors import InputError, UnsupportedModelError  # noqa: E402
from linregions.readers import read_torch  # noqa: E402
from linregions.readers.torch_live import LiveReader  # noqa: E402


class Residual(nn.Module):
    """A convolutional block with batch normalisation and a shortcut."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.inner = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        y = torch.relu(self.norm(self.stem(x)))
        y = torch.relu(self.inner(y) + y)
        return self.head(y.mean((2, 3)))


class Tied(nn.Module):
    """One layer used twice."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.again = self.layer

    def forward(self, x):
        return self.again(torch.relu(self.layer(x)))


class Constants(nn.Module):
    """A buffer that is not saved, a tensor attribute, a number, and a tensor that forward makes."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.register_buffer("shift", torch.arange(3.0), persistent=False)
        self.factor = torch.tensor([1.0, 2.0, 3.0])
        self.scale = 2.0

    def forward(self, x):
        return torch.relu(self.layer(x) + self.shift) * self.factor * self.scale + torch.tensor([1.0, 0.0, 2.0])


def mlp():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 6), nn.LeakyReLU(), nn.Linear(6, 3))


MODULES = {
    "mlp": (mlp, (4,)),
    "normalised": (lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2)), (4,)),
    "residual": (Residual, (1, 4, 4)),
    "pooled": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2)),
        (1, 5, 5),
    ),
    "tied": (Tied, (4,)),
    "constants": (Constants, (4,)),
}


def trained(module, shape, steps=1):
    """A few steps of training, in training mode."""
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        optimiser.zero_grad()
        module(torch.randn(8, *shape)).square().mean().backward()
        optimiser.step()


@pytest.mark.parametrize("name", MODULES)
def test_the_same_network_as_read_torch_after_every_step(name):
    torch.manual_seed(3)
    make, shape = MODULES[name]
    module = make()
    module.train()
    reader = LiveReader(module, input_shape=shape)
    hashes = set()
    for _ in range(3):
        net = reader.read()
        assert net.hash == read_torch(module, input_shape=shape).hash
        hashes.add(net.hash)
        trained(module, shape)
    assert len(hashes) == 3
    assert reader.exports == 1


def test_reading_leaves_flags_weights_and_gradients():
    torch.manual_seed(0)
    module = MODULES["normalised"][0]()
    trained(module, (4,))
    module[1].eval()
    before = copy.deepcopy(module.state_dict())
    gradients = [p.grad.clone() for p in module.parameters()]
    flags = [m.training for m in module.modules()]
    LiveReader(module).read()
    assert [m.training for m in module.modules()] == flags
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    assert all(torch.equal(g, p.grad) for g, p in zip(gradients, module.parameters(), strict=True))


def test_another_module_of_the_same_structure_needs_no_export():
    torch.manual_seed(0)
    first, second = mlp(), mlp()
    reader = LiveReader(first)
    assert reader.read().hash != reader.read(second).hash
    assert reader.read(second).hash == read_torch(second).hash
    assert reader.exports == 1


def changed_layer(m):
    m[0], m[3] = nn.Linear(4, 7), nn.Linear(7, 6)


def changed_slope(m):
    m[4].negative_slope = 0.3


def changed_function(m):
    m[1] = nn.ReLU6()


def changed_type(m):
    m.double()


def frozen_bias(m):
    m[0].bias = None


@pytest.mark.parametrize("change", [changed_layer, changed_slope, changed_function, changed_type, frozen_bias])
def test_a_change_of_structure_is_exported_again(change):
    torch.manual_seed(0)
    module = mlp()
    reader = LiveReader(module)
    reader.read()
    change(module)
    assert reader.read().hash == read_torch(module).hash
    assert reader.exports == 2


def test_values_of_buffers_attributes_and_replaced_parameters_are_live():
    torch.manual_seed(0)
    module = Constants()
    reader = LiveReader(module)
    reader.read()
    module.layer.weight = nn.Parameter(torch.randn(3, 4))
    module.shift.add_(1.0)
    module.factor = torch.tensor([3.0, 1.0, 0.5])
    assert reader.read().hash == read_torch(module, input_shape=(4,)).hash
    assert reader.exports == 1
    module.scale = 0.25
    assert reader.read().hash == read_torch(module, input_shape=(4,)).hash
    assert reader.exports == 2


def test_what_the_graph_cannot_see_is_noticed_by_the_outputs():
    factor = [1.0]

    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return self.layer(x) * factor[0]

    module = Hidden()
    reader = LiveReader(module, input_shape=(3,))
    reader.read()
    factor[0] = 2.0
    assert reader.read().hash == read_torch(module, input_shape=(3,)).hash
    assert reader.exports == 2


def test_refusals():
    with pytest.raises(InputError, match="input_shape"):
        LiveReader(Residual())
    smooth = nn.Sequential(nn.Linear(2, 2), nn.GELU())
    with pytest.raises(UnsupportedModelError, match="gelu is not piecewise linear"):
        LiveReader(smooth).read()
    module = mlp()
    reader = LiveReader(module)
    reader.read()
    with torch.no_grad():
        module[0].weight[0, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        reader.read()
    with pytest.raises(InputError, match=r"torch\.export fails on an input of shape"):
        LiveReader(mlp(), input_shape=(5,)).read()


def test_large_and_nested_attributes_are_not_looked_through():
    module = mlp()
    module.notes = list(range(1000))
    reader = LiveReader(module)
    first = reader.read()
    module.notes[5] = 0  # nothing that forward uses
    assert reader.read().hash == first.hash
    assert reader.exports == 1
    assert reader.matrix_entries() >= 4 * 6 + 6 * 6 + 6 * 3


def test_a_lazy_layer_is_one_sentence():
    module = nn.Sequential(nn.Flatten(), nn.LazyLinear(3), nn.ReLU())
    for shape in ((4,), None):
        with pytest.raises(InputError, match=r"Sequential: weight of layer 1 \(LazyLinear\) has no shape yet; run"):
            LiveReader(module, input_shape=shape)
    module(torch.zeros(2, 4))
    assert LiveReader(module, input_shape=(4,)).read().input_dim == 4
