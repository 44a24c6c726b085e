#!/usr/bin/env python3
"""Reference values for the statistics, by a second implementation in NumPy (no code in common).

    python3 tests/golden/stats/make.py > tests/golden/stats/small.json

Explicit loops over pairs and the textbook formulas; seed 20260101.
"""
import json
import math

import numpy as np

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

print(json.dumps({
    "x": x.tolist(), "y": y.tolist(), "gamma": gamma,
    "mmd2_unbiased": unbiased, "mmd2_biased": biased,
    "median_sq_distance": float(np.median(pairs)),
    "centroid_sq_unbiased": linear, "centroid_cosine_distance": cosine,
    "reference_counts": ref.tolist(), "window_counts": cur.tolist(),
    "kl_window_reference": kl, "kl_corrected": kl - bias, "psi": kl + klr, "js": js,
    "total_variation": float(0.5 * np.abs(p - q).sum()),
}, indent=1))
