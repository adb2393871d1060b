"""Finding a data set: by name in a folder that holds IDX files, in an archive, in scikit-learn, in arrays."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import shown
from ...errors import InputError, MissingExtraError
from .idx import read_idx
from .images import Images, made

NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "digits": "scikit-learn's digits"}

SIZE = (28, 28)  # of an image of the sets that are files
_KEYS = ("x_train", "y_train", "x_test", "y_test")


def load(
    name_or_path: str | Path | tuple[Any, ...],
    *,
    root: str | Path | None = None,
    train: int | None = None,
    held: int | None = None,
    seed: int = 0,
) -> Images:
    """Images to train on and images held out, as float32 in [0, 1].

    "mnist" and "fashion-mnist" are read from the user's own IDX files below `root`; both have the same file names, so
    the folder decides: `root`, `root/raw`, `root/MNIST/raw` (or FashionMNIST) and `root/mnist` (or fashion-mnist) are
    looked at, and two that fit are an error.  A path is a folder with such files (or its subfolder `raw`), or a
    `.npz` archive with the arrays x_train, y_train, x_test, y_test: images (count, height, width) in whole numbers from
    0 to 255 or fractions in [0, 1], and labels from 0.  The images of a named set are 28 x 28.  "digits" are
    scikit-learn's 1,797 images of 8 x 8.

    Where the files hold one part only (digits, the test files alone), it is split four to one in the order that `seed`
    draws: 8,000 / 2,000 of 10,000, 1,437 / 360 of the digits.

    Args:
        name_or_path: a name, a path, or arrays: (images, labels) or (train, train labels, test, test labels).
        root: the folder of a named data set.
        train: how many images to train on; None takes all.  They are drawn by `seed`.
        held: how many held-out images; None takes all.
        seed: of the split and the draw; it is recorded.

    Returns:
        `Images`, with the SHA-256 of the files and of the values.

    Raises:
        InputError: nothing is found (the paths tried are listed), a file is damaged, counts or labels do not fit.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> images = load("digits", train=1000)
        >>> images.train.shape, images.held.shape
        ((1000, 8, 8), (360, 8, 8))
    """
    more: dict[str, Any] = {"train": train, "held": held, "seed": seed}
    if isinstance(name_or_path, tuple | list):
        if len(name_or_path) not in (2, 4):
            raise InputError(f"images: give (images, labels) or (train, labels, test, labels), got {len(name_or_path)}")
        return made("arrays", tuple(np.asarray(a) for a in name_or_path), source="arrays", **more)  # type: ignore[arg-type]
    if not isinstance(name_or_path, str | Path):
        raise InputError(f"images: give a name, a path or arrays, got {shown(name_or_path)}")
    text = str(name_or_path)
    if text == "digits" and root is None:
        return _digits(more)
    if text in NAMES and text != "digits":
        if root is None:
            raise InputError(
                f"{text} is not bundled and nothing is downloaded; name the folder that holds its IDX files: root=DIR"
            )
        return _of_its_size(_from_folder(text, folder := _found(text, Path(root)), 10, more), folder)
    if root is not None:
        raise InputError(f"root goes with mnist and fashion-mnist only, got root={shown(str(root))} with {shown(text)}")
    path = Path(text)
    if path.is_dir():
        return _from_folder(path.resolve().name, _only([path, path / "raw"], text), None, more)
    if path.suffix == ".npz" and path.is_file():
        return _archive(path, more)
    names = ", ".join(NAMES)
    raise InputError(f"{text}: is no data set: give {names}, a folder with IDX files, or a .npz archive that exists")


def _digits(more: dict[str, Any]) -> Images:
    try:
        import sklearn
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError(
            "digits: scikit-learn is not installed; install it with: pip install 'linregions[study]'"
        ) from error
    data: Any = load_digits()
    images = np.asarray(data.images, dtype=np.float32) / 16  # exact: whole numbers to 16
    source = f"scikit-learn {sklearn.__version__} digits"
    return made("digits", (images, np.asarray(data.target)), source=source, classes=10, **more)


def _found(name: str, root: Path) -> Path:
    """The one folder below `root` that holds the files of a named data set."""
    if not root.is_dir():
        raise InputError(f"root: {root} is no folder; name the one that holds the IDX files of {name}")
    other = "fashion" in root.resolve().name.lower()
    if root.resolve().name.lower() in {"mnist", "fashionmnist", "fashion-mnist"} and other != (name == "fashion-mnist"):
        raise InputError(f"root: the folder {root} says by its name that it holds another data set than {name}")
    folders = [root, root / "raw", root / NAMES[name] / "raw", root / name]
    return _only(folders, name)


def _only(folders: list[Path], name: str) -> Path:
    """The one of the folders that holds IDX images."""
    there = {
        folder.resolve(): folder for folder in folders if any(_file(folder, p, "images") for p in ("train", "t10k"))
    }
    if len(there) > 1:
        both = " and ".join(map(str, there.values()))
        raise InputError(f"{name}: both {both} hold IDX images; name the folder itself")
    if not there:
        tried = ", ".join(map(str, folders))
        raise InputError(
            f"{name}: no file train-images-idx3-ubyte or t10k-images-idx3-ubyte (or .gz) in the folders tried: {tried}"
        )
    return next(iter(there.values()))


def _of_its_size(images: Images, folder: Path) -> Images:
    """The images of a named set, if they have the size that the set has."""
    if images.shape != SIZE:
        wanted, found = (" x ".join(map(str, shape)) for shape in (SIZE, images.shape))
        raise InputError(
            f"{images.name}: its images are {wanted}, but {folder} holds images of {found}; if these are meant, give "
            f"the folder itself as a path: data={folder}"
        )
    return images


def _file(folder: Path, part: str, kind: str) -> Path | None:
    """The file of a part ("train", "t10k") and kind ("images", "labels") in a folder, in any of its four spellings."""
    for path in _spellings(folder, part, kind):
        if path.is_file():
            return path
    return None


def _spellings(folder: Path, part: str, kind: str) -> list[Path]:
    axes = {"images": 3, "labels": 1}[kind]
    stems = (f"{part}-{kind}-idx{axes}-ubyte", f"{part}-{kind}.idx{axes}-ubyte")
    return [folder / (stem + end) for stem in stems for end in ("", ".gz")]


def _from_folder(name: str, folder: Path, classes: int | None, more: dict[str, Any]) -> Images:
    arrays: list[np.ndarray] = []
    files: dict[str, str] = {}
    for part in ("train", "t10k"):
        images = _file(folder, part, "images")
        if images is None:
            continue
        labels = _file(folder, part, "labels")
        if labels is None:
            tried = ", ".join(map(str, _spellings(folder, part, "labels")))
            raise InputError(f"{images}: its labels are missing; tried {tried}")
        arrays += [read_idx(images, axes=3), read_idx(labels, axes=1)]
        if len(arrays[-2]) != len(arrays[-1]):
            raise InputError(
                f"{images} holds {len(arrays[-2]):,} images but {labels.name} {len(arrays[-1]):,} labels; they do not "
                "belong together"
            )
        for path in (images, labels):
            files[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    source = f"IDX files {', '.join(Path(f).name for f in files)}"
    return made(name, tuple(arrays), source=source, files=files, classes=classes, **more)  # type: ignore[arg-type]


def _archive(path: Path, more: dict[str, Any]) -> Images:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            arrays = {key: archive[key] for key in _KEYS if key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, MemoryError, AttributeError, zipfile.BadZipFile) as error:
        reason = shown(str(error).replace(str(path), path.name))
        raise InputError(f"{path}: cannot be read as a .npz archive of numbers ({reason})") from error
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        there = f"lacks {', '.join(missing)}" if arrays else f"holds {shown(names)[1:-1] or 'nothing'}"
        raise InputError(f"{path}: must hold the arrays {', '.join(_KEYS)}, but {there}; save them by these names")
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    return made(path.stem, tuple(arrays[key] for key in _KEYS), source=f"archive {path.name}", files=files, **more)  # type: ignore[arg-type]
