"""No symbol compiled for one instruction set level can replace that of another.

A weak symbol (an inline function of a header, say) is compiled into many objects, and the linker
keeps any one of them: were it the one of an AVX-512 object, every older processor would crash.
"""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import otcore

ROOT = Path(__file__).resolve().parents[1]
WHEEL_TAG = f"cp{sysconfig.get_config_var('py_version_nodot')}"
LEVELS = [level.replace("neon", "baseline") for level in otcore.info()["isa_compiled"]]


def kernel_objects(level: str) -> list[Path]:
    trees = [ROOT / "build" / "dev", *(ROOT / "build").glob(f"{WHEEL_TAG}-*")]
    pattern = f"csrc/CMakeFiles/otcore_*_{level}.dir/*/kernels.cpp.o"
    return sorted(found for tree in trees for found in tree.glob(pattern))


def defined_symbols(path: Path) -> list[tuple[str, str]]:
    """Kind (nm's letter) and name of each symbol the object defines."""
    lines = subprocess.run(
        ["nm", "--defined-only", "--format=posix", str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [(line.split()[1], line.split()[0]) for line in lines]


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm (binutils) is not installed")
@pytest.mark.parametrize("level", LEVELS)
def test_kernels_define_no_symbol_of_another_level(level: str) -> None:
    objects = kernel_objects(level)
    if not objects:
        pytest.skip("no build tree: the package came as a wheel")
    for path in objects:
        symbols = defined_symbols(path)
        weak = [symbol for kind, symbol in symbols if kind in "WwVvu"]
        assert not weak, f"{path} defines weak symbols"
        shared = [symbol for kind, symbol in symbols if kind.isupper() and kind != "U"]
        assert shared, f"{path} defines nothing that others can use"
        foreign = [symbol for symbol in shared if level not in symbol]
        assert not foreign, f"{path} defines symbols outside its level's namespace"
