from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from model_state import left_alone  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.scores.measures.flow import synflow  # noqa: E402
from linregions.scores.measures.gradients import grad_norm, jacobian_covariance, snip  # noqa: E402
from linregions.scores.measures.loading import load  # noqa: E402
from linregions.scores.measures.measure import UndefinedMeasureError  # noqa: E402
from linregions.scores.measures.sizes import depth, flops, parameters, units  # noqa: E402
from linregions.scores.measures.suite import MEASURES, find_measures, swap  # noqa: E402
from linregions.scores.scoring.score import swap_score  # noqa: E402


def conv_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(27, 3),
    )


def batches(count=3, samples=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.rand(samples, 2, 5, 5, generator=generator), torch.randint(3, (samples,), generator=generator))
        for _ in range(count)
    ]


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.mix, self.head = nn.Embedding(11, 4), nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, ids, mask):
        x = F.gelu(self.mix(self.embed(ids))) * mask[..., None]
        return self.head(x.mean(1))


# ---- swap


def test_swap_of_the_hand_example():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU())
    nn.init.eye_(net[0].weight)
    # Rows 0101, 0110, 1101: columns 001, 111, 010, 101.
    signs = torch.tensor([[0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
    assert swap(net, 2.0 * signs - 1) == 4


def test_swap_counts_columns_of_the_sign_matrix():
    net, (x, y) = conv_net(), batches(1, 16)[0]
    with torch.no_grad():
        signs = net[2](nn.functional.batch_norm(net[0](x), None, None, training=True)).flatten(1) > 0
    assert swap(net, x, y, F.cross_entropy, 1) == torch.unique(signs, dim=1).shape[1]
    assert swap(net, inputs=x, targets=y, split_data=1, loss_fn=F.cross_entropy) == swap_score(net, x).value


def test_swap_does_not_split():
    net, x = conv_net(), batches(1)[0][0]
    with pytest.raises(InputError, match="split_data must be 1 for swap, got 2: a pattern spans the whole batch"):
        swap(net, x, split_data=2)
    with pytest.raises(InputError, match="split_data must be a positive whole number, got 0"):
        swap(net, x, split_data=0)


# ---- find_measures


def alone(net, x, y, **options):
    score = swap_score(net, x, **options)
    return {
        "swap": score.value,
        "standard": score.standard,
        "nwot": score.nwot,
        "units": units(net, x),
        "params": parameters(net),
        "flops": flops(net, x),
        "depth": depth(net, x),
        "synflow": float(synflow(net, x)),
        "jacob_cov": float(jacobian_covariance(net, x, **options)),
        "grad_norm": float(grad_norm(net, x, targets=y, **options)),
        "snip": float(snip(net, x, targets=y, **options)),
    }


def test_every_measure_is_what_its_function_gives():
    net, loader = conv_net(), batches()
    x, y = (torch.cat(parts) for parts in zip(*loader[:2], strict=True))
    found = find_measures(net, loader, ("random", 2, 3), None, F.cross_entropy)
    assert list(found) == list(MEASURES)
    assert found == alone(net, x, y)
    assert all(type(value) is float for value in found.values())
    for name in MEASURES:
        assert find_measures(net, loader, ("random", 2, 3), "cpu", F.cross_entropy, [name]) == {name: found[name]}


def test_mode_and_seed_reach_every_measure():
    net, loader = conv_net(), batches()
    x, y = loader[0]
    modes = ("auto", "eval", "train")
    found = {mode: find_measures(net, loader, ("random", 1, 3), mode=mode, seed=3) for mode in modes}
    for mode in modes:
        assert found[mode] == alone(net, x, y, mode=mode, seed=3)
    for name in ("nwot", "jacob_cov", "grad_norm", "snip"):
        assert len({found[mode][name] for mode in modes[:2]}) == 2
    for name in ("jacob_cov", "grad_norm", "snip"):  # what comes after dropout
        assert len({found[mode][name] for mode in modes}) == 3


def test_the_order_is_the_callers():
    names = ["snip", "params", "swap", "depth", "params"]
    found = find_measures(conv_net(), batches(), ("random", 1, 3), measure_names=names)
    assert list(found) == ["snip", "params", "swap", "depth"]


def test_the_model_is_left_alone_and_the_random_state_plays_no_part():
    net, loader = conv_net(), batches()
    found = []
    for _ in range(2):
        torch.rand(3)
        with left_alone(net):
            found.append(find_measures(net, loader, ("random", 1, 3), mode="train", seed=5))
    assert found[0] == found[1]
    assert found[0]["grad_norm"] != find_measures(net, loader, ("random", 1, 3), mode="train", seed=6)["grad_norm"]


def test_the_table_says_what_is_needed():
    assert {info.direction for info in MEASURES.values()} == {"higher is better", "a size: more is larger"}
    assert [name for name, info in MEASURES.items() if "targets" in info.needs] == ["grad_norm", "snip"]
    assert MEASURES["params"].needs == ()
    with pytest.raises(TypeError):
        MEASURES["mine"] = MEASURES["swap"]


def test_unknown_names():
    for names, message in (
        (["swap", "fisher", "zen"], "measure_names: 'fisher', 'zen' are unknown; choose from swap, standard"),
        (["Swap"], "measure_names: 'Swap' is unknown"),
        ([], "measure_names: there are none"),
    ):
        with pytest.raises(InputError, match=message):
            find_measures(conv_net(), batches(), ("random", 1, 3), measure_names=names)


def test_undefined_measures():
    line = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    nn.init.zeros_(line[2].weight)  # the output does not depend on the input
    loader = [(torch.rand(6, 4), torch.arange(6) % 2)]
    options = {"dataload_info": ("random", 1, 2), "measure_names": ["params", "jacob_cov", "snip"]}
    with pytest.raises(UndefinedMeasureError, match="Jacobian of sample 0 is constant"):
        find_measures(line, loader, **options)
    found = find_measures(line, loader, **options, undefined="nan")
    assert math.isnan(found.pop("jacob_cov"))
    assert found == find_measures(line, loader, ("random", 1, 2), measure_names=["params", "snip"])
    with pytest.raises(InputError, match="undefined must be raise or nan, got 'skip'"):
        find_measures(line, loader, **options, undefined="skip")


def test_other_errors_are_raised_all_the_same():
    with pytest.raises(InputError, match="loss_fn must return one number"):
        find_measures(
            conv_net(), batches(), ("random", 1, 3), None, lambda y, t: y, measure_names=["snip"], undefined="nan"
        )
    with pytest.raises(RuntimeError, match="channels"):
        find_measures(conv_net(), [(torch.rand(2, 5, 5, 5), torch.zeros(2))], ("random", 1, 3), undefined="nan")


def test_outputs_are_picked():
    class Pair(nn.Sequential):
        def forward(self, x):
            return "features", super().forward(x)

    found = find_measures(Pair(*conv_net()), batches(), ("random", 1, 3), output=lambda y: y[1])
    assert found == find_measures(conv_net(), batches(), ("random", 1, 3))


def test_token_models():
    loader = [
        ({"ids": torch.randint(11, (4, 5)), "mask": torch.ones(4, 5)}, torch.tensor([0, 1, 1, 0])) for _ in range(2)
    ]
    torch.manual_seed(0)
    net = Tokens()
    found = find_measures(net, loader, ("random", 2, 2), measure_names=["params", "depth", "units", "snip"])
    assert found["params"] == 44 + 30 + 14
    assert (found["depth"], found["units"]) == (2, 5 * 6)
    ids = [({"ids": x["ids"], "mask": x["mask"].long()}, y) for x, y in loader]
    assert set(MEASURES) - set(find_measures(net, ids, ("random", 2, 2))) == {"synflow", "jacob_cov"}
    with pytest.raises(InputError, match="synflow: inputs are whole numbers"):
        find_measures(net, ids, ("random", 2, 2), measure_names=["synflow"])


# ---- loaders


def test_random_takes_the_first_batches():
    loader = batches(4)
    x, y = load(iter(loader), ("random", 3, None))
    assert torch.equal(x, torch.cat([x for x, _ in loader[:3]]))
    assert torch.equal(y, torch.cat([y for _, y in loader[:3]]))


def test_grasp_takes_samples_of_every_class():
    labels = [[2, 0, 0, 0], [1, 2, 2, 0], [1, 1, 0, 2]]
    loader = [(torch.tensor([[10.0 * b + s] for s in range(4)]), torch.tensor(y)) for b, y in enumerate(labels)]
    x, y = load(loader, ("grasp", 2, 3))
    assert y.tolist() == [0, 0, 1, 1, 2, 2]
    assert x.flatten().tolist() == [1, 2, 10, 20, 0, 11]


def test_loaders_are_read_no_further_than_needed():
    def endless():
        for k in range(100):
            seen.append(k)
            yield torch.full((3, 1), float(k)), torch.arange(3)

    for info in (("random", 2, 3), ("grasp", 2, 3)):
        seen: list[int] = []
        load(endless(), info)
        assert seen == [0, 1]


def test_several_inputs_are_joined():
    pairs = [((torch.zeros(2, 1), torch.ones(2, 3)), torch.arange(2)), ([torch.zeros(1, 1), torch.ones(1, 3)], [0])]
    (a, b), y = load(pairs, ("random", 2, 2))
    assert (a.shape, b.shape, y.tolist()) == ((3, 1), (3, 3), [0, 1, 0])
    (a, b), _ = load(pairs, ("grasp", 1, 2))
    assert (a.shape, b.shape) == ((2, 1), (2, 3))


@pytest.mark.parametrize(
    ("loader", "info", "message"),
    [
        (batches(2), ("random", 3, 3), "it ended after 2 batches and 3 were asked for; ask for fewer, or pass"),
        (iter([]), ("random", 1, 3), "it ended after 0 batches and 1"),
        ([(torch.zeros(3, 1), torch.tensor([0, 0, 2]))], ("grasp", 2, 3), "it ended with 0 of 2 samples of class 1"),
        ([(torch.zeros(1, 1), torch.tensor([4]))], ("grasp", 2, 3), "label 4 is none of the 3 classes"),
        ([(torch.zeros(1, 1), torch.tensor([0.5]))], ("grasp", 2, 3), "one whole-number label a sample"),
        ([torch.zeros(2, 1)], ("random", 1, 3), "batch 0 must be a pair"),
        (torch.zeros(2, 1), ("random", 1, 3), "dataloader must be an iterable of pairs"),
        (None, ("random", 1, 3), "dataloader must be an iterable of pairs"),
        (batches(2), ("some", 1, 3), "dataload_info must be"),
        (batches(2), "random", "dataload_info must be"),
        (batches(2), ("random", 0, 3), "the number of batches must be a positive whole number, got 0"),
        (batches(2), ("grasp", 2, None), "the number of classes must be a positive whole number, got None"),
    ],
)
def test_loaders_refused(loader, info, message):
    with pytest.raises(InputError, match=message):
        find_measures(conv_net(), loader, info)
