"""bomb_backward with layers that draw or remember, mixed precision and compiled networks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otcore.torch._replay import Replay
from otcore.torch.training import bomb_backward
from training_cases import (
    CACHES,
    NOISE_X,
    NOISE_Y,
    assert_close,
    at_once,
    gradient,
    network,
    pair_cost,
)

X, Y = NOISE_X, NOISE_Y[..., :4]


def fresh() -> nn.Module:
    """A network with batch norm and dropout."""
    made = network(4, nn.BatchNorm1d(8), nn.Dropout(0.3))
    torch.manual_seed(5)
    return made


@pytest.fixture(scope="module")
def expected() -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Gradient and buffers after the loss at once, and the random number that comes next."""
    one = fresh()
    at_once([one(batch) for batch in X], [one(batch) for batch in Y]).backward()
    return gradient(one), dict(one.named_buffers()), torch.rand(())


def assert_as_at_once(one: nn.Module, expected: tuple[Tensor, dict[str, Tensor], Tensor]) -> None:
    assert torch.rand(()) == expected[2]
    assert_close(gradient(one), expected[0])
    for name, buffer in one.named_buffers():
        assert torch.equal(buffer, expected[1][name]), name


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("loss", ["exact", pair_cost])
@pytest.mark.parametrize("as_module", [False, True])
def test_dropout_and_batch_norm(expected: Any, as_module: bool, loss: Any, cache: str) -> None:
    """One mask for all passes of a batch, one update of the running statistics."""
    one = fresh()
    forward = one if as_module else lambda batch: one(batch)
    bomb_backward(forward, forward, (X, Y), loss, cache=cache)
    assert_as_at_once(one, expected)


def test_evaluation_mode() -> None:
    """Nothing is drawn and no buffer moves."""
    one = fresh().eval()
    before = {name: buffer.clone() for name, buffer in one.named_buffers()}
    at_once([one(batch) for batch in X], [one(batch) for batch in Y]).backward()
    wanted = gradient(one)
    one = fresh().eval()
    bomb_backward(one, one, (X, Y))
    assert_close(gradient(one), wanted)
    for name, buffer in one.named_buffers():
        assert torch.equal(buffer, before[name])


def test_compiled_networks(expected: Any) -> None:
    torch._dynamo.reset()
    one = fresh()
    compiled: Any = torch.compile(one, backend="aot_eager")
    bomb_backward(compiled, compiled, (X, Y))
    assert_as_at_once(one, expected)
    torch._dynamo.reset()


@pytest.mark.parametrize("cache", CACHES)
def test_layers_in_the_loss(cache: str) -> None:
    """Every pair sees the masks of the first, and running statistics move once."""
    critic = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5)).double()
    one = network(4)
    bomb_backward(one, one, (X, X), lambda x, y: pair_cost(critic(x), critic(y)), cache=cache)
    assert critic[0].num_batches_tracked == 2  # x and y of the first pair


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("loss", ["exact", pair_cost])
def test_autocast_and_a_scaler(loss: Any, cache: str) -> None:
    """Gradients are scaled before they are rounded to the outputs' dtype."""

    def half(one: nn.Module) -> Any:
        return torch.autocast("cpu", dtype=torch.bfloat16)(one)

    one = network(4).float()
    outputs = [[half(one)(batch.float()) for batch in side] for side in (X, Y)]
    assert outputs[0][0].dtype == torch.bfloat16
    at_once(*outputs).backward()
    wanted = gradient(one)

    one = network(4).float()
    optimizer = torch.optim.SGD(one.parameters(), lr=0.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    step = bomb_backward(
        half(one), half(one), (X.float(), Y.float()), loss, scaler=scaler, cache=cache
    )
    assert_close(gradient(one), 2.0**10 * wanted, 1e-2)
    scaler.unscale_(optimizer)
    assert_close(gradient(one), wanted, 1e-2)
    assert step.value == pytest.approx(at_once(*outputs).item(), rel=1e-6)


def test_one_step_of_a_scaler_and_an_optimiser() -> None:
    one = network(4).float()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu")
    values = []
    for _ in range(30):
        step = bomb_backward(one, None, (X.float(), 2.0 + Y[..., :3].float()), scaler=scaler)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        values.append(step.value)
    assert values[-1] < 0.5 * values[0]


def test_generators_of_cuda_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One device, by stand-ins for torch's functions."""
    device = torch.Generator().manual_seed(0)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: [device.get_state()])
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", lambda states: device.set_state(*states))
    replay, drawn = Replay(None), []
    for _ in range(2):
        with replay():
            drawn.append(torch.rand((), generator=device))
        drawn.append(torch.rand((), generator=device))
    assert drawn[2] == drawn[0]
    assert len(set(map(float, drawn))) == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_networks_on_another_device(expected: Any) -> None:
    """Points come back to the CPU; the activations stay there."""
    one = fresh().eval()
    at_once([one(batch) for batch in X], [one(batch) for batch in Y]).backward()
    wanted = gradient(one)
    one = fresh().eval().cuda()
    bomb_backward(lambda x: one(x.cuda()).cpu(), lambda y: one(y.cuda()).cpu(), (X, Y))
    assert_close(gradient(one).cpu(), wanted, 1e-9)
