"""Tensors at the door: how they reach the core, and how results become tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import _core
from .._arrays import FLOAT32, NUMPY, Real, contiguous, real_dtype
from .entropic import ProximalValue
from .entropic_tensors import EntropicTensors
from .functions import CostMatrix, ExactValue, LinearMap, apply_function, opaque
from .minibatch import MiniBatchValue
from .oned import LineValue
from .sliced import PlanValue, SlicedValue

if TYPE_CHECKING:
    from .._plan import SparsePlan
    from .._problem import Problem
    from ..cost import Metric

_DTYPES = {True: torch.float32, False: torch.float64}


class TorchLibrary:
    """Dense tensors on the CPU. See `otcore._arrays.Library` for what each method promises."""

    def __reduce__(self) -> str:
        return "TORCH"  # there is one, also after copying and unpickling

    def check_devices(self, tensors: Sequence[tuple[str, Any]]) -> None:
        """TypeError for tensors on two devices, RuntimeError for a device without solvers."""
        first, tensor = tensors[0]
        for name, other in tensors[1:]:
            if other.device != tensor.device:
                raise TypeError(
                    f"{first} is on {tensor.device} and {name} on {other.device}: "
                    "pass tensors on one device"
                )
        if tensor.device.type != "cpu":
            raise RuntimeError(
                f"{first} is on {tensor.device}, and this build of otcore has solvers for the CPU "
                f"only: pass {first}.cpu()"
            )

    def adopt(self, value: object, name: str) -> Tensor:
        if not isinstance(value, Tensor):
            array = NUMPY.adopt(value, name)
            return torch.from_numpy(contiguous(array, real_dtype(array, name)))
        if value.layout != torch.strided:
            raise TypeError(f"{name}: layout {value.layout}, expected a dense tensor")
        if value.dtype.is_complex:
            raise TypeError(f"{name}: dtype {value.dtype}, expected real numbers")
        return value

    def to_numpy(self, array: Tensor) -> npt.NDArray[Any]:
        tensor = array.detach().resolve_neg()
        if tensor.dtype.is_floating_point and tensor.dtype.itemsize <= 2:
            tensor = tensor.float()
        return tensor.numpy()

    def cast(self, array: Tensor, dtype: np.dtype[Any]) -> Tensor:
        return array.to(_DTYPES[dtype == FLOAT32])

    def like(self, array: Tensor, reference: Tensor) -> Tensor:
        return array.to(reference.dtype)

    def detach(self, array: Tensor) -> Tensor:
        return array.detach()

    def n_threads(self) -> int:
        return min(torch.get_num_threads(), _core.num_threads())

    def draw_seed(self, generator: torch.Generator | None = None) -> int:
        if generator is not None and generator.device.type != "cpu":
            raise ValueError(f"seed: a generator on {generator.device}, expected one on the CPU")
        halves = torch.randint(2**32, (2,), generator=generator).tolist()
        return int(halves[0]) << 32 | int(halves[1])

    def wrap(self, array: npt.NDArray[Any], sources: Sequence[Tensor | None] = ()) -> Tensor:
        return opaque(torch.from_numpy(array), sources)

    def cost(self, matrix: Real, x: Tensor, y: Tensor, metric: Metric) -> Tensor:
        return apply_function(CostMatrix, matrix, x, y, metric)

    def value(
        self, problem: Problem, solution: _core.ExactSolution | _core.EntropicSolution
    ) -> Tensor:
        if problem.entropic is None:
            return apply_function(ExactValue, problem, solution, *problem.sources)
        if problem.entropic.method == "ipot":
            return apply_function(ProximalValue, problem, solution, *problem.sources)
        assert isinstance(solution, _core.EntropicSolution)
        found = self.differentiable(problem, solution, slice(None))
        return torch.from_numpy(solution.value) if found is None else found.value()

    def linear_cost(self, problem: Problem, solution: _core.EntropicSolution) -> Tensor:
        found = self.differentiable(problem, solution, slice(None))
        return torch.from_numpy(solution.value_linear) if found is None else found.linear_cost()

    def differentiable(
        self, problem: Problem, solution: _core.EntropicSolution, index: int | slice
    ) -> EntropicTensors | None:
        assert problem.entropic is not None
        if problem.entropic.method == "ipot" or not self.needs_gradient(problem.sources):
            return None
        return EntropicTensors.of_solution(problem, solution, index)

    def minibatch_value(
        self, problem: Problem, solution: _core.MiniBatchSolution | _core.SlicedMiniBatches
    ) -> Tensor:
        return apply_function(MiniBatchValue, problem, solution, *problem.sources)

    def needs_gradient(self, sources: Sequence[Tensor | None]) -> bool:
        tracked = any(source is not None and source.requires_grad for source in sources)
        return tracked and torch.is_grad_enabled()

    def line_value(self, values: _core.LineValues, sources: Sequence[Tensor | None]) -> Tensor:
        return apply_function(LineValue, values, *sources)

    def sliced_value(self, values: _core.SlicedValues, sources: Sequence[Tensor | None]) -> Tensor:
        return apply_function(SlicedValue, values, *sources)

    def plan_value(
        self, value: float, plan: SparsePlan, metric: Metric, sources: Sequence[Tensor | None]
    ) -> Tensor:
        return apply_function(PlanValue, value, plan, metric, *sources[:2])

    def scalar(self, value: Tensor) -> Tensor:
        return value

    def stack(self, arrays: Sequence[Tensor], axis: int) -> Tensor:
        return torch.stack(tuple(arrays), axis)

    def root(self, value: Tensor, power: float) -> Tensor:
        # Not value.clamp(0) ** (1 / power): its gradient at 0 is infinite, and NaN after the chain
        # rule.
        positive = value > 0
        return torch.where(positive, torch.where(positive, value, 1.0) ** (1.0 / power), 0.0)

    def sparse(
        self,
        rows: npt.NDArray[np.int64],
        cols: npt.NDArray[np.int64],
        mass: Real,
        shape: tuple[int, int],
        sources: Sequence[Tensor | None],
    ) -> Tensor:
        places = torch.from_numpy(np.stack([rows, cols]))
        entries = self.wrap(mass, sources)
        return torch.sparse_coo_tensor(places, entries, shape, check_invariants=False).coalesce()

    def linear(
        self, forward: Any, adjoint: Any, values: Tensor, sources: Sequence[Tensor | None]
    ) -> Tensor:
        return opaque(apply_function(LinearMap, values, forward, adjoint), sources)

    def weighted_sum(
        self,
        target: npt.NDArray[np.int64],
        source: npt.NDArray[np.int64],
        mass: npt.NDArray[np.float64],
        values: Tensor,
        size: int,
        sources: Sequence[Tensor | None],
    ) -> Tensor:
        columns = values.shape[1:]
        weights = self.wrap(mass, sources).reshape(-1, *(1 for _ in columns))
        weighted = weights * values[torch.from_numpy(source)]
        total = weighted.new_zeros(size, *columns)
        return total.index_add(0, torch.from_numpy(target), weighted).to(values.dtype)


TORCH = TorchLibrary()
