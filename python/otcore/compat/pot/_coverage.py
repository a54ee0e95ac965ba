"""What `otcore.compat.pot` says about the parts of POT that it does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable

_SCOPE = ": otcore.compat.pot covers exact and entropic transport only"


def missing(module: str, name: str, names: Iterable[str]) -> AttributeError:
    """The error of a module that lacks a name."""
    if name.startswith("__"):
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    return AttributeError(
        f"{module} has no {name!r}: it covers POT's exact and entropic transport, namely "
        f"{', '.join(sorted(names))}. For anything else import POT itself (pip install POT)."
    )


def refuse(covered: str, **arguments: object) -> None:
    """NotImplementedError naming the first of the arguments that is not None."""
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"{name}: {_short(value)}, expected {covered}{_SCOPE}")


def check_choice(
    name: str, value: object, covered: Collection[object], others: Iterable[object]
) -> None:
    """NotImplementedError for one of POT's other choices, ValueError for an unknown one."""
    if value in covered:
        return
    expected = " or ".join(map(repr, covered))
    if value in others:
        raise NotImplementedError(f"{name}: {value!r}, expected {expected}{_SCOPE}")
    raise ValueError(f"{name}: {value!r}, expected {expected}")


def _short(value: object) -> str:
    return repr(value) if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"
