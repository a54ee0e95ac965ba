"""Transport losses as torch modules."""

from __future__ import annotations

import copy
import math
import pickle
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

import otcore
from otcore.torch import losses

GENERATOR = torch.Generator().manual_seed(0)
X = torch.rand((2, 12, 3), generator=GENERATOR, dtype=torch.float64)
Y = torch.rand((2, 10, 3), generator=GENERATOR, dtype=torch.float64) + 0.3
A = torch.rand((2, 12), generator=GENERATOR, dtype=torch.float64) + 0.1
B = torch.rand((2, 10), generator=GENERATOR, dtype=torch.float64) + 0.1
A, B = A / A.sum(1, keepdim=True), B / B.sum(1, keepdim=True)

# Each loss, and the same by a function of otcore.
LOSSES: dict[str, tuple[losses.TransportLoss, Any]] = {
    "EMDLoss": (losses.EMDLoss(), otcore.solve_sample),
    "IPOTLoss": (
        losses.IPOTLoss(metric="cityblock", reg=0.05),
        partial(otcore.solve_sample, metric="cityblock", method="ipot", reg=0.05),
    ),
    "SinkhornDivergence": (
        losses.SinkhornDivergence(p=1, blur=0.2),
        partial(otcore.entropic.sinkhorn_divergence, metric="euclidean", reg=0.2),
    ),
    "SlicedWassersteinLoss": (
        losses.SlicedWassersteinLoss(n_projections=20, p=3, seed=1),
        partial(otcore.sliced.sliced_wasserstein, n_projections=20, p=3, seed=1),
    ),
    "MaxSlicedWassersteinLoss": (
        losses.MaxSlicedWassersteinLoss(seed=1),
        partial(otcore.sliced.max_sliced_wasserstein, seed=1),
    ),
    "MOTLoss": (
        losses.MOTLoss(k=(3, 2), m=4, seed=1, inner="sinkhorn", inner_reg=0.1),
        partial(otcore.minibatch.m_ot, k=(3, 2), m=4, seed=1, inner="sinkhorn", inner_reg=0.1),
    ),
    "BombOTLoss": (
        losses.BombOTLoss(k=3, m=4, outer_reg=0.1, seed=1, batch_weights="mass"),
        partial(otcore.minibatch.bomb_ot, k=3, m=4, outer_reg=0.1, seed=1, batch_weights="mass"),
    ),
    "PMBLoss": (
        losses.PMBLoss(m=4, leaf_size=2, seed=1),
        partial(otcore.minibatch.pmb_ot, m=4, leaf_size=2, seed=1),
    ),
}
BATCHED = ["EMDLoss", "IPOTLoss", "SinkhornDivergence", "SlicedWassersteinLoss"]


