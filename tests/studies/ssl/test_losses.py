"""Each loss against its formula in plain Python, gradients that flow and stop where they must, moving averages."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.studies.ssl.contrastive import info_nce, nt_xent
from linregions.studies.ssl.correlation import barlow_loss, vicreg_loss
from linregions.studies.ssl.distillation import cosine_loss, dino_loss
from linregions.studies.ssl.encoders import build_encoder
from linregions.studies.ssl.learner import follow, frozen_copy, rising
from linregions.studies.ssl.registry import CONTROLS, HEALTHY, METHODS, find_method

SIZES = st.tuples(st.integers(2, 6), st.integers(1, 5), st.integers(0, 1000))
few = settings(max_examples=20)


def two(sizes, count=2):
    n, d, seed = sizes
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(n, d, generator=g, dtype=torch.float64) for _ in range(count)]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def cos(a, b):
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


@few
@given(SIZES, st.sampled_from([0.1, 0.5, 1.0]))
def test_nt_xent(sizes, t):
    a, b = two(sizes)
    z = a.tolist() + b.tolist()
    n, total = len(a), 0.0
    for i in range(2 * n):
        own = math.exp(cos(z[i], z[(i + n) % (2 * n)]) / t)
        total += -math.log(own / sum(math.exp(cos(z[i], z[j]) / t) for j in range(2 * n) if j != i))
    assert nt_xent(a, b, temperature=t).item() == pytest.approx(total / (2 * n), rel=1e-9)


@few
@given(SIZES, st.integers(1, 6))
def test_info_nce(sizes, m):
    q, k = two(sizes)
    queue = torch.nn.functional.normalize(two((m, sizes[1], sizes[2] + 1))[0], dim=1)
    total = 0.0
    for a, b in zip(q.tolist(), k.tolist(), strict=True):
        own = math.exp(cos(a, b) / 0.2)
        total += -math.log(own / (own + sum(math.exp(cos(a, u) / 0.2) for u in queue.tolist())))
    assert info_nce(q, k, queue, temperature=0.2).item() == pytest.approx(total / len(q), rel=1e-9)


@few
@given(SIZES)
def test_cosine(sizes):
    p, t = two(sizes)
    wanted = sum(1 - cos(a, b) for a, b in zip(p.tolist(), t.tolist(), strict=True)) / len(p)
    assert cosine_loss(p, t).item() == pytest.approx(wanted, abs=1e-12)


def softmax(v, t):
    powers = [math.exp(x / t) for x in v]
    return [p / sum(powers) for p in powers]


@few
@given(SIZES)
def test_dino(sizes):
    s, t = two(sizes)
    centre = two((1, sizes[1], 5))[0][0]
    total = 0.0
    for a, b in zip(s.tolist(), t.tolist(), strict=True):
        aim = softmax([x - c for x, c in zip(b, centre.tolist(), strict=True)], 0.2)
        total -= sum(p * math.log(q) for p, q in zip(aim, softmax(a, 0.5), strict=True))
    assert dino_loss(s, t, centre, sharp=0.2, soft=0.5).item() == pytest.approx(total / len(s), rel=1e-9)


def columns(z):
    return [list(c) for c in zip(*z.tolist(), strict=True)]


def centred(c):
    mean = sum(c) / len(c)
    return [x - mean for x in c]


@few
@given(SIZES)
def test_barlow(sizes):
    a, b = two(sizes)
    n, d = a.shape
    scaled = []
    for z in (a, b):
        rows = [centred(c) for c in columns(z)]
        scaled.append([[x / math.sqrt(dot(c, c) / n + 1e-5) for x in c] for c in rows])
    total = 0.0
    for i in range(d):
        for j in range(d):
            c = dot(scaled[0][i], scaled[1][j]) / n
            total += (1 - c) ** 2 if i == j else 0.02 * c**2
    assert barlow_loss(a, b, redundancy=0.02).item() == pytest.approx(total, rel=1e-9)
    without = total - sum((1 - dot(scaled[0][i], scaled[1][i]) / n) ** 2 for i in range(d))
    assert barlow_loss(a, b, redundancy=0.02, invariance=0).item() == pytest.approx(without, rel=1e-7, abs=1e-12)


@few
@given(SIZES)
def test_vicreg(sizes):
    a, b = two(sizes)
    n, d = a.shape
    mse = sum(sum((x - y) ** 2 for x, y in zip(p, q, strict=True)) for p, q in zip(a.tolist(), b.tolist(), strict=True))
    total = 3 * mse / (n * d)
    for z in (a, b):
        rows = [centred(c) for c in columns(z)]
        total += 7 * sum(max(0.0, 1 - math.sqrt(dot(c, c) / (n - 1) + 1e-4)) for c in rows) / d / 2
        pairs = [(i, j) for i in range(d) for j in range(d) if i != j]
        total += 2 * sum((dot(rows[i], rows[j]) / (n - 1)) ** 2 for i, j in pairs) / d
    assert vicreg_loss(a, b, invariance=3, variance=7, covariance=2).item() == pytest.approx(total, rel=1e-9)


def test_targets_get_no_gradient():
    a, b = (z.requires_grad_() for z in two((4, 3, 0)))
    for loss in (
        cosine_loss(a, b),
        dino_loss(a, b, torch.zeros(3, dtype=a.dtype)),
        info_nce(a, b, torch.eye(3, dtype=a.dtype), temperature=0.2),
    ):
        a.grad = None
        loss.backward()
        assert a.grad is not None
        assert a.grad.abs().sum() > 0
        assert b.grad is None


def batch(seed=0):
    g = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(16, 1, 8, 8, generator=g) for _ in range(2)), torch.arange(16) % 10


@pytest.mark.parametrize("name", METHODS)
def test_the_encoder_learns_from_every_method_and_teachers_do_not(name):
    learner = METHODS[name].build(build_encoder("mlp", (8, 8)), seed=1)
    views, labels = batch()
    learner.loss(views[: learner.views], labels).backward()
    for p in learner.encoder.parameters():
        assert p.grad is not None
    assert any(p.grad.abs().sum() > 0 for p in learner.encoder.parameters())
    for key, p in learner.named_parameters():
        assert p.requires_grad == (p.grad is not None), key
        assert p.requires_grad != key.startswith(("key_", "target_", "teacher_")), key


@pytest.mark.parametrize("name", METHODS)
def test_a_head_is_drawn_from_its_seed(name):
    before = torch.random.get_rng_state()
    a, b, c = (METHODS[name].build(build_encoder("mlp", (8, 8)), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    same = [torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)]
    assert all(same)
    other = [torch.equal(x, y) for x, y in zip(a.state_dict().values(), c.state_dict().values(), strict=True)]
    assert not all(other)


def test_simsiam_stops_the_gradient_of_the_target():
    """The gradient is that of a loss whose targets are constants; in the control it is not."""
    views, labels = batch()
    for name, stops in (("simsiam", True), ("simsiam-collapse", False)):
        learner = METHODS[name].build(build_encoder("mlp", (8, 8)), seed=1)
        learner.loss(views, labels).backward()
        found = learner.encoder[1].weight.grad.clone()
        learner.zero_grad()
        a, b = (learner.projector(h) for h in learner.encoded(views))
        p, q = learner.predictor(a), learner.predictor(b)
        (cosine_loss(p, b) / 2 + cosine_loss(q, a) / 2).backward()
        assert torch.allclose(found, learner.encoder[1].weight.grad, atol=1e-7) == stops


def test_the_momentum_rises_along_half_a_cosine():
    assert rising(0.9, 0, 50) == pytest.approx(0.9)
    assert rising(0.9, 50, 50) == pytest.approx(1)
    values = [rising(0.9, s, 50) for s in range(51)]
    assert values == sorted(values)
    assert values[25] == pytest.approx(0.95)


def test_a_teacher_follows():
    student = torch.nn.Linear(3, 2)
    teacher = frozen_copy(student)
    before = teacher.weight.clone()
    with torch.no_grad():
        student.weight.add_(1)
    follow(teacher, student, 0.75)
    assert torch.allclose(teacher.weight, 0.75 * before + 0.25 * student.weight)
    follow(teacher, student, 0.0)
    assert torch.allclose(teacher.weight, student.weight)


@pytest.mark.parametrize(("name", "part"), [("byol", "target"), ("dino", "teacher"), ("moco", "key")])
def test_the_teachers_of_the_methods_follow_their_encoder(name, part):
    learner = METHODS[name].build(build_encoder("mlp", (8, 8)), seed=1)
    teacher = getattr(learner, f"{part}_encoder")
    before = teacher[1].weight.clone()
    with torch.no_grad():
        learner.encoder[1].weight.add_(1)
    learner.after_step(0, 100)
    moved = (1 - learner.momentum) * torch.ones_like(before)
    assert torch.allclose(teacher[1].weight - before, moved, atol=1e-6)
    if name != "moco":
        last = teacher[1].weight.clone()
        learner.after_step(100, 100)
        assert torch.equal(teacher[1].weight, last)


def test_the_target_without_average_is_the_network_itself():
    learner = METHODS["byol-collapse"].build(build_encoder("mlp", (8, 8)), seed=1)
    with torch.no_grad():
        learner.encoder[1].weight.add_(1)
    learner.after_step(1, 100)
    assert torch.allclose(learner.target_encoder[1].weight, learner.encoder[1].weight, atol=1e-6)


def test_the_queue_takes_keys_in_turn():
    learner = METHODS["moco"].build(build_encoder("mlp", (8, 8)), seed=1, queue=5, out=2)
    first, second = torch.arange(6.0).view(3, 2), torch.arange(10.0, 16.0).view(3, 2)
    learner.enter(first)
    learner.enter(second)
    assert torch.equal(learner.queue, torch.cat([second[2:], first[1:], second[:2]]))


def test_the_centre_moves_only_where_there_is_centring():
    views, labels = batch()
    for name, moves in (("dino", True), ("dino-collapse", False)):
        learner = METHODS[name].build(build_encoder("mlp", (8, 8)), seed=1)
        learner.loss(views, labels)
        assert bool(learner.centre.abs().sum() > 0) == moves


def test_the_registry():
    assert set(HEALTHY) | set(CONTROLS) == set(METHODS)
    assert {METHODS[name].family for name in HEALTHY} == {"supervised", "contrastive", "self-distillation", "cca"}
    assert all(METHODS[METHODS[name].healthy].family != "control" for name in CONTROLS)
    with pytest.raises(InputError, match="method: must be one of supervised"):
        find_method("swav")
    with pytest.raises(InputError, match="simclr: has no option 'tau'; its options are: hidden, out, temperature"):
        METHODS["simclr"].build(build_encoder("mlp", (8, 8)), tau=1)
    with pytest.raises(InputError, match="no attribute of this name"):
        METHODS["simclr"].build(torch.nn.Linear(4, 2))
