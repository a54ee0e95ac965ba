"""How a function of tensors becomes an operator of torch.

An operator has a kernel (on the CPU), a fake kernel that gives the shapes of its outputs, a rule
that maps a batch of problems onto the kernel for batches, and a derivative. The derivative is an
autograd kernel of its own and not `torch.library.register_autograd`: that one cannot be called
under `torch.func.grad`. It is not an `autograd.Function` around the operator either: torch.compile
inlines those without their backward under `torch.func.grad`, so that gradients come out as zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch._functorch import autograd_function
from torch.autograd import forward_ad

from ..functions import OPAQUE_GRADIENT, apply_function

# What an operator is called as: with its arguments in the order of the schema.
Operator: TypeAlias = Callable[..., Any]

# The gradients in the tensors among an operator's arguments, in their order: of (gradients of the
# differentiable outputs, arguments, outputs, which arguments need one). Rest and None: no gradient.
Backward: TypeAlias = Callable[
    [tuple[Any, ...], tuple[Any, ...], tuple[Tensor, ...], tuple[bool, ...]],
    Sequence[Tensor | None],
]

# How many axes each argument of one problem has; a batch has one more, in front. None: no tensor.
Axes: TypeAlias = Sequence[int | None]

_NOTHING: Mapping[int, Sequence[int]] = {}

_LIBRARY: Any = torch.library.Library("otcore", "FRAGMENT")  # type: ignore[no-untyped-call]

_FORWARD_MODE = (
    "otcore has no forward-mode derivatives (torch.func.jvp, jacfwd, hessian): expected reverse "
    "mode (backward, torch.func.grad, vjp, jacrev)"
)


def define(
    schema: str,
    kernel: Callable[..., Any],
    fake: Callable[..., Any],
    *,
    axes: Axes,
    shared: Sequence[int] = (),
    alone: Sequence[int] = (),
    vmap: Callable[..., Any] | None = None,
    backward: Backward | None = None,
    differentiable: int = 1,
    wants: Mapping[int, Sequence[int]] = _NOTHING,
) -> Operator:
    """Register an operator.

    Parameters
    ----------
    schema
        Name, arguments and returns. No defaults: the dispatcher would drop arguments equal to them.
    kernel
        Computes the outputs, contiguous and sharing no memory, from tensors on the CPU.
    fake
        Makes empty tensors of the outputs' shapes and dtypes. It must not raise for shapes that the
        kernel refuses.
    axes
        Of each argument; tells `vmap` where a batch goes.
    shared
        The places of tensors that may serve all problems of a batch.
    alone
        The places of tensors that a batch has one of. `vmap` over them solves problem by problem.
    vmap
        Another rule, as of `torch.library.register_vmap`.
    backward
        None: a backward pass through the operator raises.
    differentiable
        How many outputs, from the first, `backward` has gradients of.
    wants
        Places of bools, which callers pass as False, and of the tensors whose gradients need them.
    """
    name = schema.partition("(")[0]
    qualified = f"otcore::{name}"
    _LIBRARY.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
    _LIBRARY.impl(name, _isolated(kernel), "CPU")
    torch.library.register_fake(qualified, fake, lib=_LIBRARY)
    operator: Operator = getattr(torch.ops.otcore, name).default
    node = _node(operator, backward, differentiable)

    def autograd(*arguments: Any) -> Any:
        if not any(isinstance(x, Tensor) and _tracked(x) for x in arguments):
            with torch._C._AutoDispatchBelowAutograd():
                return operator(*arguments)
        asked = list(arguments)
        for flag, places in wants.items():
            tensors = (arguments[place] for place in places)
            asked[flag] = asked[flag] or any(t is not None and _tracked(t) for t in tensors)
        # Inside torch.func.grad: the dispatcher has taken this level's wrappers to here, and goes
        # on to the levels below by itself.
        with autograd_function.enable_single_level_autograd_function():  # type: ignore[attr-defined]
            return super(torch.autograd.Function, node).apply(*asked)  # type: ignore[misc]

    _LIBRARY.impl(name, autograd, "Autograd")
    rule = vmap or _folding(operator, axes, shared, alone)
    torch.library.register_vmap(qualified, rule, lib=_LIBRARY)
    return operator


def refusing(
    compute: Callable[..., Any], *tensors: Tensor | None, sources: Sequence[Tensor | None] = ()
) -> Any:
    """compute(*tensors), gradients that refuse a derivative of their own.

    They also depend on the sources. `compute` must not hold tensors.
    """
    return apply_function(_Refusing, compute, len(tensors), *tensors, *sources)


def observed(*tensors: Tensor | None) -> bool:
    """Whether torch must see operators: it compiles, transforms, or records for a derivative."""
    if torch.compiler.is_compiling():
        return True
    if torch._C._are_functorch_transforms_active() or torch._C._len_torch_dispatch_stack():
        return True
    return any(
        t is not None and (_tracked(t) or type(t) not in (Tensor, torch.nn.Parameter))
        for t in tensors
    )


def check_tensors(**tensors: object) -> None:
    """TypeError for what is no dense tensor, RuntimeError for a device without solvers."""
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: a {type(tensor).__name__}, expected a torch tensor")
        if tensor.layout != torch.strided:
            raise TypeError(f"{name}: layout {tensor.layout}, expected a dense tensor")
        if tensor.device.type == "meta":
            raise RuntimeError(f"{name} is a meta tensor, which has no data: expected one with")
        if tensor.device.type != "cpu":
            raise RuntimeError(
                f"{name} is on {tensor.device}, and this build of otcore has solvers for the CPU "
                f"only: pass {name}.cpu()"
            )


def _tracked(x: Tensor) -> bool:
    """Whether a derivative, of either mode, is recorded of what is made of x."""
    if x.requires_grad and torch.is_grad_enabled():
        return True
    return forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]


class _Refusing(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(compute: Callable[..., Any], count: int, *tensors: Tensor | None) -> Any:
        return compute(*tensors[:count])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        raise RuntimeError(OPAQUE_GRADIENT)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise NotImplementedError(_FORWARD_MODE)


def _isolated(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel, whose own use of torch neither autograd nor autocast sees."""

    def isolated(*arguments: Any) -> Any:
        with torch.no_grad():
            if not torch.is_autocast_enabled("cpu"):
                return kernel(*arguments)
            with torch.autocast("cpu", enabled=False):
                return kernel(*arguments)

    return isolated


