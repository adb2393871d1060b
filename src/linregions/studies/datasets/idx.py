"""IDX files: a magic number with the type and the number of axes, the sizes, the values, all in big-endian order."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from ...checks import plural
from ...errors import InputError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# Deflate gives at most 1,032 bytes for one: what a header promises beyond that is not in the file.
_MOST_RATIO = 1032
_MOST_AXES = 8


def read_idx(path: str | Path, *, axes: int | None = None) -> np.ndarray:
    """Read an IDX file, compressed by gzip or not.

    The header is 0, 0, the type (08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64), the number of axes,
    and each axis' length as a 32-bit number; MNIST's images have the magic number 2051, its labels 2049.  The sizes
    are compared with the size of the file before memory is taken for the values.

    Args:
        path: the file; whether it is compressed is seen from its first bytes, not from its name.
        axes: how many axes it must have; None takes any from 1 to 8.

    Returns:
        The values in native byte order, in the file's type and shape.

    Raises:
        InputError: the file cannot be read, is no IDX file, is cut off or too long, or has another number of axes.

    Source: the format as described with MNIST by Y. LeCun, C. Cortes and C. Burges.

    Example:
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "labels"
        >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
        >>> read_idx(file)
        array([5, 0, 4], dtype=uint8)
    """
    path = Path(path)
    try:
        with path.open("rb") as plain:
            compressed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            size = path.stat().st_size
            if not compressed:
                return _parsed(plain, size, path, axes)
            with gzip.open(plain) as stream:
                return _parsed(stream, _MOST_RATIO * size, path, axes)
    except EOFError as error:
        raise InputError(f"{path}: the gzip data is cut off; copy the file again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip data is damaged ({error}); copy the file again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _parsed(stream: object, most: int, path: Path, axes: int | None) -> np.ndarray:
    read = stream.read  # type: ignore[attr-defined]
    start = read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not 1 <= start[3] <= _MOST_AXES:
        raise InputError(
            f"{path}: is no IDX file, its first bytes are {start.hex(' ') or 'missing'} where 00 00, a type from 08 to "
            f"0e and the number of axes stand"
        )
    if axes is not None and start[3] != axes:
        raise InputError(
            f"{path}: has {plural(start[3], 'axis', 'axes')} where {axes} must be (images have three, labels one); "
            "are two files exchanged?"
        )
    sizes = read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise InputError(f"{path}: ends before the sizes of its axes do; copy the file again")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(TYPES[start[2]])
    wanted = math.prod(shape) * dtype.itemsize  # a Python integer: it does not wrap
    promised = f"its header promises {' x '.join(map(str, shape))} values"
    if wanted > most:
        raise InputError(f"{path}: {promised}, which is more than the file can hold; copy the file again")
    data = read(wanted + 1)
    if len(data) != wanted:
        found = "there are more" if len(data) > wanted else f"there are {len(data):,} bytes of {wanted:,}"
        raise InputError(f"{path}: {promised}, but {found}; copy the file again")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
