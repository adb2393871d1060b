"""Every activation of a forward pass is shown, once, with the right values and codes, and nothing is left behind."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.modules import module as module_file  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.scores.capturing.forward import capture, sample_count  # noqa: E402

# torch says of its scripts that they are deprecated, and of nested tensors and flex attention that they are young.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::UserWarning")


def seen(model, inputs, **options):
    """Layers, values (copied) and codes of a pass: one (name, kind, values, planes) per activation call."""
    rows = []
    before = hooks(model)

    def visit(observation):
        planes = observation.planes(observation.values)
        assert len(planes) == observation.width
        assert all(p.dtype == torch.bool and p.shape == observation.values.shape for p in planes)
        rows.append((observation.layer.name, observation.layer.kind, observation.values.clone(), torch.stack(planes)))

    captured = capture(model, inputs, visit, **options)
    assert [(r[0], r[1]) for r in rows] == [(layer.name, layer.kind) for layer in captured.layers]
    assert_clean(model, before)
    return rows


def assert_clean(model, before=()):
    assert torch._C._len_torch_dispatch_stack() == 0
    assert torch._C._len_torch_function_stack() == 0
    assert hooks(model) == list(before)


def hooks(model):
    """The hooks for all modules, and those of each module."""
    tables = [module_file._global_forward_hooks, module_file._global_forward_pre_hooks]
    tables.append(module_file._global_forward_hooks_always_called)
    for module in model.modules() if isinstance(model, nn.Module) else ():
        tables += [module._forward_hooks, module._forward_pre_hooks]
    return [key for table in tables for key in table]


def call(function, **settings_):
    """A module that calls a function: activations without modules of their own."""

    class Call(nn.Module):
        def forward(self, x):
            return function(x, **settings_)

    return Call()


# One row per kind: forms that are one and the same, the output by hand, and the piece by hand.
def above(t):
    return lambda x: (x > t).long()


def box(low, high):
    return lambda x: torch.where(x >= high, 2, torch.where(x > low, 1, 0))


def sign_of(function):
    return lambda x: torch.where(function(x) > 0, 1, torch.where(function(x) < 0, 2, 0))


KINDS = {
    "relu": (
        [
            nn.ReLU(),
            nn.ReLU(inplace=True),
            call(F.relu),
            call(F.relu, inplace=True),
            call(F.relu_),
            call(torch.relu),
            call(torch.relu_),
            call(lambda x: x.relu()),
            call(lambda x: x.relu_()),
            call(lambda x: x.clamp(min=0)),
            call(lambda x: x.clamp_(min=0)),
            call(lambda x: x.clip(min=0)),
            call(lambda x: x.clamp(0, math.inf)),
            call(lambda x: x.clamp_min(0.0)),
            call(lambda x: x.clamp_min_(0)),
            call(lambda x: torch.clamp(x, min=torch.tensor(0.0))),
            call(lambda x: torch.clamp(x, min=0, out=torch.empty_like(x))),
            call(lambda x: torch.maximum(x, torch.tensor(0.0, dtype=x.dtype))),
            call(lambda x: torch.maximum(torch.zeros_like(x), x)),
            call(lambda x: torch.max(x, torch.zeros(()))),
            call(F.threshold, threshold=0, value=0),
            nn.Threshold(0, 0),
        ],
        lambda x: torch.where(x > 0, x, 0),
        above(0),
    ),
    "relu6": (
        [
            nn.ReLU6(),
            nn.ReLU6(inplace=True),
            call(F.relu6),
            call(F.hardtanh, min_val=0, max_val=6),
            call(lambda x: x.clamp(0, 6)),
            call(lambda x: torch.clip(x, 0, 6)),
        ],
        lambda x: torch.where(x > 6, 6, torch.where(x > 0, x, 0)),
        box(0, 6),
    ),
    "hardtanh": (
        [nn.Hardtanh(-1.5, 0.3), nn.Hardtanh(-1.5, 0.3, inplace=True), call(F.hardtanh_, min_val=-1.5, max_val=0.3)],
        lambda x: torch.where(x >= 0.3, 0.3, torch.where(x <= -1.5, -1.5, x)),
        box(-1.5, 0.3),
    ),
    "leaky_relu": (
        [
            nn.LeakyReLU(0.2),
            nn.LeakyReLU(0.2, inplace=True),
            call(F.leaky_relu, negative_slope=0.2),
            call(F.leaky_relu_, negative_slope=0.2),
        ],
        lambda x: torch.where(x > 0, x, 0.2 * x),
        above(0),
    ),
    "prelu": (
        [nn.PReLU(init=-0.5), call(lambda x: F.prelu(x, torch.tensor([-0.5], dtype=x.dtype)))],
        lambda x: torch.where(x > 0, x, -0.5 * x),
        above(0),
    ),
    "rrelu": (
        [nn.RReLU(0.25, 0.25).eval(), nn.RReLU(0.25, 0.25, inplace=True), call(F.rrelu, lower=0.25, upper=0.25)],
        lambda x: torch.where(x > 0, x, 0.25 * x),
        above(0),
    ),
    "threshold": (
        [nn.Threshold(0.5, -2.0), nn.Threshold(0.5, -2.0, inplace=True), call(F.threshold, threshold=0.5, value=-2.0)],
        lambda x: torch.where(x > 0.5, x, -2.0),
        above(0.5),
    ),
    "hardswish": (
        [nn.Hardswish(), nn.Hardswish(inplace=True), call(F.hardswish)],
        F.hardswish,
        box(-3, 3),
    ),
    "elu": ([nn.ELU(), nn.ELU(inplace=True), call(F.elu_), nn.SELU(), call(torch.selu)], None, None),
    "celu": ([nn.CELU(), call(F.celu)], F.celu, sign_of(F.celu)),
    "gelu": ([nn.GELU(), call(F.gelu)], F.gelu, sign_of(F.gelu)),
    "silu": ([nn.SiLU(), nn.SiLU(inplace=True), call(F.silu)], F.silu, sign_of(F.silu)),
    "mish": ([nn.Mish(), nn.Mish(inplace=True), call(F.mish)], F.mish, sign_of(F.mish)),
    "softplus": ([nn.Softplus(), call(F.softplus)], F.softplus, sign_of(F.softplus)),
    "softshrink": ([nn.Softshrink(), call(F.softshrink)], F.softshrink, sign_of(F.softshrink)),
    "hardshrink": ([nn.Hardshrink(), call(F.hardshrink)], F.hardshrink, sign_of(F.hardshrink)),
}
FORMS = [(kind, i) for kind, (forms, _, _) in KINDS.items() for i in range(len(forms))]
HARD = [0.0, -0.0, 1e-45, -1e-45, math.inf, -math.inf, 6.0, 6.5, -1.5, 0.3, 0.5, -0.5, 3.0, -3.0, 2.9, 1e-30, 1.0, -7.0]


def codes(planes):
    return sum(plane.long() << bit for bit, plane in enumerate(planes))


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_every_form_counts_once(kind, form):
    forms, output, piece = KINDS[kind]
    model = forms[form]
    finite = kind in ("hardswish", "silu", "mish", "gelu")  # -inf * 0 is NaN there
    numbers = [v for v in HARD if not finite or abs(v) != math.inf]
    x = torch.tensor(numbers).reshape(2, -1)
    expected = output(x) if output else model(x.clone())
    with torch.no_grad():
        for indicator in ("positive", "sign", "piece"):
            rows = seen(model, x, indicator=indicator)
            assert [(r[0], r[1]) for r in rows] == [("(model)", kind)]
            _, _, values, planes = rows[0]
            if indicator != "piece":
                assert torch.equal(values, expected)
            by_hand = {
                "positive": (expected > 0).long(),
                "sign": torch.where(expected > 0, 1, torch.where(expected < 0, 2, 0)),
                "piece": (piece or sign_of(lambda x: model(x.clone())))(x),
            }[indicator]
            assert torch.equal(codes(planes), by_hand), indicator


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.clamp(min=1e-6),
        lambda x: x.clamp(-1, 1),
        lambda x: x.clamp(max=0),
        lambda x: x.clamp_max(0),
        lambda x: x.clamp(0, 0),
        lambda x: x.long().clamp(min=0).float() + x,
        lambda x: torch.maximum(x, x.flip(0)),
        lambda x: F.normalize(x),
        lambda x: F.cosine_similarity(x, x.flip(0), eps=0.0),
        lambda x: F.margin_ranking_loss(x, x.flip(0), torch.ones_like(x), reduction="none"),
        lambda x: torch.cdist(x, x),
        lambda x: F.softmax(x, 1),
        lambda x: torch.sigmoid(x) * torch.tanh(x),
        lambda x: F.hardsigmoid(x) + F.logsigmoid(x),
    ],
)
def test_what_is_no_activation_is_not_counted(function):
    with pytest.raises(InputError, match=r"no activation was seen.*also="):
        capture(call(function), torch.randn(4, 6), lambda o: None)


def test_gates_are_counted_where_named():
    model = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.ReLU(), call(torch.tanh))
    x = torch.randn(5, 3)
    assert [r[1] for r in seen(model, x)] == ["relu"]
    assert [r[:2] for r in seen(model, x, also=("tanh", "sigmoid"))] == [
        ("1", "sigmoid"),
        ("2", "relu"),
        ("3", "tanh"),
    ]
    assert [r[1] for r in seen(model, x, also=(nn.Sigmoid,))] == ["Sigmoid", "relu"]
    assert [r[1] for r in seen(call(F.glu), torch.randn(2, 4), also=("glu",))] == ["glu"]


class NewGELU(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1.0 + torch.tanh(0.797884 * (x + 0.044715 * x**3)))


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = NewGELU()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.inner(F.gelu(x)) + self.relu(x).clamp(min=0)


def test_modules_named_in_also_count_once():
    x = torch.randn(4, 3)
    model = nn.Sequential(nn.Linear(3, 5), NewGELU(), nn.ReLU(), Wrapped())
    rows = seen(model, x, also=(NewGELU, Wrapped), indicator="sign")
    assert [r[:2] for r in rows] == [("1", "NewGELU"), ("2", "relu"), ("3", "Wrapped")]
    assert torch.equal(rows[2][2], model(x))
    assert [r[:2] for r in seen(model, x, also=(NewGELU,))] == [
        ("1", "NewGELU"),
        ("2", "relu"),
        ("3", "gelu"),
        ("3.inner", "NewGELU"),
        ("3.relu", "relu"),
        ("3#2", "relu"),
    ]


def test_names_of_reused_and_shared_modules():
    act = nn.ReLU(inplace=True)

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Linear(3, 3), act)
            self.second = nn.ModuleDict({"again": act})

        def forward(self, x):
            for _ in range(2):
                x = self.first(x)
            return F.relu(self.second["again"](x) - 1)

    rows = seen(Loop(), torch.randn(2, 3))
    assert [r[0] for r in rows] == ["first.1", "first.1#2", "first.1#3", "(model)"]


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_the_fused_path_of_transformers_hides_nothing(activation, training, padded):
    layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.0, activation=activation)
    model = nn.TransformerEncoder(layer, 2).train(training)
    x = torch.randn(4, 5, 8)
    mask = {"src_key_padding_mask": torch.arange(5).expand(4, 5) > 3} if padded else {}
    rows = seen(model, {"src": x, **mask})
    assert [r[:2] for r in rows] == [("layers.0", activation), ("layers.1", activation)]
    assert all(r[2].shape == (4, 60) for r in rows)
    first = model.layers[0]
    attended = first.self_attn(x, x, x, key_padding_mask=mask.get("src_key_padding_mask"), need_weights=False)[0]
    by_hand = getattr(F, activation)(first.linear1(first.norm1(x + attended)))
    torch.testing.assert_close(rows[0][2], by_hand.reshape(4, -1), atol=1e-5, rtol=1e-4)


def test_recurrent_cells_are_seen():
    model = nn.RNN(3, 4, nonlinearity="relu", batch_first=True)
    x = torch.randn(5, 6, 3)
    rows = seen(model, x)
    assert len(rows) == 6
    torch.testing.assert_close(torch.stack([r[2] for r in rows], 1), model(x)[0])


def test_scripted_traced_and_inference_mode():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU6())
    x = torch.randn(5, 3)
    plain = seen(net, x)
    scripted = torch.jit.script(net)
    traced = torch.jit.trace(net, x)
    for other in (scripted, traced):
        for _ in range(3):  # the optimiser of scripts wakes up at the second call
            rows = seen(other, x)
            assert [r[1] for r in rows] == ["relu", "relu6"]
            assert all(torch.equal(r[2], p[2]) for r, p in zip(rows, plain, strict=True))
    with torch.inference_mode():
        rows = seen(net, x)
        assert [r[1] for r in rows] == ["relu", "relu6"]
        assert [r[1] for r in seen(call(lambda x: F.selu(F.prelu(x, torch.ones(1)))), x)] == ["prelu", "selu"]


def test_inputs_and_outputs_of_any_shape():
    class Pair(nn.Module):
        def forward(self, x, *, y=None, flag=True):
            return {"out": [F.relu(x + y)], "flag": flag}

    x = torch.randn(4, 3)
    rows = []
    captured = capture(Pair(), {"x": x, "y": x, "flag": 3}, rows.append)
    assert len(rows) == 1
    assert captured.samples == 4
    assert torch.equal(captured.output["out"][0], F.relu(2 * x))
    assert captured.output["flag"] == 3
    assert len(seen(lambda a, b: F.relu(a) + F.gelu(b), (x, x))) == 2
    assert [r[1] for r in seen(lambda x: F.relu(x), x)] == ["relu"]


def test_inputs_are_not_overwritten():
    x = torch.randn(4, 3)
    before = x.clone()
    seen(nn.Sequential(nn.ReLU(inplace=True)), x)
    assert torch.equal(x, before)


def test_folded_batches_and_other_axes():
    x = torch.randn(4, 3, 5)
    rows = seen(lambda x: F.relu(x.flatten(0, 1)), x)
    assert torch.equal(rows[0][2], F.relu(x).reshape(4, 15))
    time_first = x.movedim(1, 0)
    rows = seen(lambda t: F.relu(t), time_first, batch_dim=1)
    assert torch.equal(rows[0][2], F.relu(x).reshape(4, 15))
    assert sample_count(time_first, batch_dim=1) == 4
    with pytest.raises(InputError, match=r"batch_dim: layer 1 \(relu\) gives a tensor of shape \(3, 4, 5\).*4 samples"):
        capture(nn.Sequential(call(lambda x: x.movedim(1, 0)), nn.ReLU()), x, print)


class Positions(nn.Module):
    """A network of positions beside one of the inputs, as in relative attention."""

    def __init__(self, count):
        super().__init__()
        self.register_buffer("table", torch.randn(count, 2))
        self.of_positions = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.of_inputs = nn.Linear(4, 3)

    def forward(self, x):
        bias = self.of_positions(self.table).mean(0)
        out = torch.zeros(x.shape[0], 3)
        out[:, :3] = self.of_inputs(x)  # a view of memory that held no inputs before
        return F.relu(out + bias).relu_()


@pytest.mark.parametrize("count", [1, 5, 6, 7, 18])
def test_what_does_not_depend_on_the_inputs_is_left_out(count):
    rows = []
    captured = capture(Positions(count), torch.randn(6, 4), rows.append)
    assert [o.layer.name for o in rows] == ["(model)", "(model)#2"]
    assert [(i.layer.name, i.shape) for i in captured.ignored] == [("of_positions.1", (count, 3))]
    assert str(captured) == "2 activations on 6 samples, 1 ignored"
    with pytest.raises(InputError, match=r"depends on the inputs; only of_positions\.1"):
        capture(OnlyPositions(count), torch.ones(6, 4), print)


class OnlyPositions(Positions):
    def forward(self, x):
        return self.of_positions(self.table)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int32])
def test_types_of_numbers(dtype):
    x = torch.tensor([[-2, 0, 1, 3], [3, -1, 0, 7]], dtype=dtype)
    for indicator in ("positive", "sign", "piece"):
        rows = seen(nn.ReLU(), x, indicator=indicator)
        assert torch.equal(codes(rows[0][3]), (x > 0).long())
    rows = seen(nn.Sequential(call(lambda x: x > 0)), x, also=(nn.Sequential,), indicator="sign")
    assert rows[0][2].dtype == torch.bool
    assert torch.equal(codes(rows[0][3]), (x > 0).long())
    if dtype.is_floating_point:
        rows = seen(nn.Hardtanh(-0.1, 0.1), x / 10, indicator="piece")  # 0.1 is rounded to the type
        assert torch.equal(codes(rows[0][3]), torch.tensor([[0, 1, 2, 2], [2, 0, 1, 2]]))


def test_layouts_and_empty_activations():
    x = torch.randn(3, 2, 4, 5).contiguous(memory_format=torch.channels_last)
    assert torch.equal(seen(nn.ReLU(), x)[0][2], F.relu(x).reshape(3, -1))
    assert torch.equal(seen(nn.ReLU(), x[:, :, ::2, 1:])[0][2], F.relu(x[:, :, ::2, 1:]).reshape(3, -1))
    rows = seen(lambda x: F.relu(x[:, :0]) + F.gelu(x[:0]).sum(), x)
    assert [tuple(r[2].shape) for r in rows] == [(3, 0), (3, 0)]
    x = torch.randn(3, 4)
    kept = []
    captured = capture(nn.ReLU(), x, lambda o: kept.append(o.values))
    assert kept[0].data_ptr() == captured.output.data_ptr()  # a view, where the layout allows one


def test_max_pools():
    x = torch.randn(3, 2, 7, 7)
    assert [r[1] for r in seen(nn.Sequential(nn.MaxPool2d(2), nn.ReLU()), x)] == ["relu"]
    pools = [
        (nn.MaxPool2d(2), 2, 2, 0, 1),
        (nn.MaxPool2d(3, stride=2, padding=1), 3, 2, 1, 1),
        (nn.MaxPool2d(2, stride=1, dilation=3), 2, 1, 0, 3),
        (nn.MaxPool2d((3, 2), stride=(1, 2), padding=(1, 0)), (3, 2), (1, 2), (1, 0), 1),
    ]
    for pool, kernel, stride, padding, dilation in pools:
        rows = seen(pool, x, max_pool=True, indicator="piece")
        assert rows[0][1] == "max_pool"
        assert len(rows[0][3]) == 8
        expected = window_places(x, kernel, stride, padding, dilation)
        assert torch.equal(codes(rows[0][3]), expected.reshape(3, -1))
        assert torch.equal(seen(pool, x, max_pool=True)[0][2], pool(x).reshape(3, -1))


def window_places(x, kernel, stride, padding, dilation):
    """Places by unfolding every window, which is another route than from flat positions."""
    kernel, stride, padding, dilation = (
        v if isinstance(v, tuple) else (v, v) for v in (kernel, stride, padding, dilation)
    )
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), value=-math.inf)
    heights = [(kernel[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    outs = [(padded.shape[2 + i] - heights[i]) // stride[i] + 1 for i in (0, 1)]
    places = torch.zeros(*x.shape[:2], *outs, dtype=torch.long)
    for i in range(outs[0]):
        for j in range(outs[1]):
            window = padded[:, :, i * stride[0] :, j * stride[1] :][:, :, : heights[0], : heights[1]]
            taken = torch.full_like(window, -math.inf)
            taken[:, :, :: dilation[0], :: dilation[1]] = window[:, :, :: dilation[0], :: dilation[1]]
            places[:, :, i, j] = taken.flatten(2).argmax(2)
    return places


def test_pools_of_other_dimensions():
    for pool, x in (
        (nn.MaxPool1d(3), torch.randn(2, 4, 9)),
        (nn.MaxPool3d(2), torch.randn(2, 1, 4, 4, 4)),
        (nn.AdaptiveMaxPool2d(2), torch.randn(2, 1, 4, 6)),
        (nn.AdaptiveMaxPool1d(3), torch.randn(2, 1, 9)),
    ):
        for guard in (torch.no_grad, torch.inference_mode):
            with guard():
                rows = seen(pool, x, max_pool=True, indicator="piece")
                assert [r[1] for r in rows] == ["max_pool"]
                assert rows[0][2].shape == (2, pool(x).numel() // 2)
    x = torch.arange(9.0).reshape(1, 1, 9).repeat(2, 1, 1)
    assert seen(nn.MaxPool1d(3), x, max_pool=True, indicator="piece")[0][2].tolist() == [[2, 2, 2]] * 2
    assert seen(nn.AdaptiveMaxPool1d(3), x, max_pool=True, indicator="piece")[0][2].tolist() == [[2, 2, 2]] * 2
    with pytest.raises(InputError, match=r"max_pool: layer \(model\) \(max_pool\) has windows of 400 places"):
        capture(nn.AdaptiveMaxPool2d(1), torch.randn(2, 1, 20, 20), print, max_pool=True, indicator="piece")


@pytest.mark.parametrize(("kind", "form"), [f for f in FORMS if f[1] < 2])
@pytest.mark.parametrize("indicator", ["positive", "piece"])
def test_nan_is_refused_with_the_layer(kind, form, indicator):
    x = torch.randn(3, 8)
    x[1, 5] = math.nan
    model = nn.Sequential(nn.Identity(), KINDS[kind][0][form])
    with pytest.raises(InputError, match=rf"layer 1 \({kind}\) gives NaN"):
        capture(model, x, lambda o: None, indicator=indicator)
    assert_clean(model)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("place", [0, 1, 15, 16, 1023, 4999])
def test_nan_is_found_anywhere(dtype, place):
    x = torch.full((2, 2500), math.inf, dtype=dtype)
    seen(nn.ReLU(), x)
    x.view(-1)[place] = math.nan
    with pytest.raises(InputError, match="gives NaN"):
        capture(nn.ReLU(), x, lambda o: None)


class Failing(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error
        self.act = nn.ReLU()

    def forward(self, x):
        self.act(x)
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("shape"), MemoryError()])
def test_a_failing_model_raises_its_own_error_with_the_layer(error):
    model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), Failing(error)))
    with pytest.raises(type(error)) as caught:
        capture(model, torch.randn(2, 3), lambda o: None)
    assert caught.value is error
    assert error.__notes__ == ["in layer 1.1 (Failing)"]
    assert_clean(model)


def test_an_interrupt_leaves_nothing_behind():
    model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), Failing(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        capture(model, torch.randn(2, 3), lambda o: None)
    assert_clean(model)


def test_a_failing_visitor_is_heard_even_where_the_model_catches_everything():
    class Deaf(nn.Module):
        def __init__(self):
            super().__init__()
            self.broken = Failing(ValueError("inside"))

        def forward(self, x):
            try:
                return self.broken(x)
            except Exception:
                return F.gelu(x)

    assert [r[:2] for r in seen(Deaf(), torch.randn(2, 3))] == [("broken.act", "relu"), ("(model)", "gelu")]
    x = torch.randn(2, 3)
    x[0, 0] = math.nan
    with pytest.raises(InputError, match=r"broken\.act.*NaN"):
        capture(Deaf(), x, lambda o: None)
    error = LookupError("mine")

    def fail(observation):
        raise error

    for model in (Deaf(), torch.jit.script(nn.ReLU()), nn.Sequential(NewGELU())):
        with pytest.raises(LookupError) as caught:
            capture(model, torch.randn(2, 3), fail, also=(NewGELU,))
        assert caught.value is error
        assert not hasattr(error, "__notes__")
        assert_clean(model)


def test_a_module_in_also_that_failed_and_was_caught_is_not_counted():
    class Fallback(nn.Module):
        def __init__(self):
            super().__init__()
            self.broken = Failing(ValueError())
            self.good = NewGELU()

        def forward(self, x):
            try:
                return self.broken(x)
            except ValueError:
                return self.good(x)

    assert [r[0] for r in seen(Fallback(), torch.randn(2, 3), also=(Failing, NewGELU))] == ["good"]
    try:
        raise KeyError
    except KeyError:
        assert [r[0] for r in seen(nn.Sequential(NewGELU()), torch.randn(2, 3), also=(NewGELU,))] == ["0"]


def test_the_visitor_may_use_activations_itself():
    def visit(observation):
        F.relu(observation.values).clamp(min=0)

    for options in ({}, {"also": (NewGELU,)}):
        captured = capture(nn.Sequential(nn.ReLU(), NewGELU()), torch.randn(2, 3), visit, **options)
        assert len(captured.layers) == 1 + len(options)


def test_fused_operations_are_refused():
    with pytest.raises(InputError, match=r"_addmm_activation in layer \(model\) has activations inside"):
        capture(
            lambda x: torch._addmm_activation(torch.zeros(3), x, torch.ones(3, 3), use_gelu=True),
            torch.ones(2, 3),
            lambda o: None,
        )


def test_strange_tensors_are_refused():
    with pytest.raises(InputError, match="gives a nested tensor"):
        capture(lambda x: F.relu(torch.nested.as_nested_tensor([x[0], x[1, :1]])), torch.ones(2, 3), print)
    with pytest.raises(InputError, match="gives a sparse tensor"):
        capture(lambda x: torch.relu(x.to_sparse()), torch.ones(2, 3), print)
    with pytest.raises(InputError, match="gives a meta tensor"):
        capture(nn.ReLU(), torch.ones(2, 3, device="meta"), print)
    with pytest.raises(InputError, match="gives a tuple and not one tensor"):
        capture(nn.LSTM(3, 3), torch.ones(2, 3), print, also=(nn.LSTM,))


def test_bad_arguments():
    x, net = torch.ones(2, 3), nn.ReLU()
    for model, inputs, options, match in (
        (3, x, {}, "model: expected"),
        (net, 3, {}, "inputs: expected"),
        (net, (), {}, "inputs: no tensor"),
        (net, torch.ones(()), {}, "no samples along axis 0"),
        (net, torch.ones(0, 3), {}, "no samples along axis 0"),
        (net, x, {"batch_dim": -1}, "batch_dim must be"),
        (net, x, {"batch_dim": 1.5}, "batch_dim must be"),
        (net, x, {"indicator": "signs"}, "indicator: 'signs' is not one of"),
        (net, x, {"also": nn.ReLU}, "also: expected a sequence"),
        (net, x, {"also": ("softmax",)}, "also: 'softmax' is neither"),
        (net, x, {"also": (3,)}, "also: 3 is neither"),
    ):
        with pytest.raises(InputError, match=match):
            capture(model, inputs, print, **options)


# -- random networks ------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["linear", "batch", "drop", "none"]), st.sampled_from(FORMS)), min_size=1, max_size=5
)


class Random(nn.Module):
    """Linear maps, normalisation and dropout between activations of every form."""

    def __init__(self, steps, width):
        super().__init__()
        make = {
            "linear": lambda: nn.Linear(width, width),
            "batch": lambda: nn.BatchNorm1d(width),
            "drop": nn.Dropout,
            "none": nn.Identity,
        }
        self.before = nn.ModuleList(make[before]() for before, _ in steps)
        self.forms = steps
        self.acts = nn.ModuleList(KINDS[kind][0][i] for _, (kind, i) in steps)

    def forward(self, x):
        for before, act in zip(self.before, self.acts, strict=True):
            x = act(before(x) + 0)  # + 0: an in-place activation must not spoil what came before
        return x


@settings(max_examples=60, deadline=None)
@given(
    STEPS, st.integers(1, 5), st.integers(2, 6), st.integers(0, 2**32), st.sampled_from(["positive", "sign", "piece"])
)
def test_random_networks_against_a_plain_run(steps, width, samples, seed, indicator):
    torch.manual_seed(seed)
    model = Random(steps, width).train(seed % 2 == 0)
    x = torch.randn(samples, width) * 4
    state = {name: value.clone() for name, value in model.state_dict().items()}
    start = torch.get_rng_state()
    rows = seen(model, x, indicator=indicator)
    after = torch.get_rng_state()
    model.load_state_dict(state)
    torch.set_rng_state(start)
    with torch.no_grad():
        for row, before, act, (_, (kind, _)) in zip(rows, model.before, model.acts, steps, strict=True):
            z = before(x) + 0
            x = act(z.clone())
            assert row[1] == kind
            output = x
            if indicator == "piece":
                piece = KINDS[kind][2] or sign_of(lambda _, output=output: output)
                expected = piece(z)
            elif indicator == "sign":
                expected = torch.where(output > 0, 1, torch.where(output < 0, 2, 0))
            else:
                expected = (output > 0).long()
            assert torch.equal(codes(row[3]), expected)
    assert torch.equal(torch.get_rng_state(), after)


# -- other ways to run a model ---------------------------------------------------------------------------------------


def test_models_that_differentiate_or_checkpoint_in_forward():
    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))

        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                (slope,) = torch.autograd.grad(self.net(x).sum(), x)
            return F.gelu(slope)

    assert [r[:2] for r in seen(Energy(), torch.randn(2, 3))] == [("net.1", "relu"), ("(model)", "gelu")]

    def checkpointed(x):
        return torch.utils.checkpoint.checkpoint(lambda x: F.relu(x), x, use_reentrant=False)

    assert [r[1] for r in seen(checkpointed, torch.randn(2, 3))] == ["relu"]
    mapped = torch.vmap(lambda row: F.relu(row).sum())
    rows = seen(mapped, torch.tensor([[1.0, -1.0], [2.0, 3.0], [-1.0, -2.0]]))
    assert [r[2].tolist() for r in rows] == [[[1.0, 0.0], [2.0, 3.0], [0.0, 0.0]]]


def test_dropout_follows_the_mode_of_each_module():
    model = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, dropout=0.5)
    x = torch.randn(4, 5, 8)
    for training, same in ((True, False), (False, True)):
        one, other = (seen(model.train(training), x)[0][2] for _ in range(2))
        assert torch.equal(one, other) is same


def test_autocast():
    x = torch.randn(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        rows = seen(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), x)
    assert rows[0][2].dtype == torch.bfloat16


def test_a_bad_size_among_the_activations_is_named():
    class Odd(nn.Module):
        def forward(self, x):
            return F.relu(x[:3])

    with pytest.raises(InputError, match=r"layer odd \(relu\) gives a tensor of shape \(3, 2\).*the 4 samples"):
        capture(nn.Sequential(OrderedDict(odd=Odd())), torch.ones(4, 2), print)


@pytest.mark.slow
def test_compiled_models():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    x = torch.randn(5, 3)
    compiled = torch.compile(net, backend="eager")
    compiled(x)
    rows = seen(compiled, x)
    assert [r[1] for r in rows] == ["relu"]
    assert torch.equal(rows[0][2], net(x))
    assert rows[0][0] == "1"
    assert [r[1] for r in seen(nn.Sequential(compiled, nn.ReLU6()), x)] == ["relu", "relu6"]


def test_exported_programs():
    class Cut(nn.Module):
        def forward(self, x):
            return torch.maximum(x, torch.zeros(())).relu_().clamp_(min=0).clamp(0, 6).clamp(min=1e-6)

    program = torch.export.export(Cut(), (torch.randn(5, 3),)).module()
    assert [r[1] for r in seen(program, torch.randn(5, 3))] == ["relu", "relu", "relu", "relu6"]


def test_a_pass_within_a_pass():
    inner, outer = nn.Sequential(nn.Linear(2, 2), nn.GELU()), nn.Sequential(nn.ReLU(), NewGELU(), nn.ReLU6())
    names = []

    def visit(observation):
        names.append(str(observation.layer))
        capture(inner, torch.ones(3, 2), lambda o: names.append(f"inner {o.layer}"))

    capture(outer, torch.ones(2, 2), visit, also=(NewGELU,))
    assert names == ["0 (relu)", "inner 1 (gelu)", "1 (NewGELU)", "inner 1 (gelu)", "2 (relu6)", "inner 1 (gelu)"]
    assert_clean(outer)


def test_other_threads_are_not_seen():
    other = nn.Sequential(nn.ReLU(), nn.Linear(2, 2), NewGELU())
    mine = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with ThreadPoolExecutor(1) as pool:

        def run_elsewhere(x):
            pool.submit(other, torch.ones(3, 2)).result()
            return mine(x)

        assert [r[:2] for r in seen(run_elsewhere, torch.ones(2, 2), also=(NewGELU,))] == [("(model)", "relu")]
        theirs = pool.submit(capture, other, torch.ones(3, 2), lambda o: None)
        assert [layer.kind for layer in capture(mine, torch.ones(2, 2), lambda o: None).layers] == ["relu"]
        assert [layer.kind for layer in theirs.result().layers] == ["relu"]
    assert_clean(mine)


def test_operations_on_functions_pass_the_inputs_on():
    flex = pytest.importorskip("torch.nn.attention.flex_attention")
    x = torch.randn(4, 1, 16, 16)
    assert [r[1] for r in seen(lambda x: F.relu(flex.flex_attention(x, x, x)), x)] == ["relu"]


def test_the_package_is_lazy_and_its_names_are_functions():
    code = """
        import sys
        import linregions.scores as scores
        assert "torch" not in sys.modules, "torch was loaded"
        assert "capture" in dir(scores)
        from linregions.scores.capturing.forward import Captured
        assert callable(scores.capture), scores.capture
        assert scores.Captured is Captured
        try:
            scores.nothing
        except AttributeError as error:
            assert "no attribute 'nothing'" in str(error)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_missing_torch_is_one_sentence():
    code = """
        import sys
        sys.modules["torch"] = None
        from linregions.errors import MissingExtraError
        import linregions.scores as scores
        try:
            scores.capture
        except MissingExtraError as error:
            assert "scores: torch is not installed; install it with: pip install 'linregions[torch]'" in str(error)
        else:
            raise AssertionError("nothing was said")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_operators_that_only_write_pass_the_inputs_on():
    library = torch.library.Library("linregions_test", "DEF")
    library.define("double(Tensor x, Tensor(a!) out) -> ()")

    def double(x, out):
        out.copy_(x * 2)

    library.impl("double", double, "CompositeExplicitAutograd")

    def model(x):
        out = torch.zeros(x.shape)
        torch.ops.linregions_test.double(x, out)
        return F.relu(out)

    x = torch.tensor([[1.0], [-1.0]])
    assert [r[2].tolist() for r in seen(model, x)] == [[[2.0], [0.0]]]
