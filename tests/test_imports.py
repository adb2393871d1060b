"""Imports go one way, and `import linregions` is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import linregions

ROOT = Path(linregions.__file__).parent

# A module may import from lower layers, and within its own part; parts of one layer do not know each other, except in
# the first, whose modules together are the model of networks and domains.
LAYERS = [
    {
        "_core",
        "_typing",
        "errors",
        "checks",
        "activations",
        "exact",
        "stage",
        "enclosure",
        "network",
        "domain",
        "machine",
    }
    | {"combining", "combinatorics", "folding", "integers", "planar"},
    {"partition"},
    {"store"},
    {"engines", "readers"},
    {"runs"},
    {"counting"},
    {"slicing"},
    {"bounds", "constructions", "arrangements"},
    {"comparison", "expectation", "estimation", "metrics", "scores", "lyapunov"},
    {"plot", "explorer"},
    {"training"},
    {"studies"},
    {"testing", "cli"},
    {"__main__"},
]
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
FACE = "__init__"  # the public face: the command line uses it like everybody else
FACE_USERS = {"cli", "__main__", "testing"}

FILES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")
HEAVY = ("torch", "scipy", "matplotlib", "onnx", "highspy", "rich", "typer", "flint", "pydantic", "jaxtyping")


def imported_parts(path: Path) -> set[str]:
    """The top-level parts of linregions that a file imports, anywhere in it."""
    package = ("linregions", *path.relative_to(ROOT).parent.parts)
    parts = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            modules = [(*base, alias.name) for alias in node.names]
        else:
            continue
        for module in modules:
            if module[0] == "linregions":
                parts.add(module[1] if len(module) > 1 and (module[1] in RANK or is_part(module[1])) else FACE)
    return parts


def is_part(name: str) -> bool:
    return (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path):
    me = part_of(path)
    assert me in RANK, f"{me} stands in no layer: add it to LAYERS (DESIGN, the import rule)"
    for other in imported_parts(path) - {me}:
        if other == FACE:
            assert me in FACE_USERS, f"{path.name} imports the package's public face; import the module it needs"
            continue
        assert other in RANK, f"{path.name} imports {other}, which stands in no layer"
        together = RANK[other] == RANK[me] == 0
        assert together or RANK[other] < RANK[me], f"{me} imports {other}, which stands no lower"


def test_the_rule_sees_every_form_of_import(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "cli").mkdir()
    file = tmp_path / "cli" / "x.py"
    file.write_text(
        "import linregions\nimport linregions.domain\nfrom linregions.exact import rank\nfrom .. import errors\n"
        "from ..readers.onnx import read\nfrom . import status\nfrom .status import DONE\nimport numpy\n"
        "def f():\n    from ..network import Network\n    from linregions import Box\n"
    )
    assert imported_parts(file) == {FACE, "domain", "exact", "errors", "readers", "cli", "network"}


def loaded_by(code: str) -> set[str]:
    """The top-level modules of HEAVY that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport sys\nprint(*sorted(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy():
    assert loaded_by("import linregions") == set()


def test_the_model_of_networks_and_domains_loads_nothing_heavy():
    code = """
from linregions import *
from linregions import Box, Network
net = Network.from_arrays([([[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0]), ([[1.0, 1.0]], [0.0])])
net([[1.0, 2.0]]), net.pattern([0.5, 0.5]), repr(net), net.hash, repr(Box.cube(-1, 1, 2))
"""
    assert loaded_by(code) == set()


def test_the_command_line_parses_without_numpy():
    code = "from linregions.cli import main\nmain(['count', '--help'])"
    script = f"{code}\nimport sys\nassert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)


@pytest.mark.parametrize("name", linregions.__all__)
def test_every_public_name_resolves(name):
    assert getattr(linregions, name) is not None
    assert name in dir(linregions)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'regions'"):
        linregions.regions  # noqa: B018


def test_the_version_stands_in_one_place():
    root = Path(__file__).parent.parent
    assert f'version = "{linregions.__version__}"' in (root / "pyproject.toml").read_text(encoding="utf-8")
    assert f"\nversion: {linregions.__version__}\n" in (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {linregions.__version__}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
