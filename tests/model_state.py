"""Everything about a model and the global random state that a measure has to leave as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def state(model: Any) -> dict[str, Any]:
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {
        "bits": {name: (t.data_ptr(), t.dtype, t.detach().clone().numpy().tobytes()) for name, t in tensors.items()},
        "grads": {n: None if p.grad is None else (id(p.grad), p.grad.clone()) for n, p in model.named_parameters()},
        "asking": {name: p.requires_grad for name, p in model.named_parameters()},
        "modes": [m.training for m in model.modules()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in model.modules()],
        "own": [sorted(vars(m)) for m in model.modules()],
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": repr(np.random.get_state()),  # noqa: NPY002
        "python": random.getstate(),
        "backends": (torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled),
        "gradients": torch.is_grad_enabled(),
    }


def same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    grads = [(before["grads"][name], after["grads"][name]) for name in before["grads"]]
    equal = all(a is b is None or (a[0] == b[0] and torch.equal(a[1], b[1])) for a, b in grads)
    return equal and all(before[key] == after[key] for key in before if key != "grads")


@contextmanager
def left_alone(model: Any) -> Iterator[None]:
    """Fail where the block leaves a trace."""
    for p in model.parameters():  # gradients that must survive
        p.grad = torch.full_like(p, 0.5)
    torch.manual_seed(7)
    before = state(model)
    yield
    after = state(model)
    assert same(before, after), [key for key in before if key != "grads" and before[key] != after[key]]
