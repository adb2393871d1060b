"""The digits space: its members, its networks, and training them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.partition import Status

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from linregions.scores.spaces import digits_training  # noqa: E402 - after the checks for torch and scikit-learn
from linregions.scores.spaces.digits import (  # noqa: E402
    ACTIVATIONS,
    DEPTHS,
    EDGES,
    OPERATIONS,
    WIDTHS,
    Digits,
    DigitsNet,
)
from linregions.scores.spaces.digits_training import Accuracies, accuracies, images_and_labels, train  # noqa: E402

SPACE = Digits()
members = st.integers(0, 2**32).map(lambda seed: SPACE.sample(np.random.default_rng(seed)))
WAYS = (((0, 3),), ((0, 1), (1, 3)), ((0, 2), (2, 3)), ((0, 1), (1, 2), (2, 3)))


def joined(cell: tuple[str, ...]) -> bool:
    """By the list of all ways through four nodes."""
    kept = {edge for edge, operation in zip(EDGES, cell, strict=True) if operation != "none"}
    return any(kept.issuperset(way) for way in WAYS)


def test_size():
    cells = sum(joined(cell) for cell in product(OPERATIONS, repeat=6))
    assert SPACE.size == cells * len(WIDTHS) * len(DEPTHS) * len(ACTIVATIONS) == 550_224


@given(members)
def test_members_and_their_texts(net):
    assert joined(net.cell)
    assert SPACE.parse(SPACE.text(net)) == net
    assert hash(SPACE.parse(f" {net}\n")) == hash(net)


@settings(max_examples=25)
@given(members)
def test_neighbours_differ_in_one_choice_and_are_all(net):
    near = list(SPACE.neighbours(net))
    choices = (*(OPERATIONS,) * 6, WIDTHS, DEPTHS, ACTIVATIONS)
    flat = (*net.cell, *net[1:])
    expected = set()
    for place, options in enumerate(choices):
        for option in options:
            changed = (*flat[:place], option, *flat[place + 1 :])
            if changed != flat and joined(changed[:6]):
                expected.add(changed)
    assert len(near) == len(expected)
    assert {(*n.cell, *n[1:]) for n in near} == expected
    assert all(net in set(SPACE.neighbours(n)) for n in near[::7])


@given(members, members, st.integers(0, 2**32))
def test_children_have_their_parents_choices(first, second, seed):
    child = SPACE.crossover(first, second, np.random.default_rng(seed))
    assert joined(child.cell)
    for ours, a, b in zip(
        (*child.cell, *child[1:]), (*first.cell, *first[1:]), (*second.cell, *second[1:]), strict=True
    ):
        assert ours in (a, b)
    assert SPACE.mutate(first, np.random.default_rng(seed)) in set(SPACE.neighbours(first))
    assert SPACE.crossover(first, first, np.random.default_rng(seed)) == first


def test_samples_are_spread_evenly():
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(3000)]
    for field, options in (("width", WIDTHS), ("depth", DEPTHS), ("activation", ACTIVATIONS)):
        counts = Counter(getattr(net, field) for net in drawn)
        assert set(counts) == set(options)
        expected = 3000 / len(options)
        assert all(abs(c - expected) < 5 * expected**0.5 for c in counts.values())


@settings(max_examples=25)
@given(members)
def test_networks(net):
    state = torch.get_rng_state()
    model = SPACE.build(net, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    again = SPACE.build(net, seed=1).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in model.state_dict().items())
    w, kinds = net.width, Counter(net.cell)
    of_cell = kinds["conv3x3"] * (9 * w * w + 2 * w) + kinds["conv1x1"] * (w * w + 2 * w)
    assert sum(p.numel() for p in model.parameters()) == 9 * w + 2 * w + net.depth * of_cell + 2 * w + 10 * w + 10
    images = SPACE.probe(6)
    outputs = model(images)
    assert outputs.shape == (6, 10)
    assert not torch.equal(outputs[0], outputs[1]), "the output does not depend on the input"
    assert SPACE.controls(net)["convolutions"] == net.depth * (kinds["conv3x3"] + kinds["conv1x1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("skip", "cannot read 'skip'"),
        ("skip|skip width 4 depth 1 relu", "write six operations"),
        (
            "none|skip|skip|skip|none|conv5x5 width 4 depth 1 relu",
            "operation 'conv5x5' is not in this space; use one of",
        ),
        ("none|skip|skip|skip|none|skip width 5 depth 1 relu", "width 5 is not in this space; use one of 4, 8, 16"),
        ("none|skip|skip|skip|none|skip width 4 depth 9 relu", "depth 9 is not in this space"),
        ("none|skip|skip|skip|none|skip width 4 depth 1 tanh", "activation 'tanh' is not in this space"),
        ("skip|none|none|none|none|conv3x3 width 4 depth 1 relu", "no way leads through the cell"),
    ],
)
def test_texts_that_are_no_members(text, message):
    with pytest.raises(InputError, match=message):
        SPACE.parse(text)


def test_what_is_no_architecture():
    with pytest.raises(InputError, match="architecture must be a DigitsNet, got 'net'"):
        SPACE.build("net")
    with pytest.raises(InputError, match="cell must be a tuple of 6 names"):
        SPACE.text(DigitsNet(("skip",), 4, 1, "relu"))
    with pytest.raises(InputError, match="samples must be a whole number from 1 to 1797"):
        SPACE.probe(1798)


def test_probe():
    images, labels = images_and_labels()
    assert images.shape == (1797, 1, 8, 8)
    assert (images.mean().abs() < 1e-5, (images.std() - 1).abs() < 1e-3) == (True, True)
    assert torch.equal(SPACE.probe(5), images[:5])
    drawn = SPACE.probe(5, seed=3)
    assert torch.equal(drawn, SPACE.probe(5, seed=3))
    assert not torch.equal(drawn, SPACE.probe(5, seed=4))
    assert set(labels[:300].tolist()) == set(range(10))


SMALL = SPACE.parse("none|none|none|skip|none|none width 4 depth 1 relu")
GOOD = SPACE.parse("conv3x3|skip|none|none|conv3x3|none width 16 depth 1 gelu")


def test_training_is_repeatable_and_leaves_no_trace():
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    threads = torch.get_num_threads()
    with torch.no_grad():
        first = train(SMALL, seed=0, epochs=1)
    assert first == train(SMALL, seed=0, epochs=1)
    assert len({first, *(train(SMALL, seed=seed, epochs=1) for seed in (1, 2))}) > 1
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert torch.get_num_threads() == threads


def test_networks_learn():
    accuracy = train(GOOD, seed=0)
    assert 85 < accuracy < 100
    # A whole number of the 1,497 images that were held out is right.
    assert accuracy * 1497 / 100 == pytest.approx(round(accuracy * 1497 / 100), abs=1e-6)
    assert 10 < train(SMALL, seed=0) < accuracy


def test_labels_of_the_held_out_images_are_not_seen(monkeypatch):
    images, labels = images_and_labels()
    wrong = labels.clone()
    wrong[300:] = (labels[300:] + 1) % 10
    right = train(SMALL, seed=0, epochs=1)
    monkeypatch.setattr(digits_training, "images_and_labels", lambda: (images, wrong))
    predictions_match = train(SMALL, seed=0, epochs=1)
    assert predictions_match + right <= 100 + 1e-9  # the same predictions cannot meet both labels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be a positive whole number, got 0"),
        ({"images": 1797}, "images must be a whole number from 1 to 1796, got 1797"),
        ({"images": 49}, "images must be at least 50, one batch, got 49"),
        ({"seed": -1}, "seed must be a whole number from 0"),
    ],
)
def test_mistakes_in_training(arguments, message):
    with pytest.raises(InputError, match=message):
        train(SMALL, **arguments)


def fake(architecture: DigitsNet, *, seed: int, epochs: int, images: int) -> float:
    return 50 + len(str(architecture)) % 17 + seed / 7


def test_many_accuracies(monkeypatch, tmp_path):
    monkeypatch.setattr(digits_training, "train", fake)
    nets = [SPACE.sample(np.random.default_rng(seed)) for seed in range(12)]
    told: list[tuple[float, int]] = []
    found = accuracies(SPACE, nets, (0, 1, 5), progress=lambda *facts: told.append(facts))
    assert found.values.tolist() == [[fake(n, seed=s, epochs=1, images=1) for s in (0, 1, 5)] for n in nets]
    assert told == [(k / 36, k) for k in range(1, 37)]
    assert found.status is Status.COMPLETE
    assert found.spread == pytest.approx(np.std(found.values.mean(axis=1), ddof=1))
    assert found.noise == pytest.approx(np.std([0, 1 / 7, 5 / 7], ddof=1))
    assert found.noise_ceiling == pytest.approx(1.0)
    file = tmp_path / "digits.csv"
    file.write_text(found.to_csv())
    table = SPACE.read_table(file)
    assert table.architectures == found.table().architectures == tuple(nets)
    assert (table.accuracy == found.mean).all()
    assert table.columns["sd"] == pytest.approx(found.table().columns["sd"])
    assert "12 architectures of digits, 3 seeds each" in str(found)


@settings(max_examples=25)
@given(st.integers(3, 12), st.integers(2, 4), st.integers(0, 2**32))
def test_the_noise_ceiling_is_the_mean_spearman_of_pairs(nets, seeds, seed):
    from scipy.stats import spearmanr

    rng = np.random.default_rng(seed)
    values = rng.permuted(np.tile(np.arange(float(nets)), (seeds, 1)), axis=1).T
    found = Accuracies((SMALL,) * nets, tuple(range(seeds)), values, 1, 300, Status.COMPLETE, 0.0)
    pairs = [spearmanr(values[:, i], values[:, j])[0] for i in range(seeds) for j in range(i)]
    assert found.noise_ceiling == pytest.approx(np.mean(pairs))


def test_ctrl_c_keeps_the_accuracies_that_are_there(monkeypatch):
    def cut(architecture: DigitsNet, *, seed: int, epochs: int, images: int) -> float:
        if (architecture, seed) == (nets[2], 1):
            raise KeyboardInterrupt
        return fake(architecture, seed=seed, epochs=epochs, images=images)

    nets = [SPACE.sample(np.random.default_rng(seed)) for seed in range(4)]
    monkeypatch.setattr(digits_training, "train", cut)
    found = accuracies(SPACE, nets, (0, 1))
    assert found.status is Status.INTERRUPTED
    assert found.done.tolist() == [True, True, False, False]
    assert found.table().architectures == tuple(nets[:2])
    assert found.as_dict()["values"][2][1] is None
    assert "interrupted: 2 not done" in str(found)
    with pytest.raises(InputError, match="architectures: at least one is needed"):
        accuracies(SPACE, [])
    with pytest.raises(InputError, match="architecture must be a DigitsNet"):
        accuracies(SPACE, ["net"])
    assert replace(found, status=Status.COMPLETE).status is Status.COMPLETE


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,1,50.0,50.0", "line 2: architecture: cannot read 'x'"),
        (f"{SMALL},2,50.0,50.0", "line 2: seeds is '2', but test_accs holds 1 accuracy"),
        (f"{SMALL},1,51.0,50.0", "line 2: mean_test_acc is 51.0, but test_accs have mean 50.0000"),
        (f"{SMALL},1,500,500", "line 2: accuracy must be a number from 0 to 100, got '500'"),
        (f"{SMALL},1", "line 2: a row has 4 fields, got 2"),
    ],
)
def test_tables_that_are_none(tmp_path, line, message):
    file = tmp_path / "t.csv"
    file.write_text(f"architecture,seeds,mean_test_acc,test_accs\n{line}\n")
    with pytest.raises(InputError, match=message):
        SPACE.read_table(file)
    file.write_text("a,b\n")
    with pytest.raises(InputError, match="the header must be architecture,seeds"):
        SPACE.read_table(file)


@pytest.mark.slow
def test_architectures_differ_more_than_seeds():
    rng = np.random.default_rng(11)
    found = accuracies(SPACE, [SPACE.sample(rng) for _ in range(16)], (0, 1))
    assert found.noise_ceiling > 0.7
    assert found.spread > 2 * found.noise