def _node(
    operator: Operator, rule: Backward | None, differentiable: int
) -> type[torch.autograd.Function]:
    class Node(torch.autograd.Function):
        @staticmethod
        def forward(*arguments: Any) -> Any:
            # torch has turned gradients off, for this level: those below go by their own inputs.
            with torch.enable_grad(), torch._C._AutoDispatchBelowAutograd():
                return operator(*arguments)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            outputs = output if isinstance(output, tuple) else (output,)
            ctx.set_materialize_grads(False)
            if rule is not None:
                ctx.mark_non_differentiable(*outputs[differentiable:])
                ctx.save_for_backward(*(x for x in inputs if isinstance(x, Tensor)), *outputs)
                ctx.options = tuple(None if isinstance(x, Tensor) else x for x in inputs)
                ctx.tensors = tuple(isinstance(x, Tensor) for x in inputs)

        @staticmethod
        def backward(ctx: Any, *grads: Tensor | None) -> Any:
            if rule is None:
                raise RuntimeError(OPAQUE_GRADIENT)
            needed = ctx.needs_input_grad
            if all(grad is None for grad in grads):
                return (None,) * len(needed)
            saved = iter(ctx.saved_tensors)
            inputs = tuple(
                next(saved) if tensor else option
                for tensor, option in zip(ctx.tensors, ctx.options, strict=True)
            )
            found = tuple(rule(grads[:differentiable], inputs, tuple(saved), needed))
            return found + (None,) * (len(needed) - len(found))

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            raise NotImplementedError(_FORWARD_MODE)

    return Node


