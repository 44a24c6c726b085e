"""Seamark's statistics beside other drift detectors', on the same arrays.

    python3 drift.py [--arrays DIR] [--env DIR] [--quick]

Makes a throw-away environment with the peers, writes arrays with and without drift, lets every
method judge every window, and prints Markdown: agreement of values, cost, and what is found.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import tempfile
import time
from pathlib import Path

from compare import environment, re_enter, say

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
REQUIREMENTS = HERE / "requirements-drift.txt"
SIZES = ((1000, 200), (5000, 500))
SHARES = {"null": 0.0, "mixed10": 0.1, "mixed20": 0.2}
DIMENSIONS, TOPICS, NEW_TOPICS, NOISE = 384, 40, 5, 1.2
LEVEL = 0.05
SEED = 20_261_101


# --- arrays ------------------------------------------------------------------------------------

def write_arrays(folder, options):
    """References and windows of unit vectors: topics of unequal weight, with noise about them.

    With drift, a share of a window comes from topics that the reference does not have.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(TOPICS + NEW_TOPICS, DIMENSIONS))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    weights = rng.dirichlet(np.full(TOPICS, 2.0))

    def draw(count, share):
        topic = rng.choice(TOPICS, size=count, p=weights)
        new = rng.random(count) < share
        topic[new] = TOPICS + rng.integers(NEW_TOPICS, size=new.sum())
        rows = centres[topic] + rng.normal(size=(count, DIMENSIONS)) * (NOISE / DIMENSIONS**0.5)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")

    for n_ref, n in SIZES:
        for index in range(options.references):
            case = folder / f"{n_ref}x{n}-{index}"
            case.mkdir(parents=True, exist_ok=True)
            np.save(case / "reference.npy", draw(n_ref, 0.0))
            for name, share in SHARES.items():
                count = options.null if name == "null" else options.drift
                np.save(case / f"{name}.npy", np.stack([draw(n, share) for _ in range(count)]))


def cases(folder):
    """The folders of arrays, by name."""
    return sorted(path for path in folder.iterdir() if (path / "reference.npy").exists())


def size_of(case):
    """What a table's row stands for: "1000x200" of "1000x200-3"."""
    return case.name.rpartition("-")[0] or case.name


# --- the peers ---------------------------------------------------------------------------------

def evidently(name, **settings):
    """A method of Evidently's on embeddings, with its own threshold unless settings say else."""
    from evidently.legacy.metrics.data_drift import embedding_drift_methods as methods
    import pandas as pd

    method = getattr(methods, name)(**settings)

    def prepare(reference):
        frame = pd.DataFrame(reference)
        # Copies, because `model` writes into its arguments.
        return lambda window: bool(method(pd.DataFrame(window), frame.copy())[1])

    return prepare


def alibi(reference):
    """MMDDrift with its defaults, on PyTorch; the reference's own kernel matrix counts as prepared."""
    from alibi_detect.cd import MMDDrift

    detector = MMDDrift(reference, backend="pytorch", p_val=LEVEL, device="cpu")
    return lambda window: bool(detector.predict(window)["data"]["is_drift"])


def peers():
    """Name → what prepares a judge for a reference."""
    return {
        "evidently mmd()": evidently("mmd"),
        "evidently mmd(bootstrap)": evidently("mmd", bootstrap=True),
        "evidently mmd(bootstrap, quantile 0.95)":
            evidently("mmd", bootstrap=True, quantile_probability=0.95),
        "evidently distance()": evidently("distance"),
        "evidently distance(bootstrap)": evidently("distance", bootstrap=True),
        "evidently model()": evidently("model"),
        "evidently model(bootstrap)": evidently("model", bootstrap=True),
        "evidently ratio()": evidently("ratio"),
        "alibi-detect MMDDrift": alibi,
    }


