"""The SWAP-Score against its literal definition, against the network's own stages, and its protocol."""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from linregions import InputError, Network  # noqa: E402
from linregions.activations import MaxGroups, UnitActivations, clip, leaky_relu  # noqa: E402
from linregions.readers import read_torch, write_npz  # noqa: E402
from linregions.scores.scoring.score import swap_score  # noqa: E402
from linregions.stage import Stage  # noqa: E402

nn = torch.nn
ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardtanh": nn.Hardtanh,
    "relu6": nn.ReLU6,
}
SEEDS = st.integers(0, 2**31)


def seeded(seed: int, build: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def normal(seed: int, *shape: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def mlp(seed: int, widths: list[int], activation: str = "relu") -> Any:
    def build() -> Any:
        hidden = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), ACTIVATIONS[activation]())]
        return nn.Sequential(*hidden, nn.Linear(widths[-1], 1))

    return seeded(seed, build)


def cnn(seed: int, channels: int = 4, activation: str = "relu", dropout: float = 0.0) -> Any:
    return seeded(
        seed,
        lambda: nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            ACTIVATIONS[activation](),
            nn.Dropout(dropout),
            nn.Conv2d(channels, channels, 3, stride=2),
            nn.BatchNorm2d(channels),
            ACTIVATIONS[activation](),
            nn.Flatten(),
        ),
    )


def stages_of(model: Any, activation: str) -> Network:
    """The same MLP as a Network, without any reader."""
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    pairs = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in linear]
    function = leaky_relu(0.01) if activation == "leaky_relu" else activation
    return Network.from_arrays(pairs, activation=function)


def outputs(model: Any, inputs: Any) -> Any:
    """The outputs of all activation modules side by side, (S, V), by plain hooks."""
    seen: list[Any] = []
    hooks = [
        m.register_forward_hook(lambda _m, _i, out: seen.append(out.detach().clone().flatten(1)))
        for m in model.modules()
        if isinstance(m, tuple(ACTIVATIONS.values()))
    ]
    with torch.no_grad():
        model(inputs)
    for hook in hooks:
        hook.remove()
    return torch.cat(seen, dim=1)


def literal(matrix: Any) -> int:
    return int(torch.unique(matrix, dim=1).shape[1])


def state(model: Any) -> dict[str, Any]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- the definition ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    SEEDS,
    st.lists(st.integers(1, 12), min_size=2, max_size=4),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(2, 20),
)
@example(0, [1, 1], "relu", 2)
def test_mlp_is_the_literal_definition(seed: int, widths: list[int], activation: str, samples: int) -> None:
    model, x = mlp(seed, widths, activation), normal(seed, samples, widths[0])
    values = outputs(model, x)
    score = swap_score(model, x)
    assert score.per_repeat == (literal(values > 0),)
    assert swap_score(model, x, indicator="sign").per_repeat == (literal(values.sign()),)
    assert score.value == score.swap == score.per_repeat[0] <= score.limit
    assert score.units == values.shape[1]
    assert score.standard == torch.unique(values > 0, dim=0).shape[0]
    assert sum(layer.dead for layer in score.layers) == int((values > 0).sum(0).eq(0).sum())
    assert sum(layer.always_on for layer in score.layers) == int((values > 0).all(0).sum())
    assert max(layer.distinct for layer in score.layers) <= score.swap <= sum(layer.distinct for layer in score.layers)


@settings(max_examples=10)
@given(SEEDS, st.integers(1, 6), st.sampled_from(sorted(ACTIVATIONS)), st.integers(2, 70), st.sampled_from([3, 8]))
def test_cnn_with_batch_statistics_is_the_literal_definition(
    seed: int, channels: int, activation: str, samples: int, side: int
) -> None:
    model, x = cnn(seed, channels, activation, dropout=0.5), normal(seed, samples, 3, side, side)
    reference = copy.deepcopy(model).train()
    reference[3].eval()
    before, modes = state(model), [m.training for m in model.modules()]
    if side == 3:
        x = x.repeat(1, 1, 2, 2)  # batch norm wants more than one value for each channel
    assert swap_score(model, x).per_repeat == (literal(outputs(reference, x) > 0),)
    assert swap_score(model, x, mode="eval").per_repeat == (literal(outputs(reference_eval(model), x) > 0),)
    assert same(before, state(model))
    assert modes == [m.training for m in model.modules()]


def reference_eval(model: Any) -> Any:
    return copy.deepcopy(model).eval()