def _folding(
    operator: Operator, axes: Axes, shared: Sequence[int], alone: Sequence[int]
) -> Callable[..., Any]:
    """The rule that makes the mapped axis the batch of the operator, or a part of it."""

    def rule(info: Any, in_dims: Sequence[int | None], *arguments: Any) -> Any:
        size = info.batch_size
        if any(in_dims[place] is not None for place in alone):
            return _one_by_one(operator, size, in_dims, arguments)
        lead = next(
            (
                x.shape[x.dim() - core - 1]
                for x, core, mapped in zip(arguments, axes, in_dims, strict=True)
                if isinstance(x, Tensor) and core is not None and _own(x, mapped) > core
            ),
            None,
        )
        folded = list(arguments)
        for place, (x, core, mapped) in enumerate(zip(arguments, axes, in_dims, strict=True)):
            if not isinstance(x, Tensor) or core is None:
                continue
            own = _own(x, mapped)
            if own < core:
                name = operator._schema.arguments[place].name  # type: ignore[attr-defined]
                raise ValueError(f"{name}: {own} axes under vmap, expected {core} or {core + 1}")
            serves_all = mapped is None and own == core
            if serves_all and place in shared:
                continue
            x = x.expand(size, *x.shape) if mapped is None else x.movedim(mapped, 0)
            if lead is not None:
                if own == core:
                    x = x.unsqueeze(1).expand(size, lead, *x.shape[1:])
                x = x.flatten(0, 1)
            folded[place] = x
        found = operator(*folded)
        several = isinstance(found, tuple)
        outputs: tuple[Any, ...] = found if several else (found,)
        if lead is not None:
            outputs = tuple(y.unflatten(0, (size, lead)) for y in outputs)
        return (outputs, (0,) * len(outputs)) if several else (outputs[0], 0)

    return rule


def _one_by_one(
    operator: Operator, size: int, in_dims: Sequence[int | None], arguments: Sequence[Any]
) -> Any:
    found = [
        operator(
            *(
                x if mapped is None else x.select(mapped, i)
                for x, mapped in zip(arguments, in_dims, strict=True)
            )
        )
        for i in range(size)
    ]
    if isinstance(found[0], Tensor):
        return torch.stack(found), 0
    return tuple(map(torch.stack, zip(*found, strict=True))), (0,) * len(found[0])


def _own(x: Tensor, mapped: int | None) -> int:
    """How many axes a tensor has that vmap does not map."""
    return x.dim() - (mapped is not None)


# ---------------------------------------------------------------------------------------------
# What gradients that are made of torch's own operators end with


def _per_source(grad: Tensor, source: Tensor) -> Tensor:
    if grad.dim() > source.dim():
        grad = grad.sum(0)
    assert grad.shape == source.shape
    return torch.empty(source.shape, dtype=source.dtype).copy_(grad)


def _per_source_folded(
    info: Any, in_dims: tuple[int | None, int | None], grad: Tensor, source: Tensor
) -> tuple[Tensor, int]:
    size, dims = info.batch_size, _own(source, in_dims[1])
    grad = grad.expand(size, *grad.shape) if in_dims[0] is None else grad.movedim(in_dims[0], 0)
    return (grad.sum(1) if grad.dim() - 1 > dims else grad).to(source.dtype), 0


per_source: Callable[[Tensor, Tensor], Tensor] = define(
    "per_source(Tensor grad, Tensor source) -> Tensor",
    _per_source,
    lambda grad, source: source.new_empty(source.shape),
    axes=(),
    vmap=_per_source_folded,
    backward=lambda grads, inputs, *_: [grads[0].to(inputs[0].dtype).expand(inputs[0].shape)],
)
"""The gradient of each problem's `source`, or summed where all share one; in its dtype. Tracers are
told that its shape is right also where the shapes of arguments are not, which kernels find out."""
