"""Evaluation: the numbers are those of the metrics on the features, and the encoder is as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from linregions.metrics import representation as measure
from linregions.studies.datasets import load
from linregions.studies.ssl.augment import usual_augmentation
from linregions.studies.ssl.encoders import build_encoder
from linregions.studies.ssl.evaluation import evaluate, features


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_the_numbers_are_those_of_the_features(digits):
    encoder = build_encoder("mlp", (8, 8), seed=1)
    found = evaluate(encoder, digits)
    with torch.no_grad():
        a, b = (encoder(torch.from_numpy(x)[:, None]).numpy() for x in (digits.train, digits.held))
    y, z = digits.train_labels, digits.held_labels
    # Batches differ in the last bits.
    assert found["knn"] == pytest.approx(measure.knn_accuracy(a, y, b, z, k=20), abs=0.006)
    assert found["ncm"] == pytest.approx(measure.ncm_accuracy(a, y, b, z), abs=0.006)
    assert found["probe"] == pytest.approx(measure.linear_probe(a, y, b, z), abs=0.006)
    for name, value in (
        ("std", measure.std_normalised(b, scaled=True)),
        ("effective_rank", measure.effective_rank(b)),
        ("uniformity", measure.uniformity(b)),
        ("mean_cosine", measure.mean_cosine(b)),
        ("dead", measure.dead_units(b)),
        ("norm", np.linalg.norm(b, axis=1).mean()),
    ):
        assert found[name] == pytest.approx(value, rel=1e-4)
    generator = torch.Generator().manual_seed(0)
    x = torch.from_numpy(digits.held)
    augment = usual_augmentation("digits", (8, 8))
    with torch.no_grad():
        views = [encoder(augment(x, generator=generator)[:, None]).numpy() for _ in range(2)]
    assert found["alignment"] == pytest.approx(measure.alignment(*views), rel=1e-4)


def test_the_encoder_is_as_it_was(digits):
    encoder = build_encoder("mlp", (8, 8), norm=True)
    encoder[2].eval()
    modes = [m.training for m in encoder.modules()]
    state = {k: v.clone() for k, v in encoder.state_dict().items()}
    before = torch.random.get_rng_state()
    first = evaluate(encoder, digits)
    assert [m.training for m in encoder.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in encoder.state_dict().items())
    assert all(p.grad is None for p in encoder.parameters())
    assert torch.equal(before, torch.random.get_rng_state())
    assert evaluate(encoder, digits) == first
    assert all(isinstance(v, float) for v in first.values())


def test_batches_do_not_matter_and_modes_come_back_after_errors(digits):
    encoder = build_encoder("convnet", (8, 8))
    np.testing.assert_allclose(
        features(encoder, digits.held, batch=7), features(encoder, digits.held, batch=1000), atol=1e-5
    )
    encoder.train()
    with pytest.raises(RuntimeError):
        features(encoder, digits.held[:, :3, :3])
    assert encoder.training
