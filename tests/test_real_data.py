"""Real data against POT and SciPy."""

from __future__ import annotations

import math

import numpy as np
import ot
import pytest
from scipy.optimize import linear_sum_assignment

import otcore
from checks import check_result
from problems import reference_costs
from shared_data import load


def grid(side: int) -> np.ndarray:
    axes = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    return np.stack(axes, -1).reshape(-1, 2).astype(np.float64)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("kind", ["ClassicImages", "GRFrough", "CauchyDensity"])
def test_images_on_a_grid(kind: str, metric: str) -> None:
    """DOTmark at 32 x 32, summed to 16 x 16 cells: integer masses, a cost matrix full of ties."""
    (images,) = load("dotmark", f"{kind}_32")
    a, b = (
        image.reshape(16, 2, 16, 2).sum((1, 3)).ravel().astype(np.float64) for image in images[:2]
    )
    points = grid(16)
    M = reference_costs(points, points, metric)
    expected = float(ot.emd2(a / a.sum(), b / b.sum(), M)) * a.sum()
    result = otcore.solve_sample(points, points, a, b, metric=metric)
    check_result(result, (points, points), a, b, metric=metric, expected_value=expected)
    check_result(otcore.solve(M, a, b), M, a, b, expected_value=expected)


def test_image_with_black_pixels_at_full_size() -> None:
    """32 x 32 pixels with cityblock costs; the darker half of each image is set to zero."""
    (images,) = load("dotmark", "ClassicImages_32")
    a, b = (
        np.where(image > np.median(image), image, 0).ravel().astype(np.float64)
        for image in images[2:4]
    )
    a, b = a / a.sum(), b / b.sum()
    M = reference_costs(grid(32), grid(32), "cityblock")
    expected = float(ot.emd2(a, b, M, numItermax=1_000_000))
    check_result(otcore.solve(M, a, b), M, a, b, expected_value=expected)


def test_features_of_photographs() -> None:
    """Domain adaptation's data: 1024 dimensions, float32, n != m, uniform weights."""
    amazon, webcam = load("office", "amazon_x", "webcam_x")
    X, Y = amazon[:150], webcam[:120]
    M = reference_costs(X, Y)
    result = otcore.solve_sample(X, Y)
    expected = float(ot.emd2([], [], M))
    check_result(result, (X, Y), expected_value=expected)


def test_batches_of_cells() -> None:
    """Flow cytometry events with values in the thousands and repeated rows, in batches."""
    (cells,) = load("cytometry", "X")
    X, Y = (cells[start : start + 30 * 64].reshape(30, 64, -1) for start in (0, 20000))
    batch = otcore.solve_sample_batch(X, Y)
    for k in range(30):
        M = reference_costs(X[k], Y[k])
        rows, cols = linear_sum_assignment(M)
        expected = math.fsum(M[rows, cols]) / 64
        check_result(batch[k], (X[k], Y[k]), expected_value=expected)
