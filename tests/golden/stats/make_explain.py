#!/usr/bin/env python3
"""Reference values for the explanations, by a second implementation in NumPy (no code in common).

    python3 tests/golden/stats/make_explain.py > tests/golden/stats/explain.json

Explicit loops over pairs, events and cuts instead of sums; LAPACK's SVD for the axes; seed 20260102.
"""
import json

import numpy as np

rng = np.random.default_rng(20260102)


def log_odds(a, b, mass):
    """Monroe, Colaresi, Quinn 2008, equations 15, 20 and 22, over a whole vocabulary."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    alpha = mass * (a + b) / (a.sum() + b.sum())
    alpha0 = alpha.sum()
    odds_a = (a + alpha) / (a.sum() + alpha0 - (a + alpha))
    odds_b = (b + alpha) / (b.sum() + alpha0 - (b + alpha))
    delta = np.log(odds_a) - np.log(odds_b)
    return delta, delta / np.sqrt(1 / (a + alpha) + 1 / (b + alpha))


counts_a = rng.integers(0, 60, size=12)
counts_b = rng.integers(0, 300, size=12)
counts_a[0], counts_b[0] = 25, 0
counts_a[1], counts_b[1] = 0, 140
delta, z = log_odds(counts_a, counts_b, 500.0)

# Axes: right singular vectors of the centred rows; single precision is what the rows are kept in.
rows = rng.normal(size=(60, 9)) @ np.diag([3, 2, 1.2, 1, 0.8, 0.6, 0.5, 0.4, 0.3]) @ np.linalg.qr(
    rng.normal(size=(9, 9)))[0]
rows = np.float32(np.round(rows, 4)).astype(float)
_, s, vt = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
axes = [v * np.sign(v[np.argmax(np.abs(v))]) for v in vt[:2]]
projected = [[float((row - rows.mean(0)) @ axis) for axis in axes] for row in rows[:4]]

# Change point: events in buckets, every cut by the means of the events themselves.
sizes = [7, 12, 3, 9, 11, 6, 8]
events = [np.round(rng.normal(size=(n, 4)) + (0.9 if b >= 4 else 0.0), 5) for b, n in enumerate(sizes)]
everything = np.vstack(events)
between = []
for c in range(1, len(sizes)):
    before, after = np.vstack(events[:c]), np.vstack(events[c:])
    n1, n2 = len(before), len(after)
    between.append(n1 * n2 / (n1 + n2) * float(((before.mean(0) - after.mean(0)) ** 2).sum()))
spread = sum(len(e) * float(((e.mean(0) - everything.mean(0)) ** 2).sum()) for e in events)
known = np.array([0.05, -0.02, 0.0, 0.03])
since = []
for c in range(len(sizes)):
    after = np.vstack(events[c:])
    since.append(len(after) * float(((after.mean(0) - known) ** 2).sum()))
spread_known = sum(len(e) * float(((e.mean(0) - known) ** 2).sum()) for e in events)

# Post-stratification: U-statistics by loops over pairs of distinct events.
K, D = 3, 4
ref_cells = rng.choice(K, size=40, p=[0.5, 0.3, 0.2])
win_cells = rng.choice(K, size=25, p=[0.25, 0.25, 0.5])
centres = rng.normal(size=(K, D))
ref = np.round(centres[ref_cells] + 0.5 * rng.normal(size=(40, D)), 5)
win = np.round(centres[win_cells] + 0.3 + 0.5 * rng.normal(size=(25, D)), 5)
N, n = len(ref), len(win)
M = [ref[ref_cells == k].mean(0) for k in range(K)]
m = [win[win_cells == k].mean(0) for k in range(K)]
W = [float((ref_cells == k).mean()) for k in range(K)]
w = [float((win_cells == k).mean()) for k in range(K)]


def own(points):
    """Mean of x·y over ordered pairs of distinct events: unbiased for the squared norm of the mean."""
    count = len(points)
    return sum(float(points[i] @ points[j]) for i in range(count) for j in range(count) if i != j) / (
        count * (count - 1))


R = [own(ref[ref_cells == k]) for k in range(K)]
V = [own(win[win_cells == k]) for k in range(K)]


def gram(k, l):
    return R[k] if k == l else float(M[k] @ M[l])


total_u = own(win) + own(ref) - 2 * float(win.mean(0) @ ref.mean(0))
mix_u = (
    sum(gram(win_cells[i], win_cells[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    + sum(gram(ref_cells[i], ref_cells[j]) for i in range(N) for j in range(N) if i != j) / (N * (N - 1))
    - 2 * sum(gram(a, b) for a in win_cells for b in ref_cells) / (n * N)
)
conditional_u = sum(
    w[k] * w[l] * (V[k] + R[k] - 2 * float(m[k] @ M[k]) if k == l
                   else float((m[k] - M[k]) @ (m[l] - M[l])))
    for k in range(K) for l in range(K)
)
each_u = sum(w[k] * (V[k] + R[k] - 2 * float(m[k] @ M[k])) for k in range(K))
standard = sum(w[k] * M[k] for k in range(K))

print(json.dumps({
    "log_odds": {"a": counts_a.tolist(), "b": counts_b.tolist(), "mass": 500.0,
                 "delta": delta.tolist(), "z": z.tolist()},
    "projection": {"rows": rows.tolist(), "axes": [a.tolist() for a in axes],
                   "explained": (s[:2] ** 2 / (s ** 2).sum()).tolist(), "projected": projected},
    "change_point": {"buckets": [e.tolist() for e in events],
                     "cut_between": int(np.argmax(between)) + 1, "between": max(between),
                     "share_between": max(between) / spread, "known": known.tolist(),
                     "cut_from": int(np.argmax(since)), "from": max(since),
                     "share_from": max(since) / spread_known},
    "poststratify": {"reference": ref.tolist(), "reference_cells": ref_cells.tolist(),
                     "window": win.tolist(), "window_cells": win_cells.tolist(),
                     "total": total_u, "mix": mix_u, "conditional": conditional_u,
                     "pairing": each_u - conditional_u,
                     "total_plain": float(((win.mean(0) - ref.mean(0)) ** 2).sum()),
                     "mix_plain": float(((standard - ref.mean(0)) ** 2).sum()),
                     "conditional_plain": float(((win.mean(0) - standard) ** 2).sum())},
}))
