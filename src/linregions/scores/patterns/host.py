"""Where numpy does the work: on a CPU its loops are vectorised where torch's are not, and its calls cost less."""

from __future__ import annotations

from ..needs import torch


def on_cpu(tensor: torch.Tensor) -> bool:
    """Whether numpy can read the tensor where it lies."""
    return tensor.device.type == "cpu"
