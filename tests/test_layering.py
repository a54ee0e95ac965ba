"""Which room may use which (docs/design.md, section 2), read from includes and imports."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "python" / "otcore"

# A room uses rooms of lower rank, and itself.
RANKS = {
    "base": 0,
    "simd": 1,
    "cost": 2,
    "oned": 3,
    "pyramid": 3,
    "exact": 4,
    "entropic": 4,
    "sliced": 4,
    "barycenter": 5,
    "minibatch": 5,
    "bind": 6,
}
# Imported where they are used, never when the package is.
EXTRAS = {"matplotlib", "ot", "PIL", "scipy", "sklearn", "torch", "tqdm"}

# What otcore.compat uses beside the public API.
COMPAT_DOORS = {"_arrays", "_extras", "_sparse"}

CPP_FILES = sorted(path for path in CSRC.rglob("*") if path.suffix in {".h", ".cpp"})
PYTHON_FILES = sorted(PACKAGE.rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", CPP_FILES, ids=name)
def test_cpp_room_uses_lower_rooms_only(path: Path) -> None:
    room = path.relative_to(CSRC).parts[0]
    text = path.read_text()
    for header in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, flags=re.MULTILINE):
        assert (CSRC / header).is_file(), f"{header} is not written relative to csrc/"
        used = header.split("/")[0]
        assert used == room or RANKS[used] < RANKS[room], f"{room} must not use {used}"
    if room != "bind":
        assert not re.search(r"#\s*include\s+<(pybind11|Python\.h)", text)


def imports(tree: ast.Module, package: list[str]) -> Iterator[tuple[str, bool]]:
    """Absolute names of the modules that `tree`, a module of `package`, imports, and whether each
    is imported as soon as the module is. Imports for type checkers only are left out."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []

    def visit(node: ast.AST, at_once: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child, at_once)
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, at_once))
        inside_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, at_once and not inside_function)

    visit(tree, True)
    for node, at_once in found:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_once
            continue
        base = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*base, node.module] if node.module else base)
        yield module, at_once
        for alias in node.names:  # each may be a module of its own
            yield f"{module}.{alias.name}", at_once


@pytest.mark.parametrize("path", PYTHON_FILES, ids=name)
def test_python_imports(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    room = parts[0]
    package = ["otcore", *parts[:-1]]
    for module, at_once in imports(ast.parse(path.read_text()), package):
        top = module.split(".")[0]
        if top == "torch":
            assert room == "torch", "torch is imported only below otcore/torch"
        elif top in EXTRAS:
            assert not at_once, f"{module} belongs to an extra: import it inside a function"
        elif top == "otcore":
            used = module.split(".")[1] if "." in module else ""
            if room != "torch":
                assert not (used == "torch" and at_once), "otcore.torch imports torch"
            if room in RANKS and used in RANKS:
                assert used == room or RANKS[used] < RANKS[room], f"{room} must not use {used}"
            if room in RANKS:
                assert used != "cli", f"{room} must not use {used}"
            if room == "compat":
                public = not used.startswith("_")
                assert public or used in COMPAT_DOORS, f"{room} must not use {used}"
            else:
                assert used != "compat", "otcore.compat stands on top"


def test_importing_the_package_imports_numpy_alone() -> None:
    code = "import sys, otcore; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "numpy" in loaded
    assert EXTRAS.isdisjoint(loaded)
