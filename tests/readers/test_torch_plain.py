"""Chains of linear layers and ReLUs, read with and without a graph."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402

from linregions.readers.torch import read_torch  # noqa: E402
from linregions.readers.torch_live import LiveReader  # noqa: E402
from linregions.readers.torch_plain import plain_layers  # noqa: E402

CHAINS = {
    "classifier": (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), (3,)),
    "ends in a ReLU": (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.ReLU()), (3,)),
    "two linear layers": (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5, bias=False), nn.ReLU()), (3,)),
    "nested": (nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(6, 4)), nn.ReLU(), nn.Dropout()), (2, 3)),
    "double": (nn.Sequential(nn.Linear(2, 3), nn.Identity(), nn.ReLU()).double(), (2,)),
    "half": (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).bfloat16(), (2,)),
    "one layer": (nn.Linear(2, 3), (2,)),
    "zeros": (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), (2,)),
}
with torch.no_grad():
    CHAINS["zeros"][0][0].weight[1] = 0
    CHAINS["zeros"][0][2].weight[:, 2] = 0


class Own(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def changed(what: str) -> nn.Module:
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    if what == "hook":
        module[1].register_forward_hook(lambda *args: 2 * args[-1])
    elif what == "hook before":
        module.register_forward_pre_hook(lambda module, args: (2 * args[0],))
    elif what == "forward":
        module[0].forward = lambda x: x
    elif what == "parametrisation":
        nn.utils.parametrizations.weight_norm(module[0])
    elif what == "subclass":
        module[0] = Own(2, 3)
    elif what == "ReLU first":
        module.insert(0, nn.ReLU())
    elif what == "two ReLUs":
        module.insert(2, nn.ReLU())
    elif what == "other activation":
        module[1] = nn.LeakyReLU()
    return module


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_what_its_graph_is(name):
    module, shape = CHAINS[name]
    reader = LiveReader(module, input_shape=shape)
    assert reader.read().hash == read_torch(module, input_shape=shape).hash
    assert reader.exports == 0
    with torch.no_grad():
        next(module.parameters()).add_(1.0)
    assert reader.read().hash == read_torch(module, input_shape=shape).hash


KINDS = ("hook", "hook before", "forward", "parametrisation", "subclass", "ReLU first", "two ReLUs", "other activation")


@pytest.mark.parametrize("what", KINDS)
def test_anything_else_is_left_to_the_graph(what):
    assert plain_layers(changed(what), (2,)) is None


def test_linear_layers_on_rows_of_a_matrix_are_left_to_the_graph():
    assert plain_layers(nn.Sequential(nn.Linear(3, 2), nn.Flatten(), nn.ReLU()), (2, 3)) is None


def test_weights_are_copied():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).double()
    network = LiveReader(module).read()
    before = network.hash
    with torch.no_grad():
        module[0].weight.zero_()
    assert type(network)(network.stages).hash == before
