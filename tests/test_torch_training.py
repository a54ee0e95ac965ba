"""bomb_backward gives the gradient of the loss of all batches computed at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import otcore
from otcore.torch.losses import EMDLoss, SlicedWassersteinLoss
from otcore.torch.training import bomb_backward
from training_cases import (
    CACHES,
    COUPLINGS,
    INNER,
    KX,
    KY,
    MX,
    MY,
    NOISE_X,
    NOISE_Y,
    assert_close,
    at_once,
    gradient,
    index,
    network,
    networks,
    pair_cost,
)


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("inner", INNER)
def test_losses_by_name(inner: str, coupling: str, cache: str) -> None:
    """Networks on both sides, and other numbers of batches but for the diagonal."""
    options, function, same = COUPLINGS[coupling]
    noise_x = NOISE_X[:KY] if coupling == "diagonal" else NOISE_X
    k = len(noise_x)

    one, two = networks()
    x, y = one(noise_x).flatten(0, 1), two(NOISE_Y).flatten(0, 1)
    batches = index(k, MX), index(KY, MY)
    result = function(x, y, batches=batches, inner=inner, **INNER[inner], **same)
    result.value.backward()
    expected = gradient(one, two)

    one, two = networks()
    step = bomb_backward(
        one, two, (noise_x, NOISE_Y), inner, cache=cache, **options, **INNER[inner]
    )
    assert_close(gradient(one, two), expected)
    torch.testing.assert_close(step.value, result.value.item(), rtol=1e-12, atol=0.0)
    torch.testing.assert_close(step.costs, result.costs.detach(), rtol=1e-12, atol=0.0)
    torch.testing.assert_close(step.coupling, result.coupling.detach(), rtol=1e-8, atol=1e-12)
    assert step.n_pairs == torch.count_nonzero(result.coupling.detach())


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("root", [False, True])
def test_options_of_losses_by_name(root: bool, cache: str) -> None:
    options: dict[str, Any] = {"metric": "cityblock"}
    if root:
        options = {"inner": "sliced", "inner_projections": 20, "inner_p": 3, "seed": 5}
    one, two = networks()
    batches = index(KX, MX), index(KY, MY)
    x, y = one(NOISE_X).flatten(0, 1), two(NOISE_Y).flatten(0, 1)
    otcore.minibatch.bomb_ot(x, y, batches=batches, root=root, **options).value.backward()
    expected = gradient(one, two)
    one, two = networks()
    loss = options.pop("inner", "exact")
    bomb_backward(one, two, (NOISE_X, NOISE_Y), loss, root=root, cache=cache, **options)
    assert_close(gradient(one, two), expected)


class Joint(nn.Module):
    """The cost of DeepJDOT: alpha |g - h|^2 + lambda * the class loss of what F makes of h."""

    def __init__(self) -> None:
        super().__init__()
        self.classify = network(3)

    def forward(self, source: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        points, labels = source
        log_odds = self.classify(target).log_softmax(1)
        costs = 0.5 * torch.cdist(points, target) ** 2 - 0.3 * log_odds.T[labels]
        value: Tensor = otcore.solve(costs).value
        return value


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("outer_reg", [None, 0.1])
def test_a_loss_with_labels_and_a_network_of_its_own(outer_reg: float | None, cache: str) -> None:
    """Algorithm 2, with the source loss, and one network for both sides."""
    labels = torch.arange(KX * MX).view(KX, MX) % 3

    def source_loss(output: Any, batch: Any) -> Tensor:
        points, classes = output
        assert torch.equal(classes, batch[1])
        return nn.functional.cross_entropy(joint.classify(points), classes)

    def forward_source(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        noise, classes = batch
        return body(noise), classes

    source = list(zip(NOISE_X, labels, strict=True))
    target = NOISE_Y[..., :4]

    body, joint = network(4), Joint()
    outputs = [forward_source(batch) for batch in source]
    value = at_once(outputs, [body(batch) for batch in target], joint, outer_reg)
    extra = torch.stack([source_loss(o, b) for o, b in zip(outputs, source, strict=True)]).mean()
    (value + extra).backward()
    expected = gradient(body, joint)

    body, joint = network(4), Joint()
    step = bomb_backward(
        forward_source,
        body,
        (source, target),
        joint,
        outer_reg=outer_reg,
        extra=source_loss,
        cache=cache,
    )
    # The coupling of eBoMb-OT is found to a marginal error of 1e-9.
    assert_close(gradient(body, joint), expected, 1e-12 if outer_reg is None else 1e-7)
    assert step.value == pytest.approx(value.item(), rel=1e-9)
    assert step.extra == pytest.approx(extra.item(), rel=1e-12)


@pytest.mark.parametrize("cache", CACHES)
def test_data_on_one_side(cache: str) -> None:
    """Neither points nor functions that load them get a gradient."""
    data = torch.randn((50, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rows = torch.arange(KY * MY).view(KY, MY)
    one = network(4)
    at_once([one(batch) for batch in NOISE_X], list(data[rows])).backward()
    expected = gradient(one)
    for forward, batches in ((None, data[rows]), (lambda at: data[at], rows)):
        for loss in ("exact", pair_cost):
            one = network(4)
            bomb_backward(one, forward, (NOISE_X, batches), loss, cache=cache)
            assert_close(gradient(one), expected)
    assert data.grad is None


@pytest.mark.parametrize("cache", CACHES)
def test_points_themselves_are_trained(cache: str) -> None:
    """Batches may be leaves, or forwards pick them: gradient flows."""
    rows = torch.tensor([[0, 1, 2], [2, 3, 4]])
    points, other = NOISE_X.reshape(-1, 4)[:5], NOISE_Y[:, :, :4]
    results = []
    for by_step in (False, True):
        leaf = points.clone().requires_grad_()
        if by_step:
            bomb_backward(lambda at, leaf=leaf: leaf[at], None, (rows, other), cache=cache)
        else:
            at_once([leaf[at] for at in rows], list(other)).backward()
        results.append(leaf.grad)
    assert_close(results[1], results[0])
    batches = [points[at].clone().requires_grad_() for at in rows]
    bomb_backward(None, None, (batches, other), cache=cache)
    together = torch.zeros_like(points).index_add_(
        0, rows.flatten(), torch.cat([b.grad for b in batches])
    )
    assert_close(together, results[0])


@pytest.mark.parametrize("loss", ["exact", pair_cost])
def test_images_and_tuples(loss: Any) -> None:
    """Points may have any shape, and of a tuple the first part is the points."""
    one = network(4)
    at_once([one(batch) for batch in NOISE_X], list(NOISE_Y[..., :3])).backward()
    expected = gradient(one)
    one = network(4)

    def images(batch: Tensor) -> list[Any]:
        return [one(batch).view(MX, 1, 3, 1), "a label"]

    if loss != "exact":

        def loss(x: Any, y: Tensor) -> Tensor:
            assert x[1] == "a label"
            return pair_cost(x[0].flatten(1), y)

    bomb_backward(images, None, (NOISE_X, NOISE_Y[..., :3]), loss)
    assert_close(gradient(one), expected)


def test_batches_of_many_sizes() -> None:
    """With a loss that is a function."""
    sizes = [NOISE_X[0], NOISE_X[1][:3], NOISE_X[2][:5]]
    one = network(4)
    at_once([one(batch) for batch in sizes], list(NOISE_Y[..., :3])).backward()
    expected = gradient(one)
    one = network(4)
    bomb_backward(one, None, (sizes, NOISE_Y[..., :3]), EMDLoss())
    assert_close(gradient(one), expected)


@pytest.mark.parametrize("cache", CACHES)
def test_gradients_add_up(cache: str) -> None:
    """Over calls, each with its part; what was in .grad stays."""
    one, two = networks()
    for loss in ("exact", "sliced"):
        options = INNER[loss]
        bomb_backward(one, two, (NOISE_X, NOISE_Y), loss, cache=cache, **options)
    expected = gradient(one, two) / 2
    one, two = networks()
    for loss in ("exact", "sliced"):
        options = INNER[loss]
        bomb_backward(one, two, (NOISE_X, NOISE_Y), loss, cache=cache, scale=0.5, **options)
    assert_close(gradient(one, two), expected)


def test_one_draw_of_directions_for_all_pairs() -> None:
    """A loss that draws at random draws the same for every pair, in both passes."""
    one, two = networks()
    torch.manual_seed(7)
    free = bomb_backward(one, two, (NOISE_X, NOISE_Y), SlicedWassersteinLoss(n_projections=20))
    after = torch.rand(())
    torch.manual_seed(7)
    assert torch.equal(
        SlicedWassersteinLoss(n_projections=20)(
            *(n(z) for n, z in ((one, NOISE_X[0]), (two, NOISE_Y[0])))
        ),
        free.costs[0, 0],
    )
    assert torch.rand(()) == after
    free_gradient = gradient(one, two)
    one, two = networks()
    torch.manual_seed(7)
    outputs = [one(z) for z in NOISE_X], [two(z) for z in NOISE_Y]
    state = torch.get_rng_state()

    def same_directions(x: Tensor, y: Tensor) -> Tensor:
        torch.set_rng_state(state)
        value: Tensor = SlicedWassersteinLoss(n_projections=20)(x, y)
        return value

    at_once(*outputs, same_directions).backward()
    assert_close(free_gradient, gradient(one, two))
