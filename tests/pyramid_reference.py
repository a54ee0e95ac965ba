"""Algorithms 1 and 2 of the Pyramid Mini-Batch paper in plain numpy: oracles for small inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

GetClusters = Callable[[np.ndarray], np.ndarray]


@dataclass
class Node:
    """Points by number, and the clusters they are divided into."""

    x: list[int]
    y: list[int]
    children: list[Node] = field(default_factory=list)

    def nodes(self) -> list[Node]:
        return [self, *(node for child in self.children for node in child.nodes())]


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)


def build(
    X: np.ndarray,
    Y: np.ndarray,
    get_clusters: GetClusters,
    *,
    interleaving: bool,
    leaf_size: int,
    depth: int,
) -> Node:
    """Algorithm 2, and joint clustering of the points of both sides."""

    def grow(x: np.ndarray, y: np.ndarray, level: int) -> Node:
        node = Node(x.tolist(), y.tolist())
        givers = [X[x], Y[y]][level % 2] if interleaving else np.concatenate([X[x], Y[y]])
        if len(x) + len(y) <= leaf_size or level == depth or len(givers) == 0:
            return node
        centres = get_clusters(givers)
        of_x, of_y = nearest(X[x], centres), nearest(Y[y], centres)
        node.children = [grow(x[of_x == c], y[of_y == c], level + 1) for c in range(len(centres))]
        return node

    return grow(np.arange(len(X)), np.arange(len(Y)), 0)


def extract(node: Node, n: int, rng: np.random.Generator) -> tuple[list[int], list[int], int]:
    """Algorithm 1: one batch of at most n pairs, which are taken out of the tree."""
    batch_x: list[int] = []
    batch_y: list[int] = []
    for child in rng.permutation(np.array(node.children, dtype=object)):
        x, y, n = extract(child, n, rng)
        batch_x += x
        batch_y += y
        remove(node, x, y)
        if n == 0:
            return batch_x, batch_y, n
    t = min(n, len(node.x), len(node.y))
    x, y = rng.permutation(node.x)[:t].tolist(), rng.permutation(node.y)[:t].tolist()
    remove(node, x, y)
    return batch_x + x, batch_y + y, n - t


def remove(node: Node, x: list[int], y: list[int]) -> None:
    node.x = [i for i in node.x if i not in x]
    node.y = [j for j in node.y if j not in y]


def full_pass(root: Node, m: int, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
    batches = []
    while root.x:
        x, y, _ = extract(root, m, rng)
        batches.append((x, y))
    return batches


def taken(node: Node) -> tuple[dict[int, int], int, int]:
    """How many pairs a pass takes at each level below the node, and what is left of its points."""
    levels: dict[int, int] = {}
    x, y = (len(node.x), len(node.y)) if not node.children else (0, 0)
    for child in node.children:
        below, left_x, left_y = taken(child)
        x, y = x + left_x, y + left_y
        for level, count in below.items():
            levels[level + 1] = levels.get(level + 1, 0) + count
    pairs = min(x, y)
    levels[0] = levels.get(0, 0) + pairs
    return levels, x - pairs, y - pairs