def test_the_hand_example() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(4))
        model[0].bias.zero_()
    rows = torch.tensor([[0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]]) * 2.0 - 1.0
    score = swap_score(model, rows)
    assert (score.swap, score.standard, score.units, score.limit) == (4, 3, 4, 4)
    assert (score.layers[0].dead, score.layers[0].always_on) == (0, 1)
    two = swap_score(model, rows[:2])  # columns 00, 11, 01, 10
    assert (two.swap, two.limit) == (4, 4)


def test_dead_and_always_on_units_are_one_pattern_each() -> None:
    model = nn.Sequential(nn.Linear(2, 6), nn.ReLU())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([-1.0, -1.0, -1.0, 1.0, 1.0, 0.0]))
    score = swap_score(model, normal(0, 5, 2))
    assert (score.swap, score.layers[0].dead, score.layers[0].always_on) == (2, 4, 2)


@settings(max_examples=20)
@given(SEEDS, st.permutations(range(9)))
def test_the_order_of_the_samples_does_not_matter(seed: int, order: list[int]) -> None:
    model, x = mlp(seed, [5, 30, 30]), normal(seed, 9, 5)
    assert swap_score(model, x).per_repeat == swap_score(model, x[order]).per_repeat


# --- two routes -------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(
    SEEDS,
    st.lists(st.integers(1, 12), min_size=2, max_size=4),
    st.sampled_from(["relu", "leaky_relu", "hardtanh", "relu6"]),
    st.sampled_from(["positive", "sign"]),
)
def test_module_and_network_agree(seed: int, widths: list[int], activation: str, indicator: str) -> None:
    model, x = mlp(seed, widths, activation).double(), normal(seed, 11, widths[0]).double() * 3
    score = swap_score(model, x, indicator=indicator)
    net = swap_score(stages_of(model, activation), x, indicator=indicator)
    facts = ("per_repeat", "units", "samples", "standard", "parameters", "limit")
    assert [getattr(net, f) for f in facts] == [getattr(score, f) for f in facts]
    assert [(i.units, i.distinct, i.dead, i.always_on) for i in net.layers] == [
        (i.units, i.distinct, i.dead, i.always_on) for i in score.layers
    ]
    assert net.nwot == pytest.approx(score.nwot, rel=1e-9)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "hardtanh", "relu6"])
def test_pieces_of_module_and_network_agree(activation: str) -> None:
    model, x = mlp(5, [3, 20, 20], activation).double(), normal(5, 9, 3).double() * 4
    score = swap_score(model, x, indicator="piece")
    net = stages_of(model, activation)
    assert swap_score(net, x, indicator="piece").per_repeat == score.per_repeat
    patterns = net.pattern(x.numpy())
    assert score.per_repeat == (len({tuple(column) for column in patterns.T.tolist()}),)


def test_a_convolution_and_its_network_agree() -> None:
    model = seeded(1, lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 8), nn.ReLU()))
    model, x = model.double(), normal(2, 10, 1, 6, 6).double()
    net = read_torch(model, input_shape=(1, 6, 6))
    assert swap_score(net, x).per_repeat == swap_score(model, x).per_repeat
    doubt = swap_score(net, x, mu=1, sigma=1).warnings[-1]
    assert "once for every place" in doubt


def test_maxima_of_a_network_are_units_on_request_only() -> None:
    rng = np.random.default_rng(0)
    first = Stage(rng.normal(size=(6, 2)), np.zeros(6), MaxGroups(np.array([0, 3, 6])), name="m")
    second = Stage(rng.normal(size=(4, 2)), np.zeros(4), UnitActivations.of([leaky_relu(0.1)] * 2 + [clip(0, 1)] * 2))
    net, x = Network((first, second)), rng.normal(size=(30, 2))
    for max_pool, keep in ((True, [0, 1, 2, 3, 4, 5]), (False, [2, 3, 4, 5])):
        pieces = net.pattern(x)[:, keep]
        score = swap_score(net, x, indicator="piece", max_pool=max_pool)
        assert score.per_repeat == (len({tuple(column) for column in pieces.T.tolist()}),)
        assert score.units == len(keep)
    assert [layer.kind for layer in score.layers] == ["leaky_relu", "clip"]
    with pytest.raises(InputError, match="max_pool=True"):
        swap_score(Network((first,)), x)


