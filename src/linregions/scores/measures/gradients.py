"""Measures by gradients, as baselines beside the score: grad_norm, snip, jacobian_covariance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...checks import shown
from ...errors import InputError
from ..needs import nn, torch
from .measure import (
    HIGHER,
    Inputs,
    Measure,
    UndefinedMeasureError,
    as_call,
    derivable,
    leaves,
    one_tensor,
    prepared,
    weights,
)


def grad_norm(
    model: Any,
    inputs: Inputs,
    *,
    targets: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    output: Callable[[Any], Any] | None = None,
    mode: str = "auto",
    seed: int = 0,
    device: Any = None,
) -> Measure:
    """The sum of the Euclidean norms of the loss's gradients, one norm for each weight.

    grad_norm = sum over weights W of ||dL/dW||_2, with the loss L of the whole batch; higher is better. Weights are the
    matrices and kernels, without biases, normalisations and embeddings. For comparing networks use one loss.

    Args:
        model: a torch.nn.Module; it comes back as it was, gradients included.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        targets: what `loss_fn` compares with; None draws one label for each sample, uniformly, by `seed`.
        loss_fn: `loss_fn(output, targets)`, one number; cross-entropy, mean over the batch, by default.
        output: picks the tensor that goes to `loss_fn`, where the model returns several.
        mode: "auto" (batch norms use this batch's statistics, no dropout), "train", "eval" or "keep".
        seed: of random labels, and of what the model draws in its forward.
        device: where to run; None for where the model is.

    Returns:
        A `Measure`; `labels` says whether they were given.

    Raises:
        UndefinedMeasureError: the loss or a gradient is not finite.
        InputError: the output has no derivative by the weights, or labels cannot be drawn for it.

    Source: Abdelfattah, Mehrotra, Dudziak, Lane, "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021), section 3.2.

    Example:
        >>> import torch
        >>> line = torch.nn.Linear(1, 1, bias=False)
        >>> mean = lambda y, _: y.mean()
        >>> print(grad_norm(line, torch.tensor([[1.0], [5.0]]), targets=(), loss_fn=mean))
        grad_norm 3 (higher is better; 2 samples, labels given)
    """
    return loss_measures(
        ("grad_norm",),
        model,
        inputs,
        targets=targets,
        loss_fn=loss_fn,
        output=output,
        mode=mode,
        seed=seed,
        device=device,
    )[0]


def snip(
    model: Any,
    inputs: Inputs,
    *,
    targets: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    output: Callable[[Any], Any] | None = None,
    mode: str = "auto",
    seed: int = 0,
    device: Any = None,
) -> Measure:
    """The sum of the connection sensitivities: how much the loss feels each weight's removal, to first order.

    snip = sum over weights w of |w dL/dw|, with the loss L of the whole batch; higher is better. Weights are the
    entries of matrices and kernels, without biases, normalisations and embeddings. The original work divides each term
    by the sum, to prune; the sum itself is the score of a network.

    Args:
        model: a torch.nn.Module; it comes back as it was, gradients included.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        targets: what `loss_fn` compares with; None draws one label for each sample, uniformly, by `seed`.
        loss_fn: `loss_fn(output, targets)`, one number; cross-entropy, mean over the batch, by default.
        output: picks the tensor that goes to `loss_fn`, where the model returns several.
        mode: "auto" (batch norms use this batch's statistics, no dropout), "train", "eval" or "keep".
        seed: of random labels, and of what the model draws in its forward.
        device: where to run; None for where the model is.

    Returns:
        A `Measure`; `labels` says whether they were given.

    Raises:
        UndefinedMeasureError: the loss or a gradient is not finite.
        InputError: the output has no derivative by the weights, or labels cannot be drawn for it.

    Source: Lee, Ajanthan, Torr, "SNIP" (ICLR 2019), equation 4; as a score of networks Abdelfattah et al. (ICLR 2021).

    Example:
        >>> import torch
        >>> line = torch.nn.Linear(1, 1, bias=False)
        >>> _ = torch.nn.init.constant_(line.weight, -2.0)
        >>> mean = lambda y, _: y.mean()
        >>> float(snip(line, torch.tensor([[1.0], [5.0]]), targets=(), loss_fn=mean))
        6.0
    """
    return loss_measures(
        ("snip",), model, inputs, targets=targets, loss_fn=loss_fn, output=output, mode=mode, seed=seed, device=device
    )[0]


def _grad_norm(pairs: list[tuple[Any, Any]]) -> float:
    return math.fsum(float(torch.linalg.vector_norm(g.double())) for _, g in pairs)


def _snip(pairs: list[tuple[Any, Any]]) -> float:
    return math.fsum(float((w.detach().double() * g.double()).abs().sum()) for w, g in pairs)


_OF_LOSS = {"grad_norm": _grad_norm, "snip": _snip}


def loss_measures(
    names: Sequence[str],
    model: Any,
    inputs: Inputs,
    *,
    targets: Any,
    loss_fn: Callable[[Any, Any], Any] | None,
    output: Callable[[Any], Any] | None,
    mode: str,
    seed: int,
    device: Any,
) -> list[Measure]:
    """The named measures (grad_norm, snip) from one forward and one backward pass."""
    with prepared(model, mode=mode, device=device, seed=seed):
        named = weights(model)
        _, called, samples = leaves(inputs, model)
        args, kwargs = as_call(called)
        y = derivable(one_tensor(model(*args, **kwargs), output), "its weights")
        labels = "given"
        if targets is None:
            targets, labels = random_labels(y, seed), f"random, seed {seed}"
        elif isinstance(targets, torch.Tensor):
            targets = targets.to(y.device)
        try:
            loss = (loss_fn or nn.functional.cross_entropy)(y, targets)
        except Exception as error:
            error.add_note(f"in the loss, on an output of shape {tuple(y.shape)}; output= can pick or reshape it")
            raise
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise InputError(
                f"loss_fn must return one number as a tensor, got {shown(loss)}; take the mean over the batch"
            )
        found = torch.autograd.grad(
            derivable(loss, "its weights").sum(), [w for _, w in named], allow_unused=True, materialize_grads=True
        )
        for (name, _), g in zip(named, found, strict=True):
            if not bool(torch.isfinite(g).all()):
                raise UndefinedMeasureError(
                    f"{' and '.join(names)}: the gradient of weight {name} has NaN or infinite entries (the loss is "
                    f"{float(loss.detach()):g}); draw smaller weights or run in float64"
                )
        pairs = [(w, g) for (_, w), g in zip(named, found, strict=True)]
        return [Measure(name, _OF_LOSS[name](pairs), HIGHER, samples, labels) for name in names]


def random_labels(y: Any, seed: int) -> Any:
    """One label for each row of `y`, uniform over its columns; the same on every device."""
    if y.ndim != 2 or y.shape[1] < 2 or not y.is_floating_point():
        raise InputError(
            f"targets: labels can be drawn for an output (samples, classes) with two classes or more, and this one has "
            f"shape {tuple(y.shape)}; pass targets and loss_fn, or output to pick a part of it"
        )
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(y.shape[1], (y.shape[0],), generator=generator).to(y.device)


def jacobian_covariance(
    model: Any,
    inputs: Inputs,
    *,
    output: Callable[[Any], Any] | None = None,
    mode: str = "auto",
    seed: int = 0,
    device: Any = None,
) -> Measure:
    """How little the input Jacobians of the samples correlate, known as "jacob_cov".

    With J_s the gradient of the sum of all outputs by sample s, flattened, and l_1..l_S the eigenvalues of the
    correlation matrix of J_1..J_S,

        score = -sum over i of (log(l_i + k) + 1 / (l_i + k)),   k = 1e-5;

    higher is better: it is at most -S, which it nearly reaches where the Jacobians do not correlate. Where the batch's
    own statistics are used (mode "auto") J_s contains what sample s does to the outputs of the others, as published.

    Args:
        model: a torch.nn.Module; it comes back as it was.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword), with two
            samples or more. The Jacobian is taken by all that are floating point.
        output: picks the tensor to differentiate, where the model returns several.
        mode: "auto" (batch norms use this batch's statistics, no dropout), "train", "eval" or "keep".
        seed: of what the model draws in its forward.
        device: where to run; None for where the model is.

    Raises:
        UndefinedMeasureError: a Jacobian is constant or not finite, so that its correlations are not defined.
        InputError: fewer than two samples, no floating-point input, or no derivative by the inputs.

    Source: Mellor, Turner, Storkey, Crowley, "Neural Architecture Search without Training", first version
    (arXiv 2006.04647v1), section 3; as "jacob_cov" Abdelfattah et al. (ICLR 2021).

    Example:
        >>> import torch
        >>> line = torch.nn.Linear(3, 1)
        >>> print(jacobian_covariance(line, torch.rand(2, 3)))  # a linear network has one Jacobian: eigenvalues 2 and 0
        jacobian_covariance -99989.7 (higher is better; 2 samples)
    """
    with prepared(model, mode=mode, device=device, seed=seed):
        found, called, samples = leaves(inputs, model)
        if samples < 2:
            raise InputError("inputs hold one sample, and jacobian_covariance correlates samples; give two or more")
        if not found:
            raise InputError(
                "jacobian_covariance: inputs are whole numbers and have no Jacobian; pass a model that takes "
                "floating-point inputs, such as embeddings"
            )
        args, kwargs = as_call(called)
        y = derivable(one_tensor(model(*args, **kwargs), output), "its inputs")
        rows = torch.autograd.grad(y.sum(), found, allow_unused=True, materialize_grads=True)
        jacobian = torch.cat([g.detach().double().reshape(samples, -1) for g in rows], dim=1)
    value = correlation_score(jacobian)
    return Measure("jacobian_covariance", value, HIGHER, samples)


def correlation_score(rows: Any, k: float = 1e-5) -> float:
    """-sum(log(l + k) + 1 / (l + k)) over the eigenvalues l of the correlation matrix of `rows` (S, D), float64."""
    for s, row in enumerate(rows):
        problem = (
            "has NaN or infinite entries"
            if not bool(torch.isfinite(row).all())
            else "is constant"
            if bool((row == row[0]).all())
            else ""
        )
        if problem:
            raise UndefinedMeasureError(
                f"jacobian_covariance: the Jacobian of sample {s} {problem}, so its "
                "correlation is not defined; look at what this network does to that sample"
            )
    # Divided by the largest entry first: squares of tiny gradients underflow.
    rows = rows / rows.abs().amax(dim=1, keepdim=True)
    rows = rows - rows.mean(dim=1, keepdim=True)
    rows = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    eigenvalues = torch.linalg.eigvalsh(rows @ rows.T)
    return -float((torch.log(eigenvalues + k) + 1 / (eigenvalues + k)).sum())
