"""Unbalanced entropic problems in POT's conventions, answered by `otcore.solve`.

POT's plans are P_ij = u_i c_ij exp(-M_ij / reg) v_j with c = ab or c = 1 or one that is given;
otcore's have c = ab. With the weights a^theta, theta = rho / (rho + reg), and b likewise, reg
KL(P | a^theta x b^theta) + rho KL(P 1 | a^theta) is reg sum P log P + rho KL(P 1 | a) up to terms
in the masses: so c = 1 makes otcore's problem with other weights, where log u = theta log a + f /
reg, and any c becomes 1 with the costs M - reg log c.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ..._arrays import FLOAT64, Array, open_door, shape_error
from ...cost import MetricLike
from ._arguments import Arguments
from ._entropic import Settings, call_solver, regularisation, tolerance
from ._entropic_result import EntropicResult
from ._scalings import Conventions, log_of, log_weights, start_potentials, x_log_x

Pair: TypeAlias = tuple[float, float]


def unbalanced_entropic(
    arguments: Arguments,
    reg: Any,
    reg_m: Any,
    settings: Settings,
    *,
    reg_type: str = "kl",
    c: Any = None,
    metric: MetricLike | None = None,
    start: Any = None,
) -> EntropicResult:
    """The solution for marginals that cost rho_a KL(P 1 | a) + rho_b KL(P^T 1 | b).

    `reg_type`: "kl" regularises by KL(P | c), with c = ab unless it is given; "entropy" by sum P
    log P - P. `start`: log u and log v.
    """
    epsilon = regularisation(reg)
    rho = relaxations(reg_m)
    library = arguments.library
    product = reg_type == "kl" and c is None
    solved, reference = arguments, None
    if not product:
        solved = _damped(arguments, rho, epsilon)
        if reg_type == "kl":
            (M,) = arguments.data
            reference = _reference(arguments, c)
            solved = replace(solved, data=(M - epsilon * log_of(reference),))
    n, m = arguments.sides
    logs = log_weights(solved) if not product else (np.zeros(n), np.zeros(m))
    balanced = math.isinf(rho[0]) and math.isinf(rho[1])
    result = call_solver(
        solved,
        metric,
        settings,
        reg=epsilon,
        unbalanced=None if balanced else rho,
        tol=tolerance(settings, arguments, relative=not balanced),
        potentials_init=start_potentials(start, logs, epsilon),
    )
    value, cost = result.value, result.value_linear
    if not product:
        value = value + _entropy_shift(arguments, solved, rho, epsilon)
    if reference is not None:
        value = value + epsilon * library.cast(reference, FLOAT64).sum()
        cost = (result.plan * arguments.data[0]).sum()
    conventions = Conventions(epsilon, logs, centred=balanced, grad=settings.grad)
    return EntropicResult(result, arguments, value, cost, conventions)


def check_regulariser(reg_type: str) -> str:
    """The regulariser in lower case: "kl" or "entropy"; else ValueError."""
    kind = reg_type.lower()
    if kind not in ("kl", "entropy"):
        raise ValueError(f"reg_type: {reg_type!r}, expected 'kl' or 'entropy'")
    return kind


def relaxations(reg_m: Any) -> Pair:
    """POT's reg_m, a number or one or two of them, as a pair."""
    values = np.atleast_1d(np.asarray(reg_m, dtype=np.float64))
    if values.shape not in ((1,), (2,)):
        raise ValueError(f"reg_m: shape {values.shape}, expected one number or two")
    if not (values > 0).all():
        raise ValueError(f"reg_m: {reg_m}, expected positive numbers or infinity")
    return float(values[0]), float(values[-1])


def _damped(arguments: Arguments, rho: Pair, reg: float) -> Arguments:
    """The arguments with the weights to the powers rho / (rho + reg)."""
    weights: list[Array] = []
    sides = zip((arguments.a, arguments.b), arguments.sides, rho, strict=True)
    for given, length, relaxation in sides:
        theta = 1.0 if math.isinf(relaxation) else relaxation / (relaxation + reg)
        if given is None:
            given = arguments.library.like(
                arguments.library.wrap(np.full(length, 1.0 / length)), arguments.like
            )
        # The solver refuses negative weights by their names and values.
        negative = bool((given < 0).any())
        weights.append(given if negative else given**theta)
    return replace(arguments, a=weights[0], b=weights[1])


def _entropy_shift(arguments: Arguments, solved: Arguments, rho: Pair, reg: float) -> Any:
    """The objective with reg sum P log P - P, less otcore's with the weights of `solved`."""
    mass_a, mass_b = solved.a.sum(), solved.b.sum()  # type: ignore[union-attr]
    shift = -reg * mass_a * mass_b
    originals = zip((arguments.a, arguments.b), arguments.sides, rho, strict=True)
    for (given, length, relaxation), damped in zip(originals, (mass_a, mass_b), strict=True):
        if math.isinf(relaxation):
            shift = shift + reg * x_log_x(arguments, given, length)
        else:
            mass = 1.0 if given is None else given.sum()
            shift = shift + relaxation * (mass - damped)
    return shift


def _reference(arguments: Arguments, c: Any) -> Array:
    """POT's c: the measure, positive everywhere, that plans are compared with."""
    library, (M, reference) = open_door((("M", arguments.data[0]), ("c", c)))
    values = library.to_numpy(reference)
    if values.shape != tuple(M.shape):
        raise shape_error("c", values.shape, f"{tuple(M.shape)}, that of M")
    if not (values > 0).all() or not np.isfinite(values).all():
        raise ValueError("c: an entry that is not positive, expected positive finite numbers")
    return library.like(reference, M)