def test_every_loss_is_here() -> None:
    assert set(LOSSES) == set(losses.__all__)


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_those_of_the_function(name: str) -> None:
    loss, function = LOSSES[name]
    weights_have_gradients = name != "PMBLoss"
    results = []
    for call in (loss, lambda *sources: function(*sources).value):
        sources = [part[0].clone().requires_grad_() for part in (X, Y, A, B)]
        for weights in sources[2:]:
            weights.requires_grad_(weights_have_gradients)
        value = call(*sources)
        value.backward()
        results.append([value.detach(), *(source.grad for source in sources)])
    assert results[0][0].dim() == 0
    for mine, other in zip(*results, strict=True):
        if other is not None:
            torch.testing.assert_close(mine, other, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("name", BATCHED)
def test_batches_are_one_by_one(name: str) -> None:
    loss, _ = LOSSES[name]
    together = loss(X, Y, A, B)
    assert together.shape == (2,)
    alone = torch.stack([loss(*sources) for sources in zip(X, Y, A, B, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("name", LOSSES)
def test_dtypes(name: str) -> None:
    loss, _ = LOSSES[name]
    x, y = X[0], Y[0]
    exact = loss(x, y)
    assert exact.dtype == loss(x, y.float()).dtype == torch.float64
    for dtype, accuracy in ((torch.float32, 1e-4), (torch.bfloat16, 0.2)):
        points = x.to(dtype).requires_grad_()
        value = loss(points, y.to(dtype))
        assert value.dtype == torch.float32
        value.backward()
        assert points.grad is not None
        assert points.grad.dtype == dtype
        if name not in ("MOTLoss", "PMBLoss"):  # whose plans may be others
            torch.testing.assert_close(value.double(), exact, rtol=accuracy, atol=accuracy)


@pytest.mark.parametrize("name", LOSSES)
def test_a_module_like_any_other(name: str) -> None:
    loss, _ = LOSSES[name]
    assert repr(loss).startswith(f"{name}(")
    assert not list(loss.parameters())
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)).double().eval()):
        assert repr(twin) == repr(loss)
        assert torch.equal(twin(X[0], Y[0]), loss(X[0], Y[0]))


def plain_sinkhorn(x: Tensor, y: Tensor, p: int, blur: float, reach: float | None) -> Tensor:
    """min <P, c> + eps KL(P | a x b) + rho KL(P 1 | a) + rho KL(P' 1 | b) by its dual."""
    cost, eps = torch.cdist(x, y) ** p / p, blur**p
    rho = torch.inf if reach is None else reach**p
    damping = 1.0 if reach is None else 1.0 / (1.0 + eps / rho)
    log_a, log_b = (torch.zeros(len(z), dtype=z.dtype) - math.log(len(z)) for z in (x, y))
    f, g = torch.zeros_like(log_a), torch.zeros_like(log_b)
    for _ in range(3000):
        f = -damping * eps * ((g - cost) / eps + log_b).logsumexp(1)
        g = -damping * eps * ((f[:, None] - cost) / eps + log_a[:, None]).logsumexp(0)
    plan = ((f[:, None] + g - cost) / eps + log_a[:, None] + log_b).exp()
    if reach is None:
        return f.mean() + g.mean() - eps * (plan.sum() - 1.0)
    return -rho * ((-f / rho).expm1().mean() + (-g / rho).expm1().mean()) - eps * (plan.sum() - 1.0)


@pytest.mark.parametrize("reach", [None, 0.7])
@pytest.mark.parametrize("p", [1, 2])
def test_the_scale_of_the_sinkhorn_divergence(p: int, reach: float | None) -> None:
    """Costs |x - y|^p / p, reg = blur^p, rho = reach^p, from a plain iteration."""
    x, y, blur = X[0], Y[0], 0.3
    plain = partial(plain_sinkhorn, p=p, blur=blur, reach=reach)
    biased = losses.SinkhornDivergence(p=p, blur=blur, reach=reach, debias=False, tol=1e-10)
    torch.testing.assert_close(biased(x, y), plain(x, y), rtol=1e-9, atol=0.0)
    loss = losses.SinkhornDivergence(p=p, blur=blur, reach=reach, tol=1e-10)
    divergence = plain(x, y) - (plain(x, x) + plain(y, y)) / 2
    # The total masses are 1, so that no term of their difference is left.
    torch.testing.assert_close(loss(x, y), divergence, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "plain", "power"),
    [
        (losses.EMDLoss(root=True), losses.EMDLoss(), 2.0),
        (
            losses.EMDLoss(root=True, metric=("minkowski", 3)),
            losses.EMDLoss(metric=("minkowski", 3)),
            3.0,
        ),
        (losses.IPOTLoss(root=True), losses.IPOTLoss(), 2.0),
        (
            losses.SlicedWassersteinLoss(root=True, p=1.5, seed=0),
            losses.SlicedWassersteinLoss(p=1.5, seed=0),
            1.5,
        ),
        (
            losses.MaxSlicedWassersteinLoss(root=True, seed=0),
            losses.MaxSlicedWassersteinLoss(seed=0),
            2.0,
        ),
        (losses.PMBLoss(4, root=True, seed=0), losses.PMBLoss(4, seed=0), 2.0),
    ],
)
def test_roots(loss: Any, plain: Any, power: float) -> None:
    x, y = X[0], Y[0]
    torch.testing.assert_close(loss(x, y), plain(x, y) ** (1.0 / power), rtol=1e-14, atol=0.0)


def test_the_root_of_a_mini_batch_loss_is_that_of_the_pairs() -> None:
    """As in m_ot, where root is an option of the pairs' costs."""
    loss = losses.MOTLoss(k=3, m=4, root=True, seed=2)
    expected = otcore.minibatch.m_ot(X[0], Y[0], k=3, m=4, root=True, seed=2).value
    assert torch.equal(loss(X[0], Y[0]), expected)


def test_the_gradient_of_a_zero_root_is_zero() -> None:
    points = X[0].clone().requires_grad_()
    losses.EMDLoss(root=True)(points, X[0]).backward()
    assert torch.equal(points.grad, torch.zeros_like(points))


