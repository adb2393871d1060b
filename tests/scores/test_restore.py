"""Whatever happens inside, the model and the random state come back bit for bit; weights are drawn as said."""

from __future__ import annotations

import random
import signal
import threading
import time
from contextlib import nullcontext

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.scores.capturing.forward import capture  # noqa: E402
from linregions.scores.init import redraw  # noqa: E402
from linregions.scores.restore import set_mode, unchanged  # noqa: E402
from linregions.scores.scoring.score import swap_score  # noqa: E402


def bits(tensor):
    """A tensor's own bits, so that NaN equals itself and -0.0 is not 0.0."""
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).tolist() if tensor.numel() else []


def everything(model):
    """All that must come back: identities, bits, flags, hooks, attributes."""
    parts = []
    for name, module in model.named_modules():
        parts.append((name, id(module), type(module), module.training))
        for table in (module._parameters, module._buffers):
            for key, tensor in table.items():
                if tensor is not None:
                    grad = tensor.grad if tensor.is_leaf else None
                    parts.append((key, id(tensor), tensor.data_ptr(), bits(tensor), tensor.requires_grad))
                    parts.append((tensor.dtype, tensor.device, id(grad), None if grad is None else bits(grad)))
        for key, value in vars(module).items():
            parts.append((key, id(value), repr(value) if isinstance(value, list | int) else None))
            if isinstance(value, dict):
                parts.append([(k, id(v)) for k, v in value.items()])
            if isinstance(value, torch.Tensor):
                parts.append((bits(value), value.data_ptr()))
    return parts


def randomness():
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


