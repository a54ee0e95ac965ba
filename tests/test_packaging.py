"""What an installed otcore says about itself and brings along."""

import importlib.metadata
import re
from pathlib import Path

import pytest

import otcore

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTION = importlib.metadata.distribution("otcore")


def test_the_version_is_that_of_pyproject() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "([^"]+)"', pyproject, flags=re.MULTILINE)
    assert version is not None
    assert otcore.__version__ == DISTRIBUTION.version == version[1]
    assert otcore.info()["version"] == version[1]


def test_numpy_is_the_only_dependency() -> None:
    always = [line for line in DISTRIBUTION.requires or [] if "extra ==" not in line]
    assert always == ["numpy>=2"]


@pytest.mark.parametrize(
    "extra", ["torch", "plot", "cli", "test", "bench", "bench-entropic", "dev"]
)
def test_extras_exist(extra: str) -> None:
    assert extra in (DISTRIBUTION.metadata.get_all("Provides-Extra") or [])


def test_the_command_is_installed() -> None:
    (command,) = DISTRIBUTION.entry_points.select(group="console_scripts")
    assert command.name == "otcore"
    assert callable(command.load())


def test_the_package_is_typed_and_licensed() -> None:
    files = {str(path) for path in DISTRIBUTION.files or []}
    assert {"otcore/py.typed", "otcore/_core.pyi"} <= files
    assert {"otcore/compat/pot/__init__.py", "otcore/compat/pot/lp/__init__.py"} <= files
    assert any(file.endswith("licenses/LICENSE") for file in files)
    assert DISTRIBUTION.metadata["License-Expression"] == "BSD-3-Clause"
