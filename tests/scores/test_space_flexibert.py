"""The FlexiBERT space: its architectures, its modules against literal formulas, and its published table."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from linregions import InputError  # noqa: E402
from linregions.scores.spaces import Space, find_space, read_table  # noqa: E402
from linregions.scores.spaces import flexibert_layers as parts  # noqa: E402
from linregions.scores.spaces.flexibert import MIXINGS, EncoderPlan, FlexiBERT, Layer  # noqa: E402
from linregions.scores.spaces.flexibert_table import TASKS, read  # noqa: E402

DATA = Path(__file__).parents[2] / "../shared/data/nas"
GLUE, PROXIES = DATA / "flexibert500_glue.json", DATA / "flexibert500_proxies.csv"
needs_data = pytest.mark.skipif(not GLUE.is_file(), reason="the published table is not beside the project")

SPACE = FlexiBERT()
plans = st.integers(0, 2**32).map(lambda seed: SPACE.sample(np.random.default_rng(seed)))
seeds = st.integers(0, 2**32).map(np.random.default_rng)


def choices(plan: EncoderPlan) -> list:
    return [plan.hidden, len(plan.layers), *(value for layer in plan.layers for value in layer)]


# Architectures


def test_it_is_a_space():
    assert isinstance(SPACE, Space)
    assert isinstance(find_space("flexibert"), FlexiBERT)
    layers = 6 * 2 * 2 * 2
    assert SPACE.size == 2 * (layers**2 + layers**4) == 10_621_440


@given(plans)
def test_text_and_parse_are_inverse(plan):
    assert SPACE.parse(SPACE.text(plan)) == plan
    assert hash(SPACE.parse(SPACE.text(plan))) == hash(plan)


@given(plans, seeds)
def test_neighbours_differ_in_one_choice(plan, rng):
    neighbours = list(SPACE.neighbours(plan))
    assert len(set(neighbours)) == len(neighbours) == 2 + 8 * len(plan.layers)
    for other in neighbours:
        assert SPACE.parse(SPACE.text(other)) == other
        if len(other.layers) == len(plan.layers):
            assert sum(a != b for a, b in zip(choices(plan), choices(other), strict=True)) == 1
        else:
            assert other.hidden == plan.hidden
            assert other.layers[:2] == plan.layers[:2]
    assert SPACE.mutate(plan, rng) in neighbours


@given(plans, plans, seeds)
def test_a_child_has_nothing_that_its_parents_have_not(a, b, rng):
    child = SPACE.crossover(a, b, rng)
    assert child.hidden in (a.hidden, b.hidden)
    assert len(child.layers) in (len(a.layers), len(b.layers))
    for i, layer in enumerate(child.layers):
        assert layer in [parent.layers[i] for parent in (a, b) if i < len(parent.layers)]
    assert SPACE.parse(SPACE.text(child)) == child
    assert SPACE.crossover(a, a, rng) == a


def test_every_choice_is_drawn_as_often_as_the_others():
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(3000)]
    counts = [Counter(plan.hidden for plan in drawn), Counter(len(plan.layers) for plan in drawn)]
    counts += [Counter(plan.layers[1][field] for plan in drawn) for field in range(4)]
    assert [len(count) for count in counts] == [2, 2, 6, 2, 2, 2]
    for count in counts:
        # Six standard deviations of a binomial number.
        share = 1 / len(count)
        assert all(abs(n - 3000 * share) < 6 * math.sqrt(3000 * share * (1 - share)) for n in count.values())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected"),
        (None, "expected"),
        ("256", "number of layers must be one of 2, 4, got 0"),
        ("64 sa-sdp:2:512x1 sa-sdp:2:512x1", "hidden size must be one of 128, 256, got 64"),
        ("256 sa-sdp:2:512x1", "number of layers must be one of 2, 4, got 1"),
        ("256 sa-sdp:2:512x1 sa-xyz:2:512x1", "mixing of layer 1 must be one of sa-sdp, .*, got 'sa-xyz'"),
        ("256 sa-sdp:3:512x1 sa-sdp:2:512x1", "heads of layer 0 must be one of 2, 4, got 3"),
        ("256 sa-sdp:2:512x1 sa-sdp:2:513x1", "width of layer 1 must be one of 512, 1024, got 513"),
        ("256 sa-sdp:2:512x1 sa-sdp:2:512x2", "stack of layer 1 must be one of 1, 3, got 2"),
        ("256 sa-sdp:2:512 sa-sdp:2:512x1", "must be written mixing:heads:widthxsub-layers"),
        ("256 sa-sdp:2:512x1:7 sa-sdp:2:512x1", "must be written mixing:heads:widthxsub-layers"),
        ("²56 sa-sdp:2:512x1 sa-sdp:2:512x1", "hidden size must be one of"),
        ("256 sa-sdp:2:" + "9" * 5000 + "x1 sa-sdp:2:512x1", "width of layer 0 must be one of"),
    ],
)
def test_texts_that_are_refused(text, sentence):
    with pytest.raises(InputError, match=sentence):
        SPACE.parse(text)


# Networks


def small(plan: EncoderPlan, **options):
    return SPACE.build(plan, vocabulary=50, positions=16, **options)


def units(model, tokens) -> list[int]:
    """Units of every GELU call, per sample."""
    seen = []
    hooks = [
        m.register_forward_hook(lambda m, i, o: seen.append(o[0].numel()))
        for m in model.modules()
        if isinstance(m, torch.nn.GELU)
    ]
    with torch.no_grad():
        out = model(tokens)
    for hook in hooks:
        hook.remove()
    assert out.shape[:2] == tokens.shape
    assert bool(out.isfinite().all())
    return seen


@pytest.mark.parametrize(
    "text",
    [
        "128 sa-sdp:2:512x1 dsc-9:4:1024x3",
        "256 lt-dct:4:1024x1 sa-wma:2:512x1",
        "128 dsc-5:2:512x3 lt-dft:2:512x1 sa-wma:4:1024x1 sa-sdp:4:512x1",
    ],
)
def test_hidden_size_and_widths_are_really_used(text):
    plan = SPACE.parse(text)
    tokens = torch.randint(50, (3, 11), generator=torch.Generator().manual_seed(0))
    model = small(plan)
    assert units(model, tokens) == [11 * layer.width for layer in plan.layers for _ in range(layer.stack)]
    assert sum(units(model, tokens)) == 11 * SPACE.controls(plan)["feed_forward_units"]
    assert model(tokens).shape[2] == plan.hidden
    published = small(plan, as_published=True)
    assert units(published, tokens) == [11 * 1024] * SPACE.controls(plan)["sublayers"]
    assert published(tokens).shape[2] == 256


def test_weights_come_from_the_seed_alone():
    plan = SPACE.sample(np.random.default_rng(1))
    before = torch.get_rng_state()
    first, again, other = small(plan, seed=1), small(plan, seed=1), small(plan, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    for (name, a), b, c in zip(first.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b), name
        if "norm" in name:
            assert bool((a == (0 if name.endswith("bias") else 1)).all()), name
        elif name.endswith("bias"):
            assert not a.any(), name
        else:
            assert not torch.equal(a, c), name
            assert abs(float(a.detach().std()) / 0.02 - 1) < 6 / math.sqrt(a.numel()), name


def test_arguments_that_are_refused():
    plan = SPACE.parse("128 sa-sdp:2:512x1 sa-sdp:2:512x1")
    with pytest.raises(InputError, match="vocabulary must be a positive whole number, got 0"):
        SPACE.build(plan, vocabulary=0)
    with pytest.raises(InputError, match="seed"):
        small(plan, seed=-1)
    with pytest.raises(InputError, match="hidden size must be one of 128, 256, got 100"):
        small(plan._replace(hidden=100))
    with pytest.raises(InputError, match="mixing of layer 0 must be one of"):
        small(EncoderPlan(128, (Layer("x", 2, 512, 1),) * 2))


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (torch.zeros(2, 17, dtype=torch.int64), "at most 16 positions, got 17"),
        (torch.zeros(2, 3), r"whole numbers of shape .* got torch.float32 of shape \(2, 3\)"),
        (torch.zeros(3, dtype=torch.int64), "whole numbers of shape"),
        (torch.full((2, 3), 50), "from 0 to 49"),
        (torch.full((2, 3), -1), "from 0 to 49"),
    ],
)
def test_tokens_that_are_refused(tokens, sentence):
    with pytest.raises(InputError, match=sentence):
        small(SPACE.parse("128 sa-sdp:2:512x1 sa-sdp:2:512x1"))(tokens)


def test_the_probe_is_what_the_network_takes():
    tokens = SPACE.probe(3, seed=0)
    assert tokens.shape == (3, 32)
    plan = SPACE.parse("128 lt-dct:2:512x1 dsc-9:2:512x1")
    assert units(SPACE.build(plan), tokens) == [32 * 512] * 2


# Modules against literal formulas


def arrays(module) -> dict[str, np.ndarray]:
    return {name: value.detach().double().numpy() for name, value in module.named_parameters()}


def redrawn(module):
    """Weights of size 1/3: with those of 0.02, softmax would be flat and nothing would be seen.  Biases too."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 1 / 3, generator=generator)
    return module.double()


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def attention_of_one(x, w, heads):
    """x (T, H) to (T, channels), head by head and token by token."""
    q, k, v = (x @ w[f"{name}.weight"].T + w[f"{name}.bias"] for name in ("query", "key", "value"))
    if "weight.weight" in w:
        q = q @ w["weight.weight"].T
    out = np.empty_like(v)
    size = v.shape[1] // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for t in range(len(x)):
            scores = np.array([q[t, part] @ k[s, part] for s in range(len(x))]) / math.sqrt(size)
            out[t, part] = softmax(scores) @ v[:, part]
    return out


