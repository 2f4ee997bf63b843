# SPDX-License-Identifier: GPL-3.0-or-later
"""Where vectors lie on a map of two dimensions, and which of them are a group."""

from __future__ import annotations

import numpy as np

from radiofm_core.errors import UsageError

# Of the vectors, the directions that are looked at
DIRECTIONS = 30
# About how many neighbours each point is placed by
PERPLEXITY = 15
# Fewer points are laid out by their two main directions
LEAST_FOR_TSNE = 8
MOST_GROUPS = 20
# Vectors that are no farther apart are the same
LEAST_SPREAD = 1e-6
SEED = 0


def lay_out(vectors: np.ndarray) -> np.ndarray:
    """float (n, 2), both within -1 .. 1, near each other where the vectors are: t-SNE (van der
    Maaten and Hinton, 2008) of their principal components, the same on each call."""
    count = len(vectors)
    if np.ptp(vectors, axis=0).max() < LEAST_SPREAD:
        return np.zeros((count, 2))  # all alike, or one alone
    directions = _directions(vectors)
    if count < LEAST_FOR_TSNE:
        return _scaled(np.pad(directions, ((0, 0), (0, 2)))[:, :2])
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (count - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=SEED, n_jobs=1)
    return _scaled(tsne.fit_transform(directions).astype(float))


def find_groups(places: np.ndarray, count: int | None = None) -> np.ndarray:
    """int (n,): numbers from 1 on, the largest group first. Ward's clustering of the map's places,
    so that a group is what is seen together. Without a ``count`` there are as many groups as half
    of the points has its square root, at most MOST_GROUPS: rather two of one kind than two kinds in
    one. Raises UsageError: more groups than points."""
    most = len(places)
    if count is not None and not 1 <= count <= most:
        raise UsageError(f"--groups {count}: expected 1 to {most}, the number of emissions")
    wanted = count or min(MOST_GROUPS, max(1, round((most / 2) ** 0.5)))
    if wanted == 1:
        return np.ones(most, int)
    from sklearn.cluster import AgglomerativeClustering

    found = AgglomerativeClustering(wanted).fit_predict(places)
    numbers = np.empty(wanted, int)
    numbers[np.argsort(-np.bincount(found), kind="stable")] = np.arange(1, wanted + 1)
    return numbers[found]


def _directions(vectors: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    if not np.isfinite(vectors).all():
        raise UsageError("the encoder answers what is not finite; take another --model")
    most = min(DIRECTIONS, *vectors.shape)
    return PCA(most, svd_solver="full").fit_transform(vectors.astype(float))


def _scaled(places: np.ndarray) -> np.ndarray:
    low, high = places.min(0), places.max(0)
    return (places - (low + high) / 2) / max(1e-9, (high - low).max() / 2)
