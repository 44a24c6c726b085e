#!/usr/bin/env python3
"""Reference values for the statistics, by a second implementation in NumPy (no code in common).

The exact figures come from SciPy and scikit-learn.

    python3 tests/golden/stats/make.py > tests/golden/stats/small.json

Explicit loops over pairs and the textbook formulas; seed 20260101.
"""
import json
import math

import numpy as np
import scipy.linalg
import scipy.spatial.distance
import scipy.stats
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(20260101)
x = np.round(rng.normal(size=(14, 5)), 6)
y = np.round(rng.normal(loc=0.4, size=(11, 5)), 6)
gamma = 0.3


def k(a, b):
    return math.exp(-gamma * float(((a - b) ** 2).sum()))


m, n = len(x), len(y)
xx = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j)
yy = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j)
xy = sum(k(a, b) for a in x for b in y)
unbiased = xx / (m * (m - 1)) + yy / (n * (n - 1)) - 2 * xy / (m * n)
biased = (xx + m) / m**2 + (yy + n) / n**2 - 2 * xy / (m * n)
pairs = [float(((x[i] - x[j]) ** 2).sum()) for i in range(m) for j in range(i + 1, m)]

lin = lambda a, b: float(a @ b)
linear = (
    sum(lin(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    + sum(lin(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    - 2 * sum(lin(a, b) for a in x for b in y) / (m * n)
)
cosine = 1 - lin(x.mean(0), y.mean(0)) / math.sqrt(lin(x.mean(0), x.mean(0)) * lin(y.mean(0), y.mean(0)))

ref = np.array([40.0, 25, 10, 0, 5])
cur = np.array([10.0, 12, 9, 6, 0])
p = (cur + 0.5) / (cur.sum() + 0.5 * 5)
q = (ref + 0.5) / (ref.sum() + 0.5 * 5)
kl = float((p * np.log(p / q)).sum())
klr = float((q * np.log(q / p)).sum())
mid = (p + q) / 2
js = float(0.5 * (p * np.log(p / mid)).sum() + 0.5 * (q * np.log(q / mid)).sum())
bias = (5 - 1) / (2 * cur.sum()) * (1 + cur.sum() / ref.sum())


def energy(a, b, unbiased):
    """2E|X-Y| - E|X-X'| - E|Y-Y'|, with or without pairs of a row with itself."""
    inner = 0.0
    for s in (a, b):
        d = scipy.spatial.distance.cdist(s, s).sum()
        inner += d / (len(s) * (len(s) - 1) if unbiased else len(s) ** 2)
    return float(2 * scipy.spatial.distance.cdist(a, b).mean() - inner)


def frechet(a, b):
    """FID of two fitted Ledoit-Wolf models."""
    root = scipy.linalg.sqrtm(a.covariance_ @ b.covariance_).real
    return float(((a.location_ - b.location_) ** 2).sum()
                 + np.trace(a.covariance_ + b.covariance_ - 2 * root))


def gaussian_kl(p, q):
    """KL(p || q) of two fitted models, by inverse and determinants."""
    inverse, shift = np.linalg.inv(q.covariance_), q.location_ - p.location_
    logs = [np.linalg.slogdet(m.covariance_)[1] for m in (q, p)]
    return float(0.5 * (np.trace(inverse @ p.covariance_) + shift @ inverse @ shift
                        - len(shift) + logs[0] - logs[1]))


def classifier_auc(a, b, folds, penalty):
    """Mean AUC over folds, where row i of a sample is in fold i % folds."""
    rows, labels = np.vstack([a, b]), np.r_[np.zeros(len(a)), np.ones(len(b))]
    fold = np.r_[np.arange(len(a)) % folds, np.arange(len(b)) % folds]
    areas = []
    for f in range(folds):
        train, test = fold != f, fold == f
        scaler = StandardScaler().fit(rows[train])
        model = LogisticRegression(C=1 / (penalty * train.sum()), class_weight="balanced",
                                   solver="newton-cholesky", tol=1e-12)
        model.fit(scaler.transform(rows[train]), labels[train])
        scores = model.decision_function(scaler.transform(rows[test]))
        areas.append(roc_auc_score(labels[test], scores))
    return float(np.mean(areas))


fit_x, fit_y = LedoitWolf().fit(x), LedoitWolf().fit(y)
u, v = np.round(x[:, 0], 1), np.round(y[:, 0], 1)  # with ties
# Without ties: whether a value lies on an edge must not be a matter of rounding.
edges = np.quantile(x[:, 1], np.linspace(0, 1, 6)[1:-1])
bins = [np.bincount(np.searchsorted(edges, s[:, 1], side="right"), minlength=5) for s in (x, y)]
pu, pv = ((c + 0.5) / (c.sum() + 2.5) for c in bins)
whole = StandardScaler().fit(np.vstack([x, y]))
full = LogisticRegression(C=1 / (0.3 * (m + n)), class_weight="balanced",
                          solver="newton-cholesky", tol=1e-12)
full.fit(whole.transform(np.vstack([x, y])), np.r_[np.zeros(m), np.ones(n)])
exact = {
    "energy_unbiased": energy(x, y, True), "energy_biased": energy(x, y, False),
    "ledoit_wolf": [fit_x.shrinkage_, fit_y.shrinkage_],
    "frechet": frechet(fit_x, fit_y),
    "gaussian_kl_y_x": gaussian_kl(fit_y, fit_x), "gaussian_kl_x_y": gaussian_kl(fit_x, fit_y),
    "principal_variances": PCA(3).fit(np.vstack([x, y])).explained_variance_.tolist(),
    "u": u.tolist(), "v": v.tolist(),
    "ks": float(scipy.stats.ks_2samp(u, v).statistic),
    "wasserstein": float(scipy.stats.wasserstein_distance(u, v)),
    "energy_1d_root": float(scipy.stats.energy_distance(u, v)),
    "quintiles": edges.tolist(), "quintile_counts": [c.tolist() for c in bins],
    "psi_quintiles": float(scipy.stats.entropy(pu, pv) + scipy.stats.entropy(pv, pu)),
    "auc": float(roc_auc_score(np.r_[np.zeros(m), np.ones(n)], np.r_[u, v])),
    "logistic_scores": full.decision_function(whole.transform(np.vstack([x, y]))).tolist(),
    "classifier_auc": classifier_auc(x, y, 3, 1.0),
}

# What a profile keeps: the regularised inverse covariance, the mean distance to the nearest rows of
# unit length, and the regression of a window's mean on the hour, with the variance that it has.
spread = np.cov(x.T) + 0.5 * np.trace(np.cov(x.T)) / x.shape[1] * np.eye(x.shape[1])
delta = y.mean(0) - x.mean(0)
ux, uy = (s / np.linalg.norm(s, axis=1, keepdims=True) for s in (x, y))
nearest = np.sort(scipy.spatial.distance.cdist(uy, ux), axis=1)[:, :5].mean(1)
hours = np.arange(m) * 5 % 24
basis = lambda hour: np.array([1.0, math.cos(math.tau * hour / 24), math.sin(math.tau * hour / 24)])
design = np.array([basis(hour) for hour in hours])
fitted, squares, _, _ = np.linalg.lstsq(design, x, rcond=None)
at = (basis(3) + basis(4)) / 2
kept = {
    "whitened_sq": float(delta @ np.linalg.solve(spread, delta)),
    "novelty": nearest.tolist(),
    "hours": hours.tolist(),
    "expected_at_half_past_three": (at @ fitted).tolist(),
    "leverage": float(at @ np.linalg.inv(design.T @ design) @ at),
    "residual": float(squares.sum() / (m - 3)),
}

print(json.dumps({
    "x": x.tolist(), "y": y.tolist(), "gamma": gamma,
    "mmd2_unbiased": unbiased, "mmd2_biased": biased,
    "median_sq_distance": float(np.median(pairs)),
    "centroid_sq_unbiased": linear, "centroid_cosine_distance": cosine,
    "reference_counts": ref.tolist(), "window_counts": cur.tolist(),
    "kl_window_reference": kl, "kl_corrected": kl - bias, "psi": kl + klr, "js": js,
    "total_variation": float(0.5 * np.abs(p - q).sum()),
    "exact": exact, "kept": kept,
}, indent=1))
