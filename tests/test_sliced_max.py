"""The largest slice: closed forms, no slice is larger, gradients, options."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

import otcore
from otcore.sliced import max_sliced_wasserstein, sliced_wasserstein
from sliced_cases import POWERS, clouds, masses, tensors


def test_max_sliced_of_a_translation() -> None:
    x, t = clouds(200, 1, 10)
    result = max_sliced_wasserstein(x, x + t, seed=0)
    assert result.status == "converged"
    assert result.value == pytest.approx((t**2).sum(), rel=1e-9)
    direction = result.direction * np.sign(result.direction @ t[0])
    np.testing.assert_allclose(direction, t[0] / np.linalg.norm(t), atol=1e-5)


@pytest.mark.parametrize("p", POWERS)
def test_max_sliced_is_above_every_slice(p: float) -> None:
    x, y = clouds(60, 40, 3)
    a, b = masses(60, 40)
    many = sliced_wasserstein(x, y, a, b, p=p, n_projections=3000, seed=0)
    result = max_sliced_wasserstein(x, y, a, b, p=p, seed=1)
    assert result.value >= many.costs.max() * (1 - 1e-3)
    at = sliced_wasserstein(x, y, a, b, p=p, projections=result.direction[:, None])
    assert at.value == pytest.approx(result.value, rel=1e-12)


def test_max_sliced_gradients() -> None:
    """At a smooth maximum: that of a translation."""
    x, t = tensors(12, 1, 3)
    y = (x.detach() + t.detach()).requires_grad_()
    s = torch.zeros(12, dtype=torch.float64, requires_grad=True)
    assert gradcheck(
        lambda x, y, s: max_sliced_wasserstein(x, y, s.softmax(0), seed=0, tol=1e-15).value,
        (x, y, s),
    )


def test_max_sliced_options() -> None:
    x, y = clouds(60, 40, 6)
    with pytest.warns(otcore.ConvergenceWarning, match=r"^max_iter: 2"):
        result = max_sliced_wasserstein(x, y, seed=0, max_iter=2)
    assert (result.status, result.n_iter) == ("max_iter", 2)
    with pytest.raises(ValueError, match=r"^projections: direction 1 is 0"):
        max_sliced_wasserstein(x, y, projections=np.eye(6)[:, :2] * [1.0, 0.0])
    with pytest.raises(ValueError, match=r"^tol: -1"):
        max_sliced_wasserstein(x, y, tol=-1)
    same = max_sliced_wasserstein(x, x, seed=0)
    assert same.value == 0
    one = max_sliced_wasserstein(x, y, seed=0, n_threads=1)
    assert one.value == max_sliced_wasserstein(x, y, seed=0, n_threads=2).value
