"""Encoders for text whose layers mix tokens each in its own way: the modules of the FlexiBERT space.

The design space is that of Tuli, Dedhia, Tuli and Jha, "FlexiBERT: Are Current Transformer Architectures too
Homogeneous and Rigid?" (JAIR 77, 2023); the benchmark's 500 models are those of Serianni and Kalita, "Training-free
Neural Architecture Search for RNNs and Transformers" (ACL 2023).  The modules are written from the descriptions, and
from the benchmark's published parameter counts, which are exactly linear in the numbers of layers of each kind and so
tell which matrices a layer has:

* embeddings as in ELECTRA-small: 30,522 tokens, 512 positions and 2 segments of 128 numbers, LayerNorm, and a
  projection to the hidden size H where that is not 128;
* self-attention (SA): query, key, value and output matrices; "weighted multiplicative" (WMA) has one more H x H matrix
  W without bias, and scores (q W) k instead of q k;
* linear transforms (LT): no weights but the output matrix;
* dynamic span-based convolution (DSC): half of the heads attend and half convolve (head ratio 2 of ConvBERT, Jiang et
  al., NeurIPS 2020), each half on H/2 channels;
* a feed-forward stack of n sub-layers: H to F, F to F (n - 1 times), a GELU after each, then F to H.

What the counts do not tell was chosen here: both attentions divide by the root of the head's size; a linear transform
goes over the tokens and over the channels, as in FNet, orthonormally, and keeps the real part; LayerNorm comes after
every residual sum, with epsilon 1e-12; GELU is the exact one; there is no dropout, no mask, no pooling and no head.
"""

from __future__ import annotations

import math

from ...errors import InputError
from ..needs import nn, torch

STD = 0.02
"""Standard deviation of fresh weights, the usual one for encoders of this family."""

_EPSILON = 1e-12


class _Normal(nn.Module):
    """Draws its matrix from N(0, 0.02^2) and sets its bias to 0: when it is made, and on `reset_parameters`."""

    weight: torch.Tensor

    def reset_parameters(self) -> None:
        """Fresh weights, from torch's global generator as every module's."""
        nn.init.normal_(self.weight, std=STD)
        bias = getattr(self, "bias", None)
        if bias is not None:
            nn.init.zeros_(bias)


class Linear(_Normal, nn.Linear):
    """`nn.Linear` with these weights."""


class Conv1d(_Normal, nn.Conv1d):
    """`nn.Conv1d` with these weights."""


class Embedding(_Normal, nn.Embedding):
    """`nn.Embedding` with these weights."""