def test_files_are_read(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    net = Network.from_arrays([(rng.normal(size=(7, 2)), rng.normal(size=7)), (np.ones((1, 7)), [0.0])])
    path = tmp_path / "net.npz"
    write_npz(net, path)
    x = rng.normal(size=(6, 2))
    assert swap_score(path, x).per_repeat == swap_score(str(path), x.tolist()).per_repeat
    assert swap_score(path, x).per_repeat == swap_score(net, torch.from_numpy(x)).per_repeat


# --- repeats, seeds, and the state of the world -----------------------------------------------------------------------


@pytest.mark.parametrize("init", ["gaussian", "default"])
def test_repeats_depend_on_the_seed_alone(init: str) -> None:
    model, x = cnn(0), normal(1, 8, 3, 8, 8)
    before = state(model)
    torch.manual_seed(1)
    first = swap_score(model, x, init=init, seed=5)
    torch.manual_seed(2)
    world = torch.get_rng_state()
    again = swap_score(model, x, init=init, seed=5)
    assert torch.equal(world, torch.get_rng_state())
    assert first.per_repeat == again.per_repeat
    assert first.repeats == 8
    assert len(set(first.per_repeat)) > 1
    assert swap_score(model, x, init=init, seed=5, repeats=3).per_repeat == first.per_repeat[:3]
    assert swap_score(model, x, init=init, seed=6).per_repeat != first.per_repeat
    # the weights that were there do not matter
    assert swap_score(cnn(9), x, init=init, seed=5).per_repeat == first.per_repeat
    assert same(before, state(model))


def test_statistics_of_repeats() -> None:
    score = swap_score(cnn(0), normal(1, 8, 3, 8, 8), init="gaussian", repeats=4)
    counts = np.array(score.per_repeat)
    assert score.swap == counts.mean()
    assert score.sd == pytest.approx(counts.std(ddof=1))
    assert score.standard_error == pytest.approx(counts.std(ddof=1) / 2)
    assert swap_score(cnn(0), normal(1, 8, 3, 8, 8)).standard_error is None


def test_an_init_of_ones_own() -> None:
    model, x = mlp(0, [3, 10]), normal(0, 6, 3)
    seen = []

    def ones(module: Any, generator: Any) -> None:
        seen.append(generator.initial_seed())
        for p in module.parameters():
            p.data.fill_(1.0)

    score = swap_score(model, x, init=ones, repeats=2, seed=4)
    assert score.per_repeat == (1, 1)
    assert score.init == "ones"
    assert seen == [4, 4]
    assert not torch.equal(model[0].weight, torch.ones(10, 3))


def test_dropout_is_random_and_seeded() -> None:
    model, x = cnn(3, dropout=0.5), normal(1, 8, 3, 8, 8)
    score = swap_score(model, x, mode="train", repeats=4)
    assert len(set(score.per_repeat)) > 1
    assert swap_score(model, x, mode="train", repeats=4).per_repeat == score.per_repeat


def test_noise_that_a_model_draws_by_itself_may_be_repeated() -> None:
    class Noise(nn.Module):
        def forward(self, x: Any) -> Any:
            return x + torch.randn(x.shape[1:])

    model, x = nn.Sequential(Noise(), *mlp(0, [3, 40])), normal(0, 8, 3)
    score = swap_score(model, x, mode="eval", repeats=3)
    assert len(set(score.per_repeat)) > 1
    assert swap_score(model, x, mode="eval", repeats=3).per_repeat == score.per_repeat


def test_progress_is_told() -> None:
    told: list[tuple[float, int]] = []
    score = swap_score(mlp(0, [3, 10]), normal(0, 6, 3), init="gaussian", repeats=4, progress=lambda *a: told.append(a))
    assert told == list(zip((0.25, 0.5, 0.75, 1.0), score.per_repeat, strict=True))


def test_the_model_comes_back_after_an_error_in_its_middle() -> None:
    class Stops(nn.Module):
        def forward(self, x: Any) -> Any:
            raise KeyboardInterrupt

    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), Stops())
    before, world = state(model), torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        swap_score(model, normal(0, 6, 3), init="gaussian")
    assert same(before, state(model))
    assert torch.equal(world, torch.get_rng_state())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(m.training for m in model.modules())


# --- inputs -----------------------------------------------------------------------------------------------------------


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.act = nn.Embedding(20, 4), nn.ReLU()

    def forward(self, tokens: Any, scale: Any) -> Any:
        return self.act(self.words(tokens) * scale[:, None, None])


