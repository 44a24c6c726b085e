#!/usr/bin/env python3
"""Does a precision change what Seamark says? The same streams in f32 and in another precision.

    verdicts.py --seamark target/release/seamark [--precision int8] FOLDER ...

Each FOLDER holds reference.jsonl.gz and stream.jsonl.gz in the ingest format. Every stream is replayed
in f32, in the other precision, and in f32 again with another seed: the seed draws the random features,
the cells of the KL divergence and the simulated null, so its effect is the noise that any figure has
anyway. The table gives, for each detector, the median of |difference| / threshold over all judged
windows, and the firing episodes of each kind as the event at which they began.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

DETECTORS = ["mmd", "centroid", "kl"]


def replay(seamark, folder, precision, seed, out):
    """Runs the replay and returns its verdicts by place, and its firing episodes."""
    command = [seamark, "replay", "--reference", folder / "reference.jsonl.gz",
               "--stream", folder / "stream.jsonl.gz", "--seed", str(seed), "--out", out]
    environment = {**os.environ, "SEAMARK__EMBEDDING__PRECISION": precision}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"error: {folder}: {done.stderr.strip().splitlines()[-1]}")
    verdicts = {}
    for line in open(Path(out) / "reports.jsonl", encoding="utf-8"):
        report = json.loads(line)
        for one in report["verdicts"]:
            if one["statistic"] is not None and one["threshold"]:
                place = (report["event_index"], one["stream"], one["window"], one["detector"])
                verdicts[place] = (one["statistic"], one["threshold"])
    fired = []
    for line in open(Path(out) / "alerts.jsonl", encoding="utf-8"):
        alert = json.loads(line)
        if alert["state"] == "firing":
            fired.append(f"{alert['kind'].removesuffix('_drift')}@{alert['event_index']}")
    return verdicts, fired


def distances(one, other):
    """The median of |difference| / threshold for each detector."""
    found = {detector: [] for detector in DETECTORS}
    for place in one.keys() & other.keys():
        (a, threshold), (b, _) = one[place], other[place]
        found[place[3]].append(abs(a - b) / threshold)
    return [f"{statistics.median(v):.3f}" if v else "-" for v in found.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seamark", required=True)
    parser.add_argument("--precision", default="int8")
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    columns = [f"{d} {kind}" for kind in (options.precision, "seed") for d in DETECTORS]
    print("| stream | " + " | ".join(columns) + f" | f32 fired | {options.precision} fired |"
          " f32, other seed |")
    print("|---|" + "--:|" * len(columns) + "---|---|---|")
    for folder in options.folders:
        with tempfile.TemporaryDirectory() as out:
            full, fired = replay(options.seamark, folder, "f32", 1, out)
            less, also = replay(options.seamark, folder, options.precision, 1, out)
            again, noise = replay(options.seamark, folder, "f32", 2, out)
        cells = distances(full, less) + distances(full, again)
        lists = [" ".join(x) or "-" for x in (fired, also, noise)]
        print(f"| {folder.name} | " + " | ".join(cells + lists) + " |", flush=True)


if __name__ == "__main__":
    main()