class Stateful(nn.Module):
    """Keeps state in every way that a module can."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("steps", torch.zeros(3, dtype=torch.long))
        self.register_buffer("running", torch.zeros(4), persistent=False)
        self.register_buffer("wide", torch.zeros(1).expand(4))
        self.register_buffer("none", None)
        self.plain = torch.zeros(4)
        self.calls = 0
        self.history = []

    def forward(self, x):
        self.steps += 1
        self.running = self.running * 0.9 + x.detach().mean(0)
        self.plain.add_(1)
        self.calls += 1
        self.history.append(self.calls)
        self.last = x
        self.none = x
        random.random()
        np.random.rand()  # noqa: NPY002
        return self.linear(x).relu()


def a_model():
    torch.manual_seed(0)
    tied = nn.Linear(4, 4, bias=False)
    last = nn.Linear(4, 4, bias=False)
    last.weight = tied.weight
    model = nn.Sequential(
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        nn.Dropout(),
        Stateful(),
        nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
        tied,
        last,
    )
    model[0].bias.data[:] = torch.tensor([-0.0, float("nan"), 1e-45, 3.0])
    model[1].eval()
    model[0].weight.requires_grad_(False)
    model[6](torch.ones(2, 4)).sum().backward()
    model[0].register_forward_hook(lambda module, args, output: None)
    return model


def havoc(model):
    """Everything that scores do to a model, and worse."""
    redraw(model, "gaussian", torch.Generator().manual_seed(1))
    set_mode(model, "train")
    model(torch.randn(5, 4)).sum().backward()
    model.register_forward_pre_hook(lambda module, args: None)
    model[0]._forward_hooks.clear()
    model.requires_grad_(True)
    model.double().half()
    model[1].running_mean = torch.ones(4)
    model[0].weight = nn.Parameter(torch.ones(4, 4))
    model.extra = 3
    del model[3].history[:]
    model[3].plain = None
    del model[2]
    torch.manual_seed(5)


@pytest.mark.parametrize("error", [None, ValueError(), KeyboardInterrupt()])
def test_everything_comes_back(error):
    model = a_model()
    before = everything(model), randomness()
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, unchanged(model) as same:
        assert same is model
        assert all(p.grad is None for p in model.parameters())
        havoc(model)
        assert (everything(model), randomness()) != before
        if error is not None:
            raise error
    assert (everything(model), randomness()) == before


def test_without_parameters_only_what_a_pass_changes_is_copied():
    model = a_model()
    model[0].bias.data[1] = 0.0
    before = everything(model), randomness()
    copied = []
    with pytest.MonkeyPatch.context() as patch:
        for kind in (torch.UntypedStorage, torch.Tensor):
            patch.setattr(kind, "clone", counting(kind.clone, copied))
        with unchanged(model, parameters=False):
            saved = sum(copied)
            set_mode(model, "train")
            capture(model, torch.randn(5, 4), lambda o: None)
    assert (everything(model), randomness()) == before
    buffers = sum(b.untyped_storage().nbytes() for b in model.buffers()) + model[3].plain.nbytes
    assert saved == buffers


def counting(clone, copied):
    def counted(self, **options):
        copied.append(self.untyped_storage().nbytes() if isinstance(self, torch.Tensor) else self.nbytes())
        return clone(self, **options)

    return counted


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_modules_of_scripts_and_sparse_and_shared_memory():
    model = nn.Sequential(torch.jit.script(nn.BatchNorm1d(3)), nn.ReLU())
    base = torch.zeros(6)
    model.register_buffer("left", base[:4])
    model.register_buffer("right", base[2:])
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    before = [bits(b.to_dense()) for b in model.buffers()]
    with unchanged(model):
        set_mode(model, "train")
        model(torch.randn(4, 3))
        model.left.fill_(2.0)
        model.sparse.mul_(2)
        set_mode(model, "eval")
    assert [bits(b.to_dense()) for b in model.buffers()] == before
    assert all(module.training for module in model.modules())
    model.left.fill_(1.0)
    assert model.right.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_lazy_layer_is_refused():
    model = nn.Sequential(nn.ReLU(), nn.LazyLinear(3))
    with (
        pytest.raises(InputError, match=r"layer 1 \(LazyLinear\) has no shape yet; run the model once"),
        unchanged(model),
    ):
        pass
    model(torch.ones(1, 2))
    with unchanged(model):
        pass
    with pytest.raises(InputError, match="model: expected a torch module"), unchanged(3):
        pass


def test_modes():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), nn.Sequential(nn.InstanceNorm1d(2), nn.LayerNorm(2)))

    def flags():
        return [m.training for m in (model, *model, *model[2])]

    set_mode(model, "auto")
    assert flags() == [False, True, False, False, True, False]
    set_mode(model, "keep")
    assert flags() == [False, True, False, False, True, False]
    set_mode(model, "train")
    assert flags() == [True] * 6
    set_mode(model, "eval")
    assert flags() == [False] * 6
    with pytest.raises(InputError, match="mode: 'fast' is not one of auto, train, eval, keep"):
        set_mode(model, "fast")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gaussian_is_the_published_protocol():
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ConvTranspose1d(2, 2, 2), nn.LayerNorm(4), nn.Embedding(3, 4)
    )
    model.append(nn.MultiheadAttention(4, 2, add_bias_kv=True))
    model.append(nn.MultiheadAttention(4, 2, kdim=3, vdim=5))
    for p in model.parameters():
        p.data += 7
    embedding = model[4].weight.clone()
    start = torch.get_rng_state()
    redraw(model, "gaussian", seeded())
    assert torch.equal(torch.get_rng_state(), start)
    numbers = seeded()
    attention = model[5], model[6]
    weights = [model[0].weight, model[2].weight, attention[0].in_proj_weight, attention[0].out_proj.weight]
    weights += [attention[1].q_proj_weight, attention[1].k_proj_weight, attention[1].v_proj_weight]
    weights += [attention[1].out_proj.weight]
    for weight in weights:
        assert torch.equal(weight, torch.randn(weight.shape, generator=numbers))
    zeros = [model[0].bias, model[1].bias, model[2].bias, model[3].bias]
    zeros += [attention[0].in_proj_bias, attention[0].out_proj.bias, attention[0].bias_k, attention[0].bias_v]
    assert all(not bias.any() for bias in zeros)
    assert bool((model[1].weight == 1).all())
    assert bool((model[3].weight == 1).all())
    assert torch.equal(model[4].weight, embedding)


def test_the_same_seed_gives_the_same_weights_in_any_type():
    models = [nn.Sequential(nn.Linear(3, 2), nn.Conv1d(2, 2, 2)).to(dtype) for dtype in (torch.float32, torch.float64)]
    for model in models:
        redraw(model, "gaussian", seeded(4))
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one.double(), other)


def test_gaussian_through_parametrisations():
    expected = torch.randn(4, 3, generator=seeded())
    norms = nn.utils.parametrizations
    plain = nn.Linear(3, 4)
    tied = nn.Sequential(plain, nn.Linear(3, 4))
    tied[1].weight = plain.weight
    redraw(tied, "gaussian", seeded())
    assert torch.equal(plain.weight, expected)
    for dim in (0, 1, None):
        with pytest.warns(FutureWarning):
            old = nn.utils.weight_norm(nn.Linear(3, 4), dim=dim)
        redraw(old, "gaussian", seeded())
        old(torch.ones(1, 3))
        torch.testing.assert_close(old.weight, expected)
    new = norms.weight_norm(nn.Linear(3, 4))
    redraw(new, "gaussian", seeded())
    torch.testing.assert_close(new.weight, expected)
    spectral = norms.spectral_norm(nn.Linear(3, 4))
    redraw(spectral, "gaussian", seeded())
    assert torch.equal(spectral.parametrizations.weight.original, expected)
    pruned = prune.random_unstructured(nn.Linear(3, 4), "weight", 0.5)
    redraw(pruned, "gaussian", seeded())
    assert torch.equal(pruned.weight_orig, expected)

    class Positive(nn.Module):
        def forward(self, x):
            return x.exp()

    fixed = nn.Linear(3, 4)
    nn.utils.parametrize.register_parametrization(fixed, "weight", Positive())
    with pytest.raises(InputError, match="init: the parametrisation of weight in a Parametrized"):
        redraw(fixed, "gaussian", seeded())


def test_default_is_a_new_build():
    def build():
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.Conv1d(2, 2, 2)), nn.Embedding(3, 2))

    model = build()
    for p in model.parameters():
        p.data.fill_(9.0)
    model[1].running_mean += 3
    start = torch.get_rng_state()
    redraw(model, "default", seeded(2))
    assert torch.equal(torch.get_rng_state(), start)
    seed = int(torch.randint(2**62, (), generator=seeded(2)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = build()
    assert all(torch.equal(v, fresh.state_dict()[k]) for k, v in model.state_dict().items())


def test_a_function_and_keep():
    model = nn.Linear(2, 2)
    weight = model.weight.clone()
    redraw(model, "keep", seeded())
    assert torch.equal(model.weight, weight)

    def fill(model, generator):
        model.weight.copy_(torch.rand(2, 2))
        model.bias.copy_(torch.rand(2, generator=generator))

    start = torch.get_rng_state()
    redraw(model, fill, seeded())
    one = [p.clone() for p in model.parameters()]
    torch.rand(3)
    redraw(model, fill, seeded())
    assert all(torch.equal(a, b) for a, b in zip(one, model.parameters(), strict=True))
    torch.set_rng_state(start)


def test_bad_inits():
    for init, model, match in (
        ("normal", nn.Linear(1, 1), "init: 'normal' is not one of keep, gaussian, default"),
        (3, nn.Linear(1, 1), "init: 3 is not one of"),
        ("gaussian", nn.ReLU(), "init: ReLU has no convolution"),
        ("default", nn.ReLU(), "init: no module of ReLU has a method reset_parameters"),
    ):
        with pytest.raises(InputError, match=match):
            redraw(model, init, seeded())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["linear", "batch", "drop", "relu", "attention", "state"]), min_size=1, max_size=5),
    st.sampled_from(["keep", "gaussian", "default"]),
    st.sampled_from(["auto", "train", "eval", "keep"]),
    st.booleans(),
)
def test_scoring_leaves_any_model_as_it_was(kinds, init, mode, fails):
    make = {
        "linear": lambda: nn.Linear(4, 4),
        "batch": lambda: nn.BatchNorm1d(4),
        "drop": nn.Dropout,
        "relu": lambda: nn.ReLU(inplace=True),
        "attention": lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True),
        "state": Stateful,
    }
    model = nn.Sequential(nn.Linear(4, 4), *(make[kind]() for kind in kinds), nn.ReLU())
    before = everything(model), randomness()

    def visit(observation):
        if fails:
            raise KeyboardInterrupt

    try:
        with unchanged(model, parameters=init != "keep"):
            for seed in range(2):
                redraw(model, init, seeded(seed))
                set_mode(model, mode)
                capture(model, torch.randn(3, 4), visit)
    except KeyboardInterrupt:
        assert fails
    assert (everything(model), randomness()) == before


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends signals")
def test_an_interrupt_at_any_time_leaves_the_model_as_it_was():
    """Signals at many moments of a score, its saving and its putting back among them."""
    model = a_model()
    before, hits = everything(model), 0
    x = torch.randn(6, 4)
    begin = time.perf_counter()
    swap_score(model, x, init="gaussian", repeats=2)
    whole = time.perf_counter() - begin
    for k in range(60):
        random_before = randomness()
        try:
            signal.setitimer(signal.ITIMER_REAL, whole * (k + 1) / 50)
            swap_score(model, x, init="gaussian", repeats=2)
        except KeyboardInterrupt:
            hits += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert everything(model) == before
        assert randomness() == random_before
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert hits > 5


@pytest.fixture(autouse=True)
def _signals_interrupt():
    """Ctrl-C interrupts, also where the tests run in the background; the timer's signal goes to whoever handles it."""
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    if hasattr(signal, "SIGALRM"):
        ring = signal.signal(signal.SIGALRM, lambda number, frame: signal.getsignal(signal.SIGINT)(number, frame))
        before[signal.SIGALRM] = ring
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_second_interrupt_does_not_wait():
    reached = []

    def twice():
        with unchanged(a_model()):
            for k in range(3):
                reached.append(k)
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        twice()
    assert reached == [0, 1]


def test_one_thread_at_a_time_has_a_model():
    model, refused = a_model(), []

    def other():
        try:
            with unchanged(model):
                pass
        except InputError as error:
            refused.append(str(error))

    before = everything(model)
    with unchanged(model), unchanged(model):  # the same thread may
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    assert "another thread is measuring this Sequential" in refused[0]
    assert everything(model) == before
    other()
    assert len(refused) == 1


def test_what_was_saved_comes_back_when_saving_fails():
    model = a_model()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = everything(model), randomness()
    clone, calls = torch.Tensor.clone, []

    def failing(self, **options):
        calls.append(1)
        if len(calls) > 2:
            raise MemoryError
        return clone(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "clone", failing)
        with pytest.raises(MemoryError), unchanged(model):
            pass
    assert (everything(model), randomness()) == before