def test_inputs_of_every_form() -> None:
    model = mlp(0, [3, 10])
    x = normal(0, 6, 3)
    want = swap_score(model, x).per_repeat
    forms: list[Any] = [x.numpy(), x.numpy().astype(np.float64), x.tolist(), (x,), {"input": x}, x.double()]
    assert all(swap_score(model, form).per_repeat == want for form in forms)
    two, tokens, scale = seeded(0, Two), torch.arange(12).reshape(6, 2), normal(0, 6)
    matrix = two(tokens, scale).flatten(1) > 0
    want = (literal(matrix),)
    assert swap_score(two, (tokens, scale)).per_repeat == want
    assert swap_score(two, {"scale": scale, "tokens": tokens.numpy()}).per_repeat == want


def test_inputs_are_not_written_to() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2))
    x = normal(0, 6, 3)
    array = x.numpy().copy()
    swap_score(model, array)
    assert np.array_equal(array, x.numpy())


def test_another_batch_axis() -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map, self.act = nn.Linear(3, 8), nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.act(self.map(x))

    model, x = seeded(0, Steps), normal(0, 5, 7, 3)
    with torch.no_grad():
        matrix = model(x).transpose(0, 1).flatten(1) > 0
    score = swap_score(model, x, batch_dim=1)
    assert (score.samples, score.units) == (7, 40)
    assert score.per_repeat == (literal(matrix),)


def refused(match: str, model: Any, inputs: Any, **options: Any) -> None:
    with pytest.raises(InputError, match=match) as caught:
        swap_score(model, inputs, **options)
    assert "\n" not in str(caught.value)


def test_bad_inputs() -> None:
    model, x = mlp(0, [3, 4]), normal(0, 6, 3)
    refused("hold one sample", model, x[:1])
    refused("empty", model, x[:0])
    refused("there are none", model, ())
    refused("there are none", model, {})
    refused("single number", model, torch.tensor(1.0))
    refused(
        "entry is NaN or infinite",
        model,
        x.clone().index_put_((torch.tensor(0), torch.tensor(0)), torch.tensor(math.nan)),
    )
    refused("18 entries are NaN or infinite", model, torch.full((6, 3), math.inf))
    refused("as torch.float32", model, np.full((6, 3), 1e39))
    refused("agree on the number of samples", seeded(0, Two), (torch.zeros(6, 2, dtype=torch.int64), torch.zeros(5)))
    refused("x / 255", model, torch.zeros(6, 3, dtype=torch.uint8))
    refused("the model does not take torch.int64", model, torch.zeros(6, 3, dtype=torch.int64))
    refused("no axis 3", model, x, batch_dim=3)
    refused("real numbers, got dtype", model, np.array([["a"], ["b"]]))
    refused("real numbers", model, x.to(torch.complex64))
    refused("cannot be made an array", model, [[1.0], [1.0, 2.0]])
    refused("argument names", model, {1: x})


def test_bad_arguments() -> None:
    model, x = mlp(0, [3, 4]), normal(0, 6, 3)
    refused("expected a torch nn.Module", ["not", "a", "model"], x)
    refused("give an instance", nn.ReLU, x)
    refused("mode must be one of", model, x, mode="test")
    refused("init must be one of keep, gaussian, default or a function", model, x, init="he")
    refused("indicator must be one of", model, x, indicator="ternary")
    refused("seed must be a whole number from 0", model, x, seed=-1)
    refused("seed must be a whole number from 0", model, x, seed=1.5)
    refused("seed must be a whole number from 0", model, x, seed=True)
    refused("seed must be a whole number from 0", model, x, seed=2**63)
    zero: Any = np.int64(0)
    assert swap_score(model, x, seed=zero).seed == 0
    refused("batch_dim must be a whole number from 0", model, x, batch_dim=-1)
    refused("repeats must be a positive whole number", model, x, repeats=0)
    refused("draws nothing at random in mode 'auto'", model, x, repeats=2)
    refused("all 2 passes would be the same", model, x, repeats=2, mode="train")
    refused("all 3 passes would be the same", cnn(0, dropout=0.5), normal(0, 6, 3, 8, 8), repeats=3)
    refused("device: 'gpu' cannot be used here", model, x, device="gpu")
    refused("nothing is computed", model, x, device="meta")
    refused("eps must be positive", model, x, eps=0)
    refused("has no shape yet", nn.Sequential(nn.LazyLinear(3), nn.ReLU()), x)
    refused("is on the device meta", nn.Sequential(nn.Linear(3, 3, device="meta"), nn.ReLU()), x)
    if not torch.cuda.is_available():
        refused("device: 'cuda' cannot be used here", model, x, device="cuda")


