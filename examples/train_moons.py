"""Train the network of `moons.onnx`: 2-16-16-1, ReLU, on two interleaved half moons; NumPy only.

Usage: `python examples/train_moons.py [OUT.onnx]`

The output is the logit of "upper moon": positive on the upper moon, negative on the lower one.  The moons are centred
at (0.5, 0.5), so that the box [-2, 3]^2 shows them with room around.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

WIDTHS = (2, 16, 16, 1)
Layers = list[tuple[np.ndarray, np.ndarray]]


def two_moons(points: int, rng: np.random.Generator, *, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Points (points, 2) on two half circles, and their labels: 1 upper, 0 lower."""
    angle = rng.uniform(0.0, np.pi, points)
    label = rng.integers(0, 2, points)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.where(label[:, None] == 1, upper, lower) + rng.normal(0.0, noise, (points, 2))
    return (x - [0.5, 0.25]) * 1.25 + 0.5, label.astype(np.float64)


def forward(layers: Layers, x: np.ndarray) -> list[np.ndarray]:
    """The states after every layer, input first; the last one holds the logits (points, 1)."""
    states = [x]
    for k, (w, b) in enumerate(layers):
        z = states[-1] @ w.T + b
        states.append(np.maximum(z, 0.0) if k < len(layers) - 1 else z)
    return states


def gradients(layers: Layers, x: np.ndarray, label: np.ndarray) -> Layers:
    """Gradients of the mean logistic loss, layer by layer."""
    states = forward(layers, x)
    delta = (1.0 / (1.0 + np.exp(-states[-1])) - label[:, None]) / len(x)
    out: Layers = []
    for k in range(len(layers) - 1, -1, -1):
        out.append((delta.T @ states[k], delta.sum(axis=0)))
        if k:
            delta = (delta @ layers[k][0]) * (states[k] > 0.0)
    return out[::-1]


def train(*, seed: int = 0, steps: int = 1500, rate: float = 0.02) -> Layers:
    """Full-batch Adam in float64, rounded to float32 at the end, which hides how a machine rounds its sums."""
    rng = np.random.default_rng(seed)
    x, label = two_moons(1000, rng)
    shapes = list(zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
    layers: Layers = [(rng.normal(0.0, np.sqrt(2.0 / m), (n, m)), rng.normal(0.0, 0.1, n)) for n, m in shapes]
    first = [[np.zeros_like(p) for p in layer] for layer in layers]
    second = [[np.zeros_like(p) for p in layer] for layer in layers]
    for step in range(1, steps + 1):
        speed = rate * 0.5 * (1.0 + np.cos(np.pi * step / steps)) * np.sqrt(1.0 - 0.999**step) / (1.0 - 0.9**step)
        for layer, slope, m, v in zip(layers, gradients(layers, x, label), first, second, strict=True):
            for i in range(2):
                m[i] += 0.1 * (slope[i] - m[i])
                v[i] += 0.001 * (slope[i] ** 2 - v[i])
                layer[i][...] -= speed * m[i] / (np.sqrt(v[i]) + 1e-8)
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]


def accuracy(layers: Layers, *, seed: int) -> float:
    """Share of 10,000 fresh points whose sign is right."""
    x, label = two_moons(10_000, np.random.default_rng(seed))
    return float(np.mean((forward(layers, x)[-1][:, 0] > 0.0) == (label == 1.0)))


def save_onnx(layers: Layers, path: Path) -> None:
    """Write the network as Gemm and Relu nodes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, state = [], [], "x"
    for k, (w, b) in enumerate(layers, start=1):
        constants += [numpy_helper.from_array(w, f"W{k}"), numpy_helper.from_array(b, f"b{k}")]
        last = k == len(layers)
        nodes.append(
            helper.make_node("Gemm", [state, f"W{k}", f"b{k}"], ["y" if last else f"z{k}"], f"gemm{k}", transB=1)
        )
        if not last:
            nodes.append(helper.make_node("Relu", [f"z{k}"], [f"h{k}"], f"relu{k}"))
            state = f"h{k}"
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["points", w]) for n, w in (("x", 2), ("y", 1))]
    graph = helper.make_graph(nodes, "moons", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="linregions examples")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("moons.onnx")
    layers = train()
    print(f"accuracy on fresh points: {accuracy(layers, seed=1):.4f}")
    save_onnx(layers, path)


if __name__ == "__main__":
    main()