def measure(prepare, folders, budget_s):
    """(set, verdict, milliseconds of CPU time) of as many windows of these cases as the time allows."""
    import numpy as np

    judges, turns = [], []
    for case in folders:
        judges.append(prepare(np.load(case / "reference.npy")))
        for name in SHARES:
            windows = np.load(case / f"{name}.npy")
            count = len(windows)
            turns += [((i + 0.5) / count, len(judges) - 1, name, windows[i]) for i in range(count)]
    results, start = [], time.perf_counter()
    # All sets and references in proportion, wherever the time runs out.
    for _, judge, name, window in sorted(turns, key=lambda turn: turn[:3]):
        if time.perf_counter() - start > budget_s:
            break
        begin = time.process_time()
        found = judges[judge](window)
        results.append((name, found, 1e3 * (time.process_time() - begin)))
    return results


# --- Seamark -----------------------------------------------------------------------------------

def seamark(folder, executable):
    """A line for each window from Seamark's own bench."""
    command = [executable] if executable else ["cargo", "bench", "--bench", "stats", "--"]
    done = subprocess.run([*command, "--arrays", folder, "--json"], cwd=REPOSITORY, text=True,
                          stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def seamark_results(lines):
    """Method → (set, verdict, milliseconds), in the peers' form."""
    def at_level(detector):
        return [(line["set"], line[detector]["p_value"] < LEVEL, line["sketch_ms"])
                for line in lines]

    promised = [(line["set"], any(line[d]["drift"] for d in DETECTORS), line["sketch_ms"])
                for line in lines]
    return {**{f"seamark {d}, p < {LEVEL}": at_level(d) for d in DETECTORS},
            "seamark, its own thresholds": promised}


DETECTORS = ("mmd", "kl", "centroid", "whitened", "novelty")


def agreement(folder, lines):
    """Largest relative distance of our exact MMD² from the peers' formulas at our bandwidth."""
    import numpy as np
    import torch
    from alibi_detect.utils.pytorch.distance import mmd2
    from alibi_detect.utils.pytorch.kernels import GaussianRBF
    from evidently.legacy.metrics.data_drift.embedding_drift_methods import MMD2u
    from sklearn.metrics import pairwise_kernels

    worst = {}
    for line in (line for line in lines if line["index"] == 0):
        x = np.load(folder / line["case"] / "reference.npy").astype(np.float64)
        y = np.load(folder / line["case"] / f"{line['set']}.npy")[0].astype(np.float64)
        kernel = GaussianRBF(torch.tensor([1 / math.sqrt(2 * line["gamma"])], dtype=torch.float64))
        both = pairwise_kernels(np.vstack([x, y]), metric="rbf", gamma=line["gamma"])
        theirs = {
            "alibi-detect `mmd2` (f64)": float(mmd2(torch.from_numpy(x), torch.from_numpy(y), kernel)),
            "evidently `MMD2u` (f64)": float(MMD2u(both, len(x), len(y))),
            "seamark's sketch": line["mmd"]["statistic"],
        }
        for name, value in theirs.items():
            apart = abs(line["mmd2_exact"] - value)
            entry = worst.setdefault(name, {"count": 0, "absolute": 0.0, "relative": 0.0})
            entry["count"] += 1
            entry["absolute"] = max(entry["absolute"], apart)
            entry["relative"] = max(entry["relative"], apart / abs(line["mmd2_exact"]))
    return worst


# --- tables ------------------------------------------------------------------------------------

def row(size, name, results):
    """Median milliseconds of CPU time, and the share found in each set with its count."""
    from statistics import median

    cells = []
    for kind in SHARES:
        found = [verdict for which, verdict, _ in results if which == kind]
        cells.append(f"{sum(found) / len(found):.2f} ({len(found)})" if found else "–")
    cost = f"{median(ms for *_, ms in results):.1f}" if results else "–"
    return f"| {size.replace('x', ' / ')} | {name} | {cost} | {' | '.join(cells)} |"


def table(rows):
    """Rows of `row` below their heading."""
    return "\n".join(["| n_ref / n | method | CPU ms | no drift | 10 % | 20 % |",
                      "|---|---|--:|--:|--:|--:|", *rows])


def exact_table(lines):
    """What the exact figures cost, and medians of what they say."""
    from statistics import median

    out = ["| n_ref / n | set | exact MMD² CPU ms | all figures CPU ms | energy | classifier AUC "
           "| Fréchet (without drift) | PSI (without drift) |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    first = [line for line in lines if line["index"] == 0]
    for size in dict.fromkeys(f"{line['n_ref']} / {line['n']}" for line in first):
        for kind in SHARES:
            some = [line for line in first
                    if line["set"] == kind and f"{line['n_ref']} / {line['n']}" == size]
            of = lambda key, some=some: median(line["figures"][key] for line in some)
            out.append(
                f"| {size} | {kind} | {median(s['mmd2_exact_ms'] for s in some):.0f} "
                f"| {median(s['figures_ms'] for s in some):.0f} | {of('energy'):.5f} "
                f"| {of('classifier_auc'):.3f} | {of('frechet'):.4f} ({of('frechet_expected'):.4f}) "
                f"| {of('psi'):.3f} ({of('psi_expected'):.3f}) |")
    return "\n".join(out)


def header(options):
    """Date, machine, versions and settings."""
    from importlib.metadata import version

    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    cpu = next((line.partition(":")[2].strip() for line in info.splitlines()
                if line.startswith("model name")), "unknown")
    packages = ", ".join(f"{name} {version(name)}" for name in
                         ("alibi-detect", "evidently", "torch", "scikit-learn", "numpy"))
    return (f"{datetime.date.today().isoformat()}, {cpu}, {os.cpu_count()} cores, one thread for "
            f"each library; at most {options.budget_s:.0f} s for a method and size; {packages}.")


def save(path, options, everything, worst, lines):
    """All results so far, as JSON."""
    path.write_text(json.dumps({"header": header(options), "results": everything,
                                "agreement": worst, "lines": lines}, indent=1) + "\n",
                    encoding="utf-8")


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", type=Path, help="environment, outside the repository; used again",
                        default=Path(tempfile.gettempdir()) / "seamark-drift-peers")
    parser.add_argument("--arrays", type=Path, help="take these arrays instead of writing some")
    parser.add_argument("--references", type=int, default=6, help="references of each size")
    parser.add_argument("--null", type=int, default=10, help="windows without drift of each")
    parser.add_argument("--drift", type=int, default=5, help="windows with each drift of each")
    parser.add_argument("--budget-s", type=float, default=240, help="for each method and size")
    parser.add_argument("--quick", action="store_true", help="two references and 20 s for a method")
    parser.add_argument("--executable", help="Seamark's stats bench, built; else cargo builds it")
    parser.add_argument("--json", type=Path, help="where to save all results, else in --env")
    return parser.parse_args()


def main():
    """Writes what is needed, measures, prints and saves."""
    options = parse()
    options.env = options.env.resolve()
    # One thread for each library, so that CPU time is one comparison's.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    re_enter(environment(options.env, REQUIREMENTS))
    import torch

    torch.set_num_threads(1)
    if options.quick:
        options.references, options.budget_s = 2, 20.0
    folder = options.arrays and options.arrays.resolve()
    if folder is None:
        kind = f"{options.references}-{options.null}-{options.drift}"
        folder = options.env / "arrays" / kind
        if not folder.exists():
            say(f"writing arrays into {folder}")
            write_arrays(folder, options)
    say("Seamark")
    lines = seamark(folder, options.executable)
    worst, rows, everything = agreement(folder, lines), [], {}
    saved = options.json or options.env / "drift.json"
    for size in dict.fromkeys(size_of(case) for case in cases(folder)):
        some = [case for case in cases(folder) if size_of(case) == size]
        names = {case.name for case in some}
        found = seamark_results([line for line in lines if line["case"] in names])
        for name, prepare in peers().items():
            say(f"{size}: {name}")
            found[name] = measure(prepare, some, options.budget_s)
            # After each, so that a run that is cut off has not been for nothing.
            everything[size] = found
            save(saved, options, everything, worst, lines)
        rows += [row(size, name, results) for name, results in found.items()]
    print(header(options), table(rows), exact_table(lines), sep="\n\n")
    print("\n| exact MMD² beside | windows | largest distance | relative |\n|---|--:|--:|--:|")
    for name, entry in worst.items():
        print(f"| {name} | {entry['count']} | {entry['absolute']:.1e} | {entry['relative']:.1e} |")
    say(f"saved {saved}")


if __name__ == "__main__":
    main()
