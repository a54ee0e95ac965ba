"""What a pair of mini-batches costs, and how pairs are weighed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from .._minibatch_options import inner_options, outer_strength
from .._options import check_choice
from ..cost import parse_metric
from ..minibatch import MiniBatchResult, bomb_ot, m_ot
from ..solve import solve
from ._batch_side import Output, points_of

PairLoss: TypeAlias = Callable[[Any, Any], Tensor]

# The L1 error of the marginals of an entropic coupling of the batches, as in bomb_ot.
_OUTER_TOLERANCE = 1e-9

# What a loss by name takes: how bomb_ot is told about inner problems, with its defaults; and more.
_INNER: dict[str, Any] = {
    "inner_reg": None,
    "inner_rho": None,
    "inner_value": "objective",
    "inner_tol": None,
    "inner_max_iter": None,
    "inner_iter": 1,
    "inner_projections": None,
    "inner_p": None,
    "metric": "sqeuclidean",
}
_OTHER = ("root", "seed", "n_threads")


class Weighed(NamedTuple):
    """<coupling, costs>, and its derivative in the costs beside what it is made of."""

    value: float
    costs: Tensor
    coupling: Tensor
    slopes: Tensor


class Coupling(NamedTuple):
    """How pairs of batches are weighed."""

    kind: str  # "optimal", "product" or "diagonal"
    outer_reg: float | None

    @classmethod
    def checked(cls, kind: str, outer_reg: float | None) -> Coupling:
        check_choice("coupling", kind, ("optimal", "product", "diagonal"))
        outer_strength(outer_reg)
        if kind != "optimal" and outer_reg is not None:
            raise ValueError(f"outer_reg: {outer_reg!r}, expected None with coupling={kind!r}")
        return cls(kind, outer_reg)

    def weigh(self, costs: Tensor) -> Weighed:
        """The coupling for these costs, (kx, ky), or (k,) for the diagonal."""
        if self.kind != "optimal":
            uniform = torch.full_like(costs, 1.0 / costs.numel())
            return Weighed(float(costs.mean()), costs, uniform, uniform)
        table = costs.clone().requires_grad_()
        with torch.enable_grad():
            if self.outer_reg is None:
                result = solve(table)
                value = result.value
            else:
                result = solve(table, reg=self.outer_reg, tol=_OUTER_TOLERANCE)
                value = result.value_linear
        value.backward()
        assert table.grad is not None
        return Weighed(float(value.detach()), costs, result.plan.detach(), table.grad)


def check_inner(
    inner: str, options: dict[str, Any], others: tuple[str, ...], function: str
) -> None:
    """Raises for options of inner problems that are wrong, and those unknown to `function`."""
    for name in options:
        if name not in _INNER and name not in others:
            raise TypeError(f"{name}: unknown, expected an option of {function}")
    inner_options(inner, **{name: options.get(name, _INNER[name]) for name in _INNER})
    parse_metric(options.get("metric", "sqeuclidean"))


class InnerLoss:
    """A mini-batch loss by the name of its inner problem: of one pair, or of all in one call."""

    def __init__(self, inner: str, options: dict[str, Any]) -> None:
        check_inner(inner, options, _OTHER, "otcore.minibatch.bomb_ot")
        self._options = {"inner": inner, **options}

    def fix_directions(self, seed: int) -> None:
        """Has all sliced losses draw the same directions, from the seed where there is no other."""
        drawn = isinstance(self._options.get("inner_projections"), int | None)
        if self._options["inner"] == "sliced" and drawn:
            given = self._options.get("seed")
            self._options["seed"] = given if isinstance(given, int) else seed

    def together(self, x: Tensor, y: Tensor, coupling: Coupling) -> MiniBatchResult:
        """The loss of all batches x (kx, m, d) and y (ky, m', d)."""
        batches = tuple(torch.arange(z.shape[0] * z.shape[1]).view(z.shape[:2]) for z in (x, y))
        points = x.flatten(0, 1), y.flatten(0, 1)
        if coupling.kind == "optimal":
            return bomb_ot(*points, batches=batches, outer_reg=coupling.outer_reg, **self._options)
        pairs = "diagonal" if coupling.kind == "diagonal" else "all"
        return m_ot(*points, batches=batches, pairs=pairs, **self._options)

    def __call__(self, x: Output, y: Output) -> Tensor:
        """The loss of one pair; sliced ones have the directions of the first."""
        pair = points_of(x, "forward_x")[None], points_of(y, "forward_y")[None]
        result = self.together(*pair, Coupling("diagonal", None))
        if result.projections is not None:
            self._options["inner_projections"] = result.projections
            self._options.pop("seed", None)
        return result.value  # type: ignore[no-any-return]
