from __future__ import annotations

import weakref

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from model_state import left_alone  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.scores.measures import products  # noqa: E402
from linregions.scores.measures.sizes import depth, flops, network_sizes, parameters, units  # noqa: E402


class Calls(nn.Module):
    """A model of one function, with parts for it to use."""

    def __init__(self, function, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.function = function

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


class Graph(nn.Module):
    """Linear layers on a graph without cycles: node i adds up what its layers make of the nodes before it."""

    def __init__(self, edges, width=3):
        super().__init__()
        self.edges = edges
        self.layers = nn.ModuleDict({f"{i}_{j}": nn.Linear(width, width) for i, j, product in edges if product})

    def forward(self, x):
        nodes = {0: x}
        for i, j, product in self.edges:
            if i in nodes:
                y = self.layers[f"{i}_{j}"](nodes[i]) if product else nodes[i].tanh()
                nodes[j] = nodes[j] + y if j in nodes else y
        return nodes[max(nodes)]


# ---- parameters


def test_parameters_by_hand():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(5, 2, bias=False))
    assert parameters(net) == (4 * 3 * 9 + 4) + (4 + 4) + 10


def test_tied_parameters_count_once():
    one, other = nn.Linear(4, 4), nn.Linear(4, 4)
    other.weight = one.weight
    assert parameters(nn.Sequential(one, other, one)) == 16 + 4 + 4


def test_parameters_left_out():
    net = nn.ModuleDict({"body": nn.Linear(2, 3), "auxiliary_head": nn.Linear(3, 5)})
    net["body"].bias.requires_grad_(False)
    assert parameters(net) == 9 + 20
    assert parameters(net, skip_auxiliary=True) == 9
    assert parameters(net, trainable_only=True) == 6 + 20


def test_parameters_refuses():
    with pytest.raises(InputError, match="model must be"):
        parameters(3)
    with pytest.raises(InputError, match="no shape yet; run the model once"):
        parameters(nn.LazyLinear(3))


# ---- flops


def test_flops_of_a_linear_layer_on_tokens():
    assert flops(nn.Linear(4, 3), torch.zeros(8, 5, 4)) == 2 * 5 * 4 * 3


@given(
    groups=st.integers(1, 3),
    inside=st.integers(1, 3),
    outside=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    transposed=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_flops_of_convolutions(groups, inside, outside, kernel, stride, padding, dilation, transposed):
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    layer = kind(
        groups * inside, groups * outside, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    x = torch.zeros(2, groups * inside, 7, 6)
    # Every output entry (every input entry, if transposed) meets a kernel of all channels of its group.
    places = x[0].numel() if transposed else layer(x)[0].numel()
    across = outside if transposed else inside
    assert flops(layer, x) == 2 * places * across * kernel**2


@pytest.mark.slow  # torch's own counter loads its compiler
@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1), (3, 4, 7, 6)),
        (nn.ConvTranspose2d(4, 6, 3, groups=2, stride=2), (3, 4, 7, 6)),
        (nn.Conv1d(4, 4, 3, groups=4, dilation=2), (3, 4, 9)),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (3, 5, 8)),
        (nn.GRU(4, 3, num_layers=2, bidirectional=True, batch_first=True), (3, 5, 4)),
        (nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 2)), (3, 7, 4)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_flops_against_the_counter_of_torch(net, shape):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        net(torch.rand(shape))
    assert flops(net, torch.rand(shape)) == counter.get_total_flops() / 3


def attention_flops(tokens, width, hidden):
    projections = 4 * tokens * width * width
    products = 2 * tokens * tokens * width  # whatever the heads
    return 2 * (projections + products + 2 * tokens * width * hidden)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_an_encoder_layer_has_the_same_sizes_however_torch_computes_it(training, grad):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).train(training)
    with torch.set_grad_enabled(grad):
        assert flops(layer, torch.rand(3, 5, 8)) == attention_flops(5, 8, 16)
        assert depth(layer, torch.rand(3, 5, 8)) == 4 + 2
    with torch.inference_mode():
        assert depth(layer, torch.rand(3, 5, 8)) == 6


