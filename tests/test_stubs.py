"""The hand-written stub of the extension module says what the module is.

mypy's stubtest checks that each name exists, but sees no signature of a compiled function; those
are compared with what pybind11-stubgen reads out of the docstrings.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import pytest

import otcore

STUB = Path(otcore.__file__).with_name("_core.pyi")

# Spelled one way by pybind11, which says what it converts, and another way in our stub.
SPELLINGS = {
    "typing.SupportsFloat | typing.SupportsIndex": "float",
    "typing.SupportsInt | typing.SupportsIndex": "int",
    "np.": "numpy.",
    "npt.": "numpy.typing.",
}
# What a generated stub says where C++ has no more to tell.
VAGUE = {"typing.Any", "numpy.ndarray", "list", "dict", "tuple"}

# What stubtest may not agree with, and why.
ALLOWED = r"""
otcore\.__main__  # runs the command when it is imported
otcore\._core\.[A-Z]\w+  # pybind11's metaclass
otcore\._core\.[A-Z]\w+\.__init__  # not made in Python
otcore\.torch\..+  # not checked: torch is left out
"""

Parameter: TypeAlias = tuple[str, str, str | None, str]  # kind, name, default, annotation
Signature: TypeAlias = tuple[list[Parameter], str]


def run(*arguments: str, cwd: Path) -> None:
    environment = os.environ | {"MYPY_CACHE_DIR": str(cwd / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubtest(tmp_path: Path) -> None:
    config, allowed = tmp_path / "mypy.ini", tmp_path / "allowed.txt"
    # Without torch, whose analysis takes a minute and has no part in the stub.
    config.write_text("[mypy]\n[mypy-torch.*]\nfollow_imports = skip\n")
    allowed.write_text(ALLOWED)
    options = (f"--mypy-config-file={config}", f"--allowlist={allowed}")
    run("mypy.stubtest", "otcore", *options, cwd=tmp_path)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> ast.Module:
    directory = tmp_path_factory.mktemp("stubs")
    run("pybind11_stubgen", "otcore._core", "-o", str(directory), cwd=directory)
    return ast.parse((directory / "otcore" / "_core.pyi").read_text())


@pytest.fixture(scope="module")
def written() -> ast.Module:
    return ast.parse(STUB.read_text())


def aliases(tree: ast.Module) -> dict[str, str]:
    """`name: TypeAlias = ...` of a stub."""
    return {
        node.target.id: ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.value is not None
        and ast.unparse(node.annotation) == "TypeAlias"
    }


def spelled(annotation: ast.expr | None, names: dict[str, str]) -> str:
    """The annotation in one spelling, aliases expanded."""
    if annotation is None:
        return ""

    class Expand(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.parse(names[node.id], mode="eval").body if node.id in names else node

    text = ast.unparse(Expand().visit(annotation))
    for spelling, ours in SPELLINGS.items():
        text = text.replace(spelling, ours)
    return text


def signature(function: ast.FunctionDef, names: dict[str, str]) -> Signature:
    arguments = function.args
    assert arguments.vararg is None
    assert arguments.kwarg is None
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    parameters: list[Parameter] = [
        (kind, arg.arg, default and ast.unparse(default), spelled(arg.annotation, names))
        for kind, group, values in (
            ("positional", positional, defaults),
            ("keyword", arguments.kwonlyargs, arguments.kw_defaults),
        )
        for arg, default in zip(group, values, strict=True)
    ]
    return parameters, spelled(function.returns, names)


def signatures(tree: ast.Module) -> dict[str, Signature]:
    """All functions, methods and properties by dotted name; properties as what they return."""
    names = aliases(tree)
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = signature(node, names)
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    marks = [ast.unparse(mark) for mark in member.decorator_list]
                    found[" ".join([*marks, f"{node.name}.{member.name}"])] = signature(
                        member, names
                    )
    return found


def agree(ours: str, theirs: str) -> bool:
    return theirs in VAGUE or ours == theirs


def test_same_names(written: ast.Module, generated: ast.Module) -> None:
    assert sorted(signatures(written)) == sorted(signatures(generated))
    assert len(signatures(written)) > 10


def test_same_signatures(written: ast.Module, generated: ast.Module) -> None:
    theirs = signatures(generated)
    for name, (parameters, returns) in signatures(written).items():
        their_parameters, their_returns = theirs[name]
        assert [p[:3] for p in parameters] == [p[:3] for p in their_parameters], name
        for (_, parameter, _, ours), (*_, annotation) in zip(
            parameters, their_parameters, strict=True
        ):
            assert agree(ours, annotation), f"{name}, {parameter}: {ours} is not {annotation}"
        assert agree(returns, their_returns), f"{name}: {returns} is not {their_returns}"


def test_no_array_is_converted_by_the_bindings(generated: ast.Module) -> None:
    """With conversion allowed, pybind11 calls an array parameter an ArrayLike."""
    assert "NDArray" in ast.unparse(generated)
    assert "ArrayLike" not in ast.unparse(generated)
