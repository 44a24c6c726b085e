#!/usr/bin/env python3
"""What the repair of spelling does to damaged, to clean and to drifting queries.

    python3 benches/peers/spelling.py --data DIR

DIR holds the streams by name, as `replay` reads them: `noise_*/{reference,stream,affected}.jsonl.gz`,
`stable_*`, `abrupt_*`, `lang_*`. The clean original of a damaged query is the query of another stream
with the same `meta.source` and `meta.src_key`. The program is `examples/repair_texts.rs`: the repair
and the model are Seamark's own. Needs nothing beyond the standard library.
"""
import argparse
import collections
import gzip
import json
import pathlib
import subprocess

CLEAN = ("stable_",)
DRIFT = ("abrupt_far_assist_100", "abrupt_near_bank_100", "abrupt_oos_10", "abrupt_pairs_100", "lang_")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def read(path):
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def key(record):
    return record["meta"].get("source"), record["meta"].get("src_key")


def affected(folder):
    return {line["i"] for line in read(folder / "affected.jsonl.gz")}


def originals(folders):
    """Clean queries by where they come from."""
    found = {}
    for folder in folders:
        if not folder.name.startswith(("noise_", "burst_")):
            for record in read(folder / "reference.jsonl.gz") + read(folder / "stream.jsonl.gz"):
                found.setdefault(key(record), record["query"])
    return {source: query for source, query in found.items() if source[1] is not None}


def sets(data):
    folders = sorted(path for path in data.iterdir() if (path / "stream.jsonl.gz").exists())
    clean = originals(folders)
    for folder in folders:
        reference = [record["query"] for record in read(folder / "reference.jsonl.gz")]
        stream, touched = read(folder / "stream.jsonl.gz"), affected(folder)
        new = {"name": folder.name, "reference": reference, "pairs": [], "texts": []}
        if folder.name.startswith("noise_"):
            pairs = [(stream[i]["query"], clean.get(key(stream[i]))) for i in sorted(touched)]
            pairs = [(damaged, text) for damaged, text in pairs if text and text != damaged]
            yield new | {"pairs": pairs, "texts": [text for _, text in pairs]}
        elif folder.name.startswith(CLEAN):
            yield new | {"texts": [record["query"] for record in stream]}
        elif folder.name.startswith(DRIFT):
            yield new | {"texts": [record["query"] for record in stream]}
            yield new | {"name": folder.name + " (new)", "texts": [stream[i]["query"] for i in sorted(touched)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--executable", help="repair_texts as already built")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--words", type=int, default=0, help="show so many repaired words of each stream")
    options = parser.parse_args()
    build = ["cargo", "run", "--quiet", "--release", "--example", "repair_texts", "--"]
    command = [options.executable] if options.executable else build
    lines = "".join(json.dumps(new) + "\n" for new in sets(options.data))
    made = subprocess.run(command + [options.model], input=lines, text=True, cwd=ROOT,
                          stdout=subprocess.PIPE, check=True)
    results = [json.loads(line) for line in made.stdout.splitlines()]
    print("| damaged queries | queries | repaired | distance before | after | change |\n|---|---|---|---|---|---|")
    for result in results:
        pairs = result["pairs"]
        n = pairs["texts"]
        if n:
            change = pairs["after"] / pairs["before"] - 1
            print(f"| {result['name']} | {n} | {pairs['changed'] / n:.1%} | {pairs['before'] / n:.4f} "
                  f"| {pairs['after'] / n:.4f} | {change:+.1%} |")
    print("\n| other queries | queries | changed | mean move of all | of the changed |\n|---|---|---|---|---|")
    for result in results:
        texts, noise = result["texts"], result["pairs"]["texts"]
        n, changed = texts["texts"], texts["changed"]
        name = f"originals of {result['name']}" if noise else result["name"]
        if n:
            print(f"| {name} | {n} | {changed / n:.2%} | {texts['moved'] / n:.5f} "
                  f"| {texts['moved'] / max(changed, 1):.3f} |")
    if options.words:
        for result in results:
            most = collections.Counter(result["words"]).most_common(options.words)
            print(f"\n{result['name']}:", ", ".join(f"{word.replace(' ', ' > ')} ({n})" for word, n in most))


if __name__ == "__main__":
    main()