@pytest.mark.parametrize("mask", [None, "full", "causal"])
def test_attention_fused_or_spelled_out(mask):
    def fused(_, q, k, v):
        bias = torch.zeros(5, 6) if mask == "full" else None
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=mask == "causal")

    def spelled(_, q, k, v):
        return (q @ k.transpose(-1, -2)).softmax(-1) @ v

    inputs = (torch.rand(2, 3, 5, 4), torch.rand(2, 3, 6, 4), torch.rand(2, 3, 6, 7))
    for function in (fused, spelled):
        assert flops(Calls(function), inputs) == 2 * 3 * 5 * 6 * (4 + 7)
        assert depth(Calls(function), inputs) == 2


def test_fused_attention_with_values_of_another_width():
    # Only kernels for GPUs take them; the formula is the same.
    q, k, v = torch.zeros(2, 3, 5, 4), torch.zeros(2, 3, 6, 4), torch.zeros(2, 3, 6, 7)
    assert multiply_adds("_scaled_dot_product_efficient_attention", q, k, v, None) == 2 * 3 * 5 * 6 * (4 + 7)
    assert multiply_adds("_scaled_dot_product_flash_attention_for_cpu", q, k, k) == 2 * 3 * 5 * 6 * (4 + 4)


def multiply_adds(name, *args):
    return products._MULTIPLY_ADDS[name](*args)


def test_values_run_through_one_product_of_attention_only():
    def late(self, x):
        v = self.third(self.second(self.first(x)))
        return F.scaled_dot_product_attention(x, x, v)

    layers = {name: nn.Linear(4, 4) for name in ("first", "second", "third")}
    assert depth(Calls(late, **layers), torch.rand(2, 1, 5, 4)) == 3 + 1


@pytest.mark.parametrize(
    ("layer", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)], ids=lambda x: getattr(x, "__name__", None)
)
def test_recurrent_layers_step_by_step(layer, gates):
    x = torch.rand(2, 5, 4)
    net = layer(4, 3, batch_first=True)
    torch.backends.mkldnn.enabled = True
    assert flops(net, x) == 2 * 5 * gates * 3 * (4 + 3)
    assert depth(net, x) == 5
    assert torch.backends.mkldnn.enabled


def test_other_products():
    x, w = torch.rand(6, 4), torch.rand(4)
    vector = nn.Parameter(w)
    cases = [
        (Calls(lambda m, x: x @ m.w, w=vector), 2 * 4),
        (Calls(lambda m, x: torch.einsum("si,i->s", x, m.w), w=vector), 2 * 4),
        (Calls(lambda m, x: torch.addmv(x[:, 0], x, m.w), w=vector), 2 * 4),
        (Calls(lambda m, x: torch.zeros(6, 3).addmm_(x, m.w), w=nn.Parameter(torch.rand(4, 3))), 2 * 12),
        (Calls(lambda m, x: m.b(x, x), b=nn.Bilinear(4, 4, 3)), 2 * 4 * 4 * 3),
        (Calls(lambda m, x: m.w @ x.flatten()[:4], w=vector), 2 * 4 / 6),
    ]
    for net, wanted in cases:
        assert flops(net, x) == wanted
        assert depth(net, x) == 1


@given(samples=st.integers(1, 9))
@settings(max_examples=5, deadline=None)
def test_flops_are_per_sample(samples):
    net = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Flatten(), nn.Linear(15, 2))
    assert flops(net, torch.rand(samples, 2, 7)) == 2 * (5 * 3 * 2 * 3 + 30)


def test_nothing_else_counts():
    net = nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4), nn.GELU(), nn.AvgPool1d(2))
    assert flops(net, torch.zeros(3, 5, dtype=torch.long)) == 0
    assert depth(net, torch.zeros(3, 5, dtype=torch.long)) == 0