def test_directions_are_drawn_anew_unless_there_is_a_seed() -> None:
    x, y = X[0], Y[0]
    torch.manual_seed(3)
    free, fixed = losses.SlicedWassersteinLoss(), losses.SlicedWassersteinLoss(seed=0)
    first, second = free(x, y), free(x, y)
    assert first != second
    assert fixed(x, y) == fixed(x, y)
    torch.manual_seed(3)
    assert free(x, y) == first


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: losses.EMDLoss(metric="nearest"), ValueError, "metric: 'nearest'"),
        (lambda: losses.EMDLoss(metric="cosine", root=True), ValueError, "root: True"),
        (lambda: losses.EMDLoss(max_iter=0), ValueError, "max_iter: 0"),
        (lambda: losses.IPOTLoss(reg=-1.0), ValueError, "reg: -1"),
        (lambda: losses.IPOTLoss(inner_iter=0), ValueError, "inner_iter: 0"),
        (lambda: losses.SinkhornDivergence(p=3), ValueError, "p: 3"),
        (lambda: losses.SinkhornDivergence(blur=0.0), ValueError, "blur: 0"),
        (lambda: losses.SinkhornDivergence(reach=-1.0), ValueError, "reach: -1"),
        (lambda: losses.SlicedWassersteinLoss(p=0.5), ValueError, "p: 0.5"),
        (lambda: losses.SlicedWassersteinLoss(n_projections=0), ValueError, "n_projections: 0"),
        (lambda: losses.SlicedWassersteinLoss(directions="up"), ValueError, "directions: 'up'"),
        (lambda: losses.MaxSlicedWassersteinLoss(max_iter=0), ValueError, "max_iter: 0"),
        (lambda: losses.MOTLoss(k=0, m=4), ValueError, "k: 0"),
        (lambda: losses.MOTLoss(k=2, m="4"), TypeError, "m: str"),
        (lambda: losses.MOTLoss(k=2, m=4, pairs="some"), ValueError, "pairs: 'some'"),
        (lambda: losses.MOTLoss(k=2, m=4, depth=3), TypeError, "depth: unknown"),
        (lambda: losses.BombOTLoss(k=2, m=4, outer_reg=0.0), ValueError, "outer_reg: 0"),
        (lambda: losses.BombOTLoss(k=2, m=4, inner="sinkhorn"), ValueError, "inner_reg: None"),
        (lambda: losses.BombOTLoss(k=2, m=4, inner_reg=1.0), ValueError, "inner_reg: 1.0"),
        (lambda: losses.PMBLoss(0), ValueError, "m: 0"),
        (lambda: losses.PMBLoss(4, inner="sliced"), ValueError, "inner: 'sliced'"),
        (lambda: losses.PMBLoss(4, mode="loose"), ValueError, "mode: 'loose'"),
        (lambda: losses.PMBLoss(4, sampling="disjoint"), TypeError, "sampling: unknown"),
    ],
)
def test_bad_options(make: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize("name", LOSSES)
def test_bad_points(name: str) -> None:
    loss, _ = LOSSES[name]
    x, y = X[0], Y[0]
    with pytest.raises(TypeError, match="X: ndarray, expected a tensor"):
        loss(x.numpy(), y)
    with pytest.raises(TypeError, match="b: list, expected a tensor"):
        loss(x, y, None, [1.0] * 10)
    with pytest.raises(ValueError, match=r"Y.*3"):
        loss(x, y[:, :2])
    with pytest.raises(ValueError, match=r"X: .*nan"):
        loss(torch.full_like(x, torch.nan), y)


COMPILED = {
    "EMDLoss": losses.EMDLoss(root=True),
    "IPOTLoss": LOSSES["IPOTLoss"][0],
    "SinkhornDivergence": losses.SinkhornDivergence(blur=0.3),
    "biased": losses.SinkhornDivergence(p=1, reach=1.0, debias=False),
    "SlicedWassersteinLoss": losses.SlicedWassersteinLoss(directions="quasi", seed=2**64 - 1),
    "MaxSlicedWassersteinLoss": losses.MaxSlicedWassersteinLoss(seed=0),
}


@pytest.mark.parametrize("name", COMPILED)
def test_losses_compile_whole(name: str) -> None:
    loss = COMPILED[name]
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    results = []
    for call in (loss, compiled):
        x = X[0].clone().requires_grad_()
        value = call(x, Y[0])
        value.backward()
        results.append((value.detach(), x.grad))
    torch._dynamo.reset()
    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-15)


def test_compiled_losses_draw_anew() -> None:
    loss = torch.compile(losses.SlicedWassersteinLoss(), fullgraph=True, backend="aot_eager")
    assert loss(X[0], Y[0]) != loss(X[0], Y[0])
    torch._dynamo.reset()


def test_mini_batch_losses_leave_the_graph() -> None:
    """Batches are drawn by the core, which a compiler does not look into."""
    loss = LOSSES["BombOTLoss"][0]
    compiled = torch.compile(lambda x, y: 2.0 * loss(3.0 * x, y), backend="aot_eager")
    torch.testing.assert_close(compiled(X[0], Y[0]), 2.0 * loss(3.0 * X[0], Y[0]))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["EMDLoss", "SlicedWassersteinLoss", "BombOTLoss"])
def test_gradients_are_not_differentiable_again(name: str) -> None:
    x = X[0].clone().requires_grad_()
    (grad,) = torch.autograd.grad(LOSSES[name][0](x, Y[0]), x, create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        grad.sum().backward()


def test_the_sinkhorn_divergence_is_differentiable_twice() -> None:
    loss = losses.SinkhornDivergence(blur=0.5, tol=1e-12)
    x, y = X[0, :4].clone().requires_grad_(), Y[0, :3]
    assert torch.autograd.gradgradcheck(lambda points: loss(points, y), x, atol=1e-4, rtol=1e-3)