def test_bad_networks() -> None:
    net = Network.from_arrays([(np.ones((2, 3)), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))])
    x = np.ones((4, 3))
    refused("init must be 'keep'", net, x, init="gaussian")
    refused("leave repeats out", net, x, repeats=2)
    refused("evaluated on the CPU", net, x, device="cuda")
    refused("one array", net, (x,))
    refused(r"\(samples, 3\)", net, np.ones((4, 2)))
    refused("hold one sample", net, x[:1])
    refused("no unit with pieces", Network.from_arrays([(np.ones((1, 3)), np.zeros(1))]), x)
    refused(
        "gives NaN",
        Network.from_arrays(
            [([[1e300] * 3, [-1e300] * 3], [0, 0]), ([[1e300, -1e300]] * 2, [0, 0]), ([[1.0, 1.0]], [0])],
            activation="abs",
        ),
        x * 1e8,
    )
    refused("no such file", "none.npz", x)


def test_what_capture_refuses() -> None:
    x = normal(0, 6, 3)
    refused("activation", nn.Linear(3, 4), x)
    model = mlp(0, [3, 4])
    with torch.no_grad():
        model[0].weight[0, 0] = math.nan
    refused("NaN", model, x)


def test_a_failure_in_forward_is_the_models_own_with_its_layer() -> None:
    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            raise LookupError("no such thing")

    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Fails())
    with pytest.raises(LookupError, match="no such thing") as caught:
        swap_score(model, normal(0, 6, 3))
    assert any("in layer" in note for note in caught.value.__notes__)


def test_memory_that_runs_out_is_told_in_a_sentence() -> None:
    class Full(nn.Module):
        def forward(self, x: Any) -> Any:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    refused("memory is too small for a pass over 6 samples", nn.Sequential(nn.ReLU(), Full()), normal(0, 6, 3))


class SequenceFirst(nn.Module):
    """Takes (samples, tokens) and turns them, as torch's transformers want them by default."""

    def __init__(self, flat=False):
        super().__init__()
        self.embedding, self.linear, self.flat = nn.Embedding(50, 7), nn.Linear(7, 9), flat

    def forward(self, tokens):
        x = self.embedding(tokens).transpose(0, 1)  # (tokens, samples, features)
        return torch.relu(self.linear(x.reshape(-1, 7) if self.flat else x))


@pytest.mark.parametrize("tokens", [8, 16, 5])
def test_a_model_that_turns_its_axes_is_refused_or_counted_right(tokens):
    model, x = SequenceFirst(), torch.randint(50, (8, tokens), generator=torch.Generator().manual_seed(0))
    signs = (model(x) > 0).transpose(0, 1).reshape(8, -1)  # samples first
    wanted = torch.unique(signs, dim=1).shape[1]
    assert swap_score(model, x, batch_dim=(0, 1)).swap == wanted
    if tokens > 8:
        refused("axis 1 has as many entries as there are samples and axis 0 has 2 times as many", model, x)
        assert swap_score(model, x, batch_dim=(0, 0)).warnings  # whoever insists is told how it was read
    elif tokens == 8:
        assert any("have two axes of 8 entries" in w for w in swap_score(model, x).warnings)
        assert not any("two axes" in w for w in swap_score(model, x, batch_dim=(0, 1)).warnings)
    elif tokens < 8:
        refused("whose axis 0 holds no multiple of the 8 samples", model, x)


def test_several_rows_for_a_sample_are_said():
    x = torch.randint(50, (8, 16), generator=torch.Generator().manual_seed(0))
    score = swap_score(SequenceFirst(flat=True), x)
    assert any("several rows for each sample (linear#1" in w or "(model)" in w for w in score.warnings), score.warnings


def test_many_samples_are_compared_without_the_kernel():
    x = torch.randn(1500, 3, generator=torch.Generator().manual_seed(1))
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU())
    score = swap_score(model, x)
    assert score.standard == torch.unique(model(x) > 0, dim=0).shape[0]
    assert score.nwot is None
    assert "NWOT left out beyond 1,024 samples" in str(score)


def test_arguments_left_out_are_passed_on():
    class Optional(nn.Module):
        def forward(self, x, mask=None, scale=1.0):
            return torch.relu(x if mask is None else x * mask)

    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(3))
    assert swap_score(Optional(), (x, None)).swap == swap_score(Optional(), x).swap
    refused("inputs: a batch of samples is needed", Optional(), (None,))
    refused(r"float", nn.Sequential(nn.Linear(5, 4), nn.ReLU()), x > 0)
    refused(r"seed must be a whole number from 0 to 9223372036854775807", Optional(), x, seed=2**70)