X = np.random.default_rng(7).normal(size=(2, 6, 8))


@pytest.mark.parametrize("heads", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_attention(heads, weighted):
    module = redrawn(parts.Attention(8, heads, weighted=weighted))
    want = np.stack([attention_of_one(x, arrays(module), heads) for x in X])
    np.testing.assert_allclose(module(torch.from_numpy(X)).detach().numpy(), want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("heads", [2, 4])
@pytest.mark.parametrize("width", [5, 9])
def test_span_convolution(heads, width):
    module = redrawn(parts.SpanConvolution(8, heads, width))
    w = arrays(module)
    reach, size = width // 2, 8 // heads
    inner = {name.removeprefix("attention."): value for name, value in w.items()}
    for x, got in zip(X, module(torch.from_numpy(X)).detach().numpy(), strict=True):
        query = x @ inner["query.weight"].T + inner["query.bias"]
        local = x @ w["convolved.weight"].T + w["convolved.bias"]
        want = np.empty((6, 4))
        for t in range(6):
            near = [(j, t + j - reach) for j in range(width) if 0 <= t + j - reach < 6]
            span = sum(w["span.weight"][:, 0, j] * x[s] for j, s in near)
            span = w["span_mix.weight"][:, :, 0] @ span + w["span_mix.bias"]
            raw = w["kernel.weight"] @ (span * query[t]) + w["kernel.bias"]
            for head in range(heads // 2):
                kernel = softmax(raw[head * width : (head + 1) * width])
                part = slice(head * size, (head + 1) * size)
                want[t, part] = sum(kernel[j] * local[s, part] for j, s in near)
        np.testing.assert_allclose(got[:, :4], attention_of_one(x, inner, heads // 2), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(got[:, 4:], want, rtol=1e-10, atol=1e-12)


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_linear_transforms(tokens, channels, orthonormal):
    x = np.random.default_rng(tokens).normal(size=(2, tokens, channels))
    t, h = np.arange(tokens), np.arange(channels)
    angle = (np.outer(t, t) / tokens)[:, None, :, None] + (np.outer(h, h) / channels)[None, :, None, :]
    fourier = np.einsum("abcd,scd->sab", np.cos(2 * np.pi * angle), x)
    one, two = (2 * np.cos(np.pi * np.outer(n, 2 * n + 1) / (2 * len(n))) for n in (t, h))
    cosine = np.einsum("ac,bd,scd->sab", one, two, x)
    if orthonormal:
        fourier /= math.sqrt(tokens * channels)
        cosine /= math.sqrt(4 * tokens * channels)
        cosine[:, 0, :] /= math.sqrt(2)
        cosine[:, :, 0] /= math.sqrt(2)
        np.testing.assert_allclose((cosine**2).sum(), (x**2).sum(), rtol=1e-9)
    for kind, want in [("DFT", fourier), ("DCT", cosine)]:
        got = parts.LinearTransform(kind, orthonormal=orthonormal)(torch.from_numpy(x))
        np.testing.assert_allclose(got.numpy(), want, atol=1e-9)


def test_cosines_of_many_points_are_orthonormal():
    matrix = parts.cosines(512, orthonormal=True, like=torch.empty(0, dtype=torch.float64))
    assert float((matrix @ matrix.T - torch.eye(512, dtype=torch.float64)).abs().max()) < 1e-13


# The published table


@cache
def table():
    return read_table("flexibert", GLUE)


@needs_data
def test_the_table_is_read_whole():
    assert len(table()) == 500
    assert len(set(table().architectures)) == 491
    assert {*TASKS, "id", "number_of_parameters", "head_confidence"} <= set(table().columns)
    assert len(table().columns) == 1 + 8 + 15
    assert table().source == "flexibert500_glue.json and flexibert500_proxies.csv"
    entry = json.loads(GLUE.read_text())[17]
    layers = entry["hparams"]["model_hparam_overrides"]["nas_config"]["encoder_layers"]
    for layer, raw in zip(table().architectures[17].layers, layers, strict=True):
        kind, parameter, *rest = raw.values()
        assert layer == (f"{kind}-{parameter}".lower(), *rest)
    assert table().accuracy[17] == pytest.approx(entry["scores"]["glue"])


@needs_data
@pytest.mark.parametrize(
    ("control", "spearman"),
    # The figures that the score's specification gives for all 500 models.
    [("layers", 0.834), ("feed_forward_widths", 0.734), ("sublayers", 0.718), ("hidden", 0.417)],
)
def test_controls_order_the_models_as_specified(control, spearman):
    from scipy.stats import spearmanr

    values = [SPACE.controls(plan)[control] for plan in table().architectures]
    assert round(spearmanr(values, table().accuracy)[0], 3) == spearman


@needs_data
@pytest.mark.parametrize(
    ("column", "spearman"),
    [
        ("number_of_parameters", 0.652),
        ("head_confidence", 0.716),
        ("activation_distance", 0.331),
        ("synaptic_saliency", 0.281),
        ("head_softmax_confidence", 0.326),
        ("synaptic_diversity", 0.241),
        ("jacobian_score", -0.067),
    ],
)
def test_published_scores_order_the_models_as_specified(column, spearman):
    from scipy.stats import spearmanr

    assert abs(spearmanr(table().columns[column], table().accuracy)[0] - spearman) < 6e-4


@cache
def layer_size(mixing: str, heads: int, stack: int) -> int:
    plan = EncoderPlan(256, (Layer(mixing, heads, 512, stack),) * 2)
    whole = small(plan, as_published=True).named_parameters()
    return sum(p.numel() for name, p in whole if name.startswith("layers.0."))


@needs_data
def test_every_published_number_of_parameters_is_the_network_s():
    embeddings = parts.Embeddings(256, vocabulary=30_522, positions=512, size=128)
    rest = sum(p.numel() for p in embeddings.parameters())
    got = [
        rest + sum(layer_size(layer.mixing, layer.heads, layer.stack) for layer in plan.layers)
        for plan in table().architectures
    ]
    assert len(MIXINGS) * 4 == layer_size.cache_info().currsize
    assert got == table().columns["number_of_parameters"].astype(int).tolist()
    whole = SPACE.build(table().architectures[3], as_published=True)
    assert sum(p.numel() for p in whole.parameters()) == got[3]


def entry() -> dict:
    layer = {
        "operation_type": "DSC",
        "operation_parameter": 5,
        "num_operation_heads": 4,
        "feed_forward_dimension": 512,
        "num_feed_forward": 3,
    }
    return {
        "id": 7,
        "scores": dict.fromkeys(TASKS, 50.0) | {"glue": 50.0},
        "hparams": {"model_hparam_overrides": {"hidden_size": 128, "nas_config": {"encoder_layers": [layer] * 2}}},
    }


def test_a_small_table_without_proxies(tmp_path):
    (tmp_path / "x_glue.json").write_text(json.dumps([entry()]))
    got = read(tmp_path / "x_glue.json")
    assert got.architectures == (SPACE.parse("128 dsc-5:4:512x3 dsc-5:4:512x3"),)
    assert got.accuracy.tolist() == [50.0]
    assert got.source == "x_glue.json"


def spoiled(change) -> str:
    raw = entry()
    change(raw, raw["hparams"]["model_hparam_overrides"])
    return json.dumps([entry(), raw])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", r"x\.json: cannot be read as JSON"),
        ("[" * 100_000, r"x\.json: cannot be read as JSON"),
        ("{}", r"x\.json: must hold a list of models, holds a dict"),
        ("[]", "holds no architecture"),
        ("[1]", r"x\.json: entry 0: hparams must be of type dict, got None"),
        (spoiled(lambda e, h: h.update(hidden_size=100)), "entry 1: hidden size must be one of 128, 256, got 100"),
        (spoiled(lambda e, h: h.update(hidden_size=True)), "entry 1: hidden_size must be of type int, got True"),
        (spoiled(lambda e, h: h["nas_config"].update(encoder_layers=[])), "entry 1: number of layers"),
        (
            spoiled(lambda e, h: h["nas_config"]["encoder_layers"][0].update(operation_parameter="os.remove('x')")),
            "entry 1: operation 'DSC' with parameter .* is not known",
        ),
        (
            spoiled(lambda e, h: h["nas_config"]["encoder_layers"][0].update(num_operation_heads=[4])),
            r"entry 1: num_operation_heads must be of type int or str, got \[4\]",
        ),
        (spoiled(lambda e, h: e["scores"].update(cola="50")), "entry 1: cola must be of type int or float"),
        (spoiled(lambda e, h: e["scores"].update(cola=51)), "entry 1: glue is 50.0000, but the mean .* is 50.1250"),
        (spoiled(lambda e, h: e["scores"].update(cola=math.nan)), "entry 1: glue is"),
        (spoiled(lambda e, h: e.pop("id")), "entry 1: id must be of type int, got None"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, sentence):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "x.json")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no\.json"):
        read(tmp_path / "no.json")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "cannot be read"),
        ([["ID", "GLUE"], [7, 50]], "must have the columns ID, GLUE Score"),
        ([["ID", "GLUE Score", "X"], [7, 50]], "must have the columns"),
        ([["ID", "GLUE Score", "X"], [7, 50, "a"]], "cannot be read as numbers"),
        ([["ID", "GLUE Score", "X"], [8, 50, 1]], "has no row for model 7"),
        ([["ID", "GLUE Score", "X"], [7, 51, 1]], "model 7 has another GLUE score"),
    ],
)
def test_proxies_that_are_refused(tmp_path, rows, sentence):
    (tmp_path / "x_glue.json").write_text(json.dumps([entry()]))
    with (tmp_path / "x_proxies.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(InputError, match=rf"x_proxies\.csv: .*{sentence}"):
        read(tmp_path / "x_glue.json")


def test_proxies_are_joined_by_their_number(tmp_path):
    first, second = entry(), entry() | {"id": 3}
    (tmp_path / "x.json").write_text(json.dumps([first, second]))
    (tmp_path / "p.csv").write_text("ID,GLUE Score,Head Confidence\n3,50,1.5\n7,50.0,2.5\n")
    got = read(tmp_path / "x.json", proxies=tmp_path / "p.csv")
    assert got.columns["head_confidence"].tolist() == [2.5, 1.5]