class Attention(nn.Module):
    """Self-attention of `heads` heads on `channels` channels, without its output matrix: (S, T, H) to (S, T, channels).

    softmax(q k^T / sqrt(d)) v for each head of d channels; with `weighted` the query is q W.
    """

    def __init__(self, hidden: int, heads: int, *, channels: int | None = None, weighted: bool = False):
        super().__init__()
        channels = channels or hidden
        self.heads = heads
        self.query = Linear(hidden, channels)
        self.key = Linear(hidden, channels)
        self.value = Linear(hidden, channels)
        self.weight = Linear(channels, channels, bias=False) if weighted else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps x (S, T, H) to (S, T, channels)."""
        return self.attend(self.query(x), x)

    def attend(self, query: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The same with the queries already made."""
        if self.weight is not None:
            query = self.weight(query)
        query, key, value = (self._split(part) for part in (query, self.key(x), self.value(x)))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).flatten(2)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class SpanConvolution(nn.Module):
    """Half of the heads attend, half convolve with kernels made from the token's surroundings: (S, T, H) to (S, T, H).

    The kernel of a head at a token is softmax(A (q * s)) over its `width` positions, where q is the token's query and s
    a depthwise-separable convolution of the input around it.
    """

    def __init__(self, hidden: int, heads: int, width: int):
        super().__init__()
        half, self.heads, self.width = hidden // 2, heads // 2, width
        self.attention = Attention(hidden, heads - self.heads, channels=half)
        self.span = Conv1d(hidden, hidden, width, padding=width // 2, groups=hidden, bias=False)
        self.span_mix = Conv1d(hidden, half, 1)
        self.kernel = Linear(half, self.heads * width)
        self.convolved = Linear(hidden, half)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps x (S, T, H) to (S, T, H)."""
        query = self.attention.query(x)
        span = self.span_mix(self.span(x.transpose(1, 2))).transpose(1, 2)
        kernel = self.kernel(span * query).unflatten(2, (self.heads, 1, self.width)).softmax(-1)
        # (S, T + width - 1, H/2) to windows (S, T, H/2, width): a view, no copy.
        padded = nn.functional.pad(self.convolved(x), (0, 0, self.width // 2, self.width // 2))
        windows = padded.unfold(1, self.width, 1).unflatten(2, (self.heads, -1))
        local = (windows * kernel).sum(-1).flatten(2)
        return torch.cat([self.attention.attend(query, x), local], dim=2)


class LinearTransform(nn.Module):
    """A fixed transform over tokens and channels, real part: "DFT" (discrete Fourier) or "DCT" (cosine, type II).

    Args:
        kind: "DFT" or "DCT".
        orthonormal: whether it keeps Euclidean lengths; otherwise the plain sums without a factor (the cosine transform
            with factor 2, as usual).
    """

    def __init__(self, kind: str, *, orthonormal: bool = True):
        super().__init__()
        self.kind, self.orthonormal = kind, orthonormal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps x (S, T, H) to (S, T, H)."""
        if self.kind == "DFT":
            return torch.fft.fft2(x, norm="ortho" if self.orthonormal else "backward").real
        tokens, channels = (cosines(n, orthonormal=self.orthonormal, like=x) for n in x.shape[1:])
        return tokens @ x @ channels.T


def cosines(size: int, *, orthonormal: bool, like: torch.Tensor) -> torch.Tensor:
    """The matrix of the cosine transform (type II), C[k, n] = 2 cos(pi k (2 n + 1) / (2 size)), or orthonormal."""
    # On the CPU in float64 whatever the device, so that every device has the same matrix.
    n = torch.arange(size, dtype=torch.float64, device="cpu")
    # The angle modulo 2 pi in whole numbers first: cos of a large float is not a cosine of a rational multiple of pi.
    steps = torch.outer(n, 2 * n + 1).remainder(4 * size)
    matrix = 2 * torch.cos(steps * (math.pi / (2 * size)))
    if orthonormal:
        matrix *= math.sqrt(1 / (2 * size))
        matrix[0] *= math.sqrt(1 / 2)
    return matrix.to(like)


def mixing(name: str, hidden: int, heads: int, *, orthonormal: bool = True) -> nn.Module:
    """The mixing module of a name of the space: "sa-sdp", "sa-wma", "lt-dft", "lt-dct", "dsc-5" or "dsc-9"."""
    kind, _, parameter = name.partition("-")
    if kind == "sa":
        return Attention(hidden, heads, weighted=parameter == "wma")
    if kind == "lt":
        return LinearTransform(parameter.upper(), orthonormal=orthonormal)
    return SpanConvolution(hidden, heads, int(parameter))


class FeedForward(nn.Module):
    """A stack of `depth` sub-layers of `width` units, GELU after each, and back: (S, T, H) to (S, T, H)."""

    def __init__(self, hidden: int, width: int, depth: int):
        super().__init__()
        self.inner = nn.ModuleList(Linear(width if i else hidden, width) for i in range(depth))
        self.gelu = nn.ModuleList(nn.GELU() for _ in range(depth))
        self.outer = Linear(width, hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps x (S, T, H) to (S, T, H)."""
        for linear, gelu in zip(self.inner, self.gelu, strict=True):
            x = gelu(linear(x))
        return self.outer(x)


class EncoderLayer(nn.Module):
    """One layer: y = norm(x + O mix(x)), then norm(y + stack(y)); all (S, T, H).

    Args:
        mixing: the module that mixes tokens, (S, T, H) to (S, T, H).
        hidden: H.
        width: units of a feed-forward sub-layer.
        depth: feed-forward sub-layers.
        norm_first: whether the first sum is normalised; the published linear transforms have no weights for it.
    """

    def __init__(self, mixing: nn.Module, hidden: int, *, width: int, depth: int, norm_first: bool = True):
        super().__init__()
        self.mixing = mixing
        self.output = Linear(hidden, hidden)
        self.norm_mixing = nn.LayerNorm(hidden, _EPSILON) if norm_first else nn.Identity()
        self.feed_forward = FeedForward(hidden, width, depth)
        self.norm_feed_forward = nn.LayerNorm(hidden, _EPSILON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps x (S, T, H) to (S, T, H)."""
        x = self.norm_mixing(x + self.output(self.mixing(x)))
        return self.norm_feed_forward(x + self.feed_forward(x))


class Embeddings(nn.Module):
    """Token, position and segment (always the first) vectors, summed, normalised, projected: (S, T) to (S, T, H)."""

    def __init__(self, hidden: int, *, vocabulary: int, positions: int, size: int):
        super().__init__()
        self.token = Embedding(vocabulary, size)
        self.position = Embedding(positions, size)
        self.segment = Embedding(2, size)
        self.norm = nn.LayerNorm(size, _EPSILON)
        self.project = Linear(size, hidden) if size != hidden else nn.Identity()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Whole numbers (S, T) to (S, T, H).

        Raises:
            InputError: the tokens are of another shape or type, too many, or not in the vocabulary.
        """
        if tokens.ndim != 2 or tokens.is_floating_point():
            kind = f"{tokens.dtype} of shape {tuple(tokens.shape)}"
            raise InputError(f"tokens must be whole numbers of shape (samples, tokens), got {kind}")
        positions, vocabulary = self.position.num_embeddings, self.token.num_embeddings
        if tokens.shape[1] > positions:
            raise InputError(f"tokens must have at most {positions} positions, got {tokens.shape[1]}; build more")
        place = self.position.weight[: tokens.shape[1]] + self.segment.weight[0]
        try:
            return self.project(self.norm(self.token(tokens) + place))
        except IndexError as error:
            raise InputError(f"tokens must be from 0 to {vocabulary - 1}; build with a larger vocabulary") from error


class Encoder(nn.Module):
    """Embeddings and layers: whole numbers (S, T) below the size of the vocabulary to (S, T, H)."""

    def __init__(self, embeddings: Embeddings, layers: list[EncoderLayer]):
        super().__init__()
        self.embeddings = embeddings
        self.layers = nn.Sequential(*layers)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (S, T) to (S, T, H)."""
        return self.layers(self.embeddings(tokens))
