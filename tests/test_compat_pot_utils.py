"""otcore.compat.pot beside POT: ground costs, utilities, data sets, pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import ot as pot
import ot.plot as pot_plot
import pytest
import torch

import otcore.compat.pot as ours
import otcore.compat.pot.plot as own_plot
from checks import to_numpy
from pot_pairs import assert_close, check_pair

mpl.use("Agg")
from matplotlib import pyplot

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(7, 3))
W = RNG.random(3)
C = RNG.random((4, 5))
FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "tensor64": torch.as_tensor,
    "tensor32": lambda x: torch.as_tensor(x.astype(np.float32)),
}
METRICS = ["sqeuclidean", "euclidean", "cityblock", "minkowski", "cosine", "correlation"]


# ---------------------------------------------------------------------------------------------
# Ground costs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", METRICS)
def test_dist(form: str, metric: str) -> None:
    x, y = FORMS[form](X), FORMS[form](Y)
    check_pair(lambda ot: ot.dist(x, y, metric))
    check_pair(lambda ot: ot.dist(x, y, metric=metric, use_tensor=True))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_minkowski(form: str, p: float) -> None:
    x, y, w = (FORMS[form](array) for array in (X, Y, W))
    check_pair(lambda ot: ot.dist(x, y, "minkowski", p))
    check_pair(lambda ot: ot.dist(x, y, metric="minkowski", p=p, w=w))


def test_the_points_against_themselves() -> None:
    for metric in METRICS:
        np.testing.assert_allclose(
            ours.dist(X, metric=metric), pot.dist(X, metric=metric), atol=1e-7
        )
    # Exact zeros, where POT has the rounding errors of inner products.
    assert (np.diag(ours.dist(X + 1e6)) == 0).all()


@pytest.mark.parametrize(
    "metric", ["chebyshev", "canberra", "jensenshannon", lambda x, y: abs(x - y).sum()]
)
def test_metrics_of_scipy(metric: Any) -> None:
    x, y = abs(X), abs(Y)
    check_pair(lambda ot: ot.dist(x, y, metric))
    with pytest.raises(NotImplementedError, match=r"^metric: .*expected for tensors"):
        ours.dist(torch.as_tensor(x), torch.as_tensor(y), metric)
    check_pair(lambda ot: ot.dist(x, y, "minkowski", p=0.5))
    check_pair(lambda ot: ot.dist(x, y, backend="scipy"))


def test_bad_points() -> None:
    for module in (pot, ours):
        with pytest.raises(ValueError, match=r".+"):
            module.dist(X, Y[:, :2])
        with pytest.raises(ValueError, match=r".+"):
            module.dist(X[0], Y[0])
        with pytest.raises(ValueError, match="Unknown Distance Metric"):
            module.dist(X, Y, metric="beeline")


def test_integer_points_have_real_costs() -> None:
    x = np.arange(12).reshape(4, 3) ** 2 % 7
    assert_close(ours.dist(x), pot.dist(x.astype(float)))


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_of_costs(metric: str) -> None:
    grads = []
    for module in (pot, ours):
        x, y = (torch.tensor(array, requires_grad=True) for array in (X, Y))
        module.dist(x, y, metric=metric).square().sum().backward()
        grads.append([to_numpy(x.grad), to_numpy(y.grad)])
    np.testing.assert_allclose(grads[1][0], grads[0][0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(grads[1][1], grads[0][1], rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------------------------------------
# Utilities


@pytest.mark.parametrize("form", FORMS)
def test_unif(form: str) -> None:
    check_pair(lambda ot: ot.unif(7))
    check_pair(lambda ot: ot.unif(7, FORMS[form](X)))
    check_pair(lambda ot: ot.unif(3, type_as=np.arange(3)))
    check_pair(lambda ot: ot.unif(0))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("norm", [None, "median", "max", "log", "loglog"])
def test_cost_normalization(form: str, norm: str | None) -> None:
    costs = FORMS[form](C)
    before = to_numpy(costs).copy()
    answer, value = ours.utils.cost_normalization(costs, norm, return_value=True)
    assert np.array_equal(to_numpy(costs), before)
    copy = FORMS[form](C.copy())  # POT's overwrites it
    expected, divisor = pot.utils.cost_normalization(copy, norm, return_value=True)
    assert_close(answer, expected)
    assert (value is None) == (divisor is None)
    if value is not None:
        assert float(value) == pytest.approx(float(divisor), rel=1e-6)
    halved = ours.utils.cost_normalization(costs, norm, value=2.0)
    assert_close(halved, costs / 2 if value is not None else answer)


def test_unknown_normalization() -> None:
    for module in (pot, ours):
        with pytest.raises(ValueError, match="mean"):
            module.utils.cost_normalization(C.copy(), "mean")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("z", [1, 2.5])
def test_proj_simplex(form: str, z: float) -> None:
    for points in (X[0], X, 10 * X, np.array([1.0, 1.0, 1.0, 0.0])):
        array = FORMS[form](points)
        expected = pot.utils.proj_simplex(array, z)
        if form == "float32":  # float64 in POT
            expected = expected.astype(np.float32)
        assert_close(ours.utils.proj_simplex(array, z), expected)
    check_pair(lambda ot: ot.utils.proj_simplex(np.array([3, 1, -2, 3]), 1))


def test_projections_are_differentiable() -> None:
    points = torch.tensor(X, requires_grad=True)
    assert torch.autograd.gradcheck(ours.utils.proj_simplex, points)


def test_arrays_and_zeros() -> None:
    check_pair(lambda ot: ot.utils.list_to_array([1, 2], [[3.0]]))
    check_pair(lambda ot: ot.utils.list_to_array([1, 2]))
    check_pair(lambda ot: ot.utils.list_to_array([1, 2], X.astype("f4"), Y))
    check_pair(lambda ot: ot.utils.list_to_array([1, 2], torch.ones(3, dtype=torch.float64)))
    a, b = np.array([0, 0.5, 0.5, 0]), np.array([0.2, 0, 0.3, 0.5, 0])
    check_pair(lambda ot: ot.utils.clean_zeros(a, b, C))
    tensors = ours.utils.clean_zeros(*map(torch.as_tensor, (a, b, C)))
    for tensor, array in zip(tensors, pot.utils.clean_zeros(a, b, C), strict=True):
        assert_close(tensor.numpy(), array)


def test_small_utilities() -> None:
    check_pair(lambda ot: ot.utils.dist0(5))
    check_pair(lambda ot: ot.utils.euclidean_distances(X, Y))
    check_pair(lambda ot: ot.utils.euclidean_distances(X, Y, squared=True))
    check_pair(lambda ot: ot.utils.is_all_finite(X, Y))
    check_pair(lambda ot: ot.utils.is_all_finite(X, np.array([np.nan])))
    check_pair(lambda ot: ot.utils.check_number_threads("max"))
    check_pair(lambda ot: ot.utils.check_random_state(7).rand(3))
    state = np.random.RandomState(1)
    for module in (pot, ours):
        assert module.utils.check_random_state(state) is state
        assert module.utils.check_random_state(None) is np.random.mtrand._rand
        with pytest.raises(ValueError, match="RandomState"):
            module.utils.check_random_state("seven")


def test_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    ours.tic()
    first, second = ours.toc(), ours.toc("{:.0f} s since")
    assert 0 <= first <= second <= ours.toq()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Elapsed time : {first} s", "0 s since"]


# ---------------------------------------------------------------------------------------------
# Data sets and pictures


def test_data_sets() -> None:
    check_pair(lambda ot: ot.datasets.make_1D_gauss(50, m=20, s=5))
    covariance = np.array([[1.0, -0.8], [-0.8, 1.0]])
    check_pair(lambda ot: ot.datasets.make_2D_samples_gauss(9, [4, 2], covariance, random_state=3))


@pytest.mark.parametrize("style", ["yx", "xy"])
def test_plot_of_a_matrix(style: str) -> None:
    places = []
    for module in (pot_plot, own_plot):
        figure = pyplot.figure()
        axes = module.plot1D_mat(C[:, 0], C[0], C, "title", style, "rows", "columns")
        assert len(figure.axes) == 3
        image = axes[2].images[0].get_array()
        places.append([(ax.get_subplotspec().get_gridspec().get_geometry(),) for ax in axes])
        places[-1] += [ax.get_subplotspec().num1 for ax in axes] + [image.shape]
        places[-1] += [axes[0].lines[0].get_color(), axes[1].lines[0].get_color()]
        figure.canvas.draw()
        pyplot.close(figure)
    assert places[0] == places[1]
    for module in (pot_plot, own_plot):
        with pytest.raises(AssertionError, match="plot_style"):
            module.plot1D_mat(C[:, 0], C[0], C, plot_style="zz")
    pyplot.close("all")


@pytest.mark.parametrize("options", [{}, {"c": [0.5, 0.5, 1]}, {"alpha": 0.5, "color": "g"}])
def test_plot_of_a_plan(options: dict[str, Any]) -> None:
    x, y = X[:, :2], Y[:, :2]
    plan = ours.emd([], [], ours.dist(x, y))
    lines = []
    for module in (pot_plot, own_plot):
        figure = pyplot.figure()
        assert module.plot2D_samples_mat(x, y, plan, **options) is None
        drawn = figure.axes[0].lines
        lines.append([(*line.get_xdata(), *line.get_ydata(), line.get_alpha()) for line in drawn])
        colours = {str(line.get_color()) for line in drawn}
        assert colours == {str(options.get("c", options.get("color", "k")))}
        pyplot.close(figure)
    assert len(lines[0]) == 11
    np.testing.assert_allclose(lines[1], lines[0])