def test_products_that_are_not_known_are_an_error():
    net = Calls(lambda m, x: torch._int_mm((9 * x).to(torch.int8), torch.ones(32, 32, dtype=torch.int8)) * x)
    with pytest.raises(InputError, match="multiplications of aten::_int_mm are not known"):
        flops(net, torch.rand(32, 32))


# ---- depth


def test_depth_of_residual_and_concatenated_branches():
    def branches(self, x):
        long = self.c(self.b(self.a(x)).relu())
        return self.d(torch.cat([long, x, self.a(x)], dim=1)) + x

    net = Calls(branches, a=nn.Linear(4, 4), b=nn.Linear(4, 4), c=nn.Linear(4, 4), d=nn.Linear(12, 4))
    assert depth(net, torch.rand(3, 4)) == 4
    shallow = Calls(lambda m, x: torch.addmm(m.f(x), x, m.a.weight), a=nn.Linear(4, 4), f=nn.Linear(4, 4))
    assert depth(shallow, torch.rand(3, 4)) == 1  # what a product is added to is not multiplied


def test_a_module_called_twice_counts_twice():
    one = nn.Linear(4, 4)
    assert depth(nn.Sequential(one, nn.ReLU(inplace=True), one, nn.ReLU(inplace=True), one), torch.rand(2, 4)) == 3


@given(data=st.data(), nodes=st.integers(2, 7))
@settings(max_examples=40, deadline=None)
def test_sizes_of_random_graphs(data, nodes):
    pairs = [(i, j) for j in range(1, nodes) for i in range(j)]
    kinds = data.draw(st.lists(st.sampled_from(["none", "tanh", "linear"]), min_size=len(pairs), max_size=len(pairs)))
    edges = [(i, j, kind == "linear") for (i, j), kind in zip(pairs, kinds, strict=True) if kind != "none"]
    longest, used = {0: 0}, set()
    for i, j, product in edges:  # sorted by j: a node is finished before it is used
        if i in longest:
            longest[j] = max(longest.get(j, 0), longest[i] + product)
            used |= {(i, j)} if product else set()
    net, x = Graph(edges), torch.rand(2, 3)
    assert depth(net, x) == longest[max(longest)]
    assert flops(net, x) == 2 * 9 * len(used)


def test_a_very_deep_network():
    layer = nn.Linear(2, 2)
    assert depth(Calls(lambda m, x: [x := m.layer(x) for _ in range(3000)][-1], layer=layer), torch.rand(1, 2)) == 3000


def test_outputs_of_any_shape():
    def named(self, x, scale):
        return {"logits": [self.a(x) * scale], "rest": (None, self.a(self.a(x)), 3)}

    net = Calls(named, a=nn.Linear(4, 4))
    assert depth(net, {"x": torch.rand(3, 4), "scale": torch.tensor(2.0)}) == 2


def test_no_path_is_an_error():
    for function in (lambda m, x: m.a(x).detach(), lambda m, x: m.a(x).argmax(1), torch.no_grad()(lambda m, x: m.a(x))):
        with pytest.raises(InputError, match="by no derivative, so its depth cannot be read"):
            depth(Calls(function, a=nn.Linear(4, 4)), torch.rand(3, 4))


def test_hidden_parts_are_an_error():
    body, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), torch.rand(3, 4)
    for reentrant in (False, True):
        net = Calls(lambda m, x: checkpoint(m.body, x, use_reentrant=m.reentrant), body=body)
        net.reentrant = reentrant
        assert flops(net, x) == 2 * 32
        if not reentrant:
            assert depth(net, x) == 2
            continue
        with pytest.raises(InputError, match="one CheckpointFunction, which hides its depth; call checkpoint with"):
            depth(net, x)


def test_flops_need_no_derivative():
    net = Calls(torch.no_grad()(lambda m, x: m.a(x)), a=nn.Linear(4, 4))
    assert flops(net, torch.rand(3, 4)) == 32


def test_frozen_weights_count():
    net = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.Linear(4, 2)).requires_grad_(False)
    assert depth(net, torch.zeros(3, 2, dtype=torch.long)) == 2


def test_what_a_backward_pass_would_need_is_dropped():
    seen = []

    def watched(self, x):
        a = self.a(x).tanh()
        seen.append(weakref.ref(a))
        b = self.b(a)
        del a
        seen.append(seen[-1]() is None)
        return b

    net = Calls(watched, a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    net(torch.rand(2, 4)).sum()
    assert seen[-1] is False  # a pass that could be followed by a backward pass keeps it
    depth(net, torch.rand(2, 4))
    assert seen[-1] is True


# ---- all of them


def small_net():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(4 * 9, 3),
        nn.ReLU(),
    )


def test_units_by_hand():
    assert units(small_net(), torch.rand(3, 2, 5, 5)) == 4 * 9 + 3
    pooled = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
    assert units(pooled, torch.rand(3, 2, 6, 6)) == 4 * 16
    assert units(pooled, torch.rand(3, 2, 6, 6), max_pool=True) == 4 * 16 + 4 * 4


def test_all_sizes_at_once():
    net, x = small_net(), torch.rand(3, 2, 5, 5)
    found = network_sizes(net, x)
    assert found.as_dict() == {
        "parameters": parameters(net),
        "flops": flops(net, x),
        "depth": 2,
        "units": units(net, x),
    }
    assert str(found) == "195 parameters, 1,512 FLOPs a sample, depth 2, 39 units"


@pytest.mark.parametrize("size", [parameters, flops, depth, units, network_sizes])
def test_the_model_is_left_alone(size):
    net = small_net()
    net[0].weight.requires_grad_(False)
    x = torch.rand(3, 2, 5, 5)
    kept = x.clone()
    with left_alone(net):
        size(net) if size is parameters else size(net, x)
    assert torch.equal(x, kept)
    assert x.grad is None
    assert not x.requires_grad


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_the_model_is_left_alone_after_its_own_errors(error):
    def fails(self, x):
        self.norm(x)
        raise error

    net, x = Calls(fails, norm=nn.BatchNorm1d(4), rnn=nn.LSTM(2, 2)), torch.rand(3, 4)
    with left_alone(net), pytest.raises(type(error)):
        depth(net, x)


def test_sizes_do_not_depend_on_the_random_state():
    net, x = small_net().train(), torch.rand(3, 2, 5, 5)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(network_sizes(net, x))
    assert found[0] == found[1]


def test_inputs_may_be_arrays_of_another_type():
    assert flops(nn.Linear(4, 3), torch.rand(2, 4).double().numpy()) == 24


@pytest.mark.parametrize("inputs", [3, "text", (), {}, torch.tensor(1.0), torch.zeros(0, 4), [torch.zeros(2, 4)]])
def test_inputs_refused(inputs):
    with pytest.raises(InputError, match="inputs must"):
        depth(nn.Linear(4, 3), inputs)


def test_models_refused():
    with pytest.raises(InputError, match="model must be a torch"):
        flops(F.relu, torch.zeros(2, 4))
    with pytest.raises(InputError, match="no shape yet"):
        depth(nn.LazyLinear(3), torch.zeros(2, 4))
    differs = Calls(lambda m, x: torch.autograd.grad(m.a(x).pow(2).sum(), x)[0], a=nn.Linear(4, 4))
    with pytest.raises(InputError, match="differentiates inside its forward"):
        depth(differs, torch.rand(2, 4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])  # other attention kernels
def test_the_same_sizes_on_a_gpu(dtype):
    layer = nn.TransformerEncoderLayer(64, 2, 16, batch_first=True).to(dtype)
    x = torch.rand(3, 8, 64, dtype=dtype)
    assert flops(layer, x, device="cuda") == attention_flops(8, 64, 16)
    assert depth(layer, x, device="cuda") == 6
    assert flops(nn.LSTM(4, 3, batch_first=True), torch.rand(2, 5, 4), device="cuda") == 2 * 5 * 4 * 3 * 7
    assert network_sizes(small_net(), torch.rand(3, 2, 5, 5), device="cuda").flops == 1512
