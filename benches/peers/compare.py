"""Seamark's embedder and its peers on the same texts, in the same run.

    python3 compare.py [--quick] [--data DIR] [--env DIR] [--rounds N]

Makes a throw-away environment with the peers, writes the texts, lets every engine run in turn,
round after round, and prints a Markdown table of the medians.
"""

import argparse
import datetime
import gzip
import hashlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.txt"
FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
BASELINE = "sentence-transformers"
MEDIANS = ("wall_s", "cpu_s", "p50_ms", "p99_ms", "peak_rss_mib", "cold_s")
SEED = 20_250_301

# Lengths of chat traffic in tokens: median and spread of the logarithm.
QUERY_LENGTH, RESPONSE_LENGTH = (18, 0.5), (80, 0.6)
LONGEST = 400  # more than any engine keeps, so that cutting is part of the work
WORD = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
TOKENS_A_WORD, SPECIAL_TOKENS = 1.1, 2

WORDS = """
account address afternoon again agent airport already amount answer application appointment
arrive ask balance bank battery before billing book branch browser bus business buy call cancel
card cash change charge check city claim clinic close code collect company complaint confirm
connection contact contract cost country credit customer damage data date day debit delay delete
deliver deposit detail device different doctor document doctor's dollar double download driver
early electricity email employer enough error evening exchange expensive expire explain family
fast fee file find first flight follow form free friend garage good guide hotel hour house
identity important include income increase information install insurance interest internet
invoice issue item january journey keep key kitchen language late laptop leave letter licence
limit line list loan lock long lost luggage machine mailbox manager market medicine meeting
member message minute mistake mobile money month morning move music name need network new night
number offer office old online open option order package page paper park parcel password patient
pay payment pension people person phone photo pin place plan please policy possible post
prescription price print private problem product profile question quickly quote rate reason
receipt receive recent refund register remember remove rent repair replace reply report request
reservation reset restaurant return review room safe salary sale save schedule school screen
seat security sell send service settings share shipping shop signal signature small software
someone sorry speak standard start statement station stolen stop store street student subscribe
summer support switch system tablet tax team tenant ticket time today tomorrow total track train
transaction transfer travel twice understand update upgrade urgent use valid vehicle verify video
visit wait wallet warranty water website week winter withdraw wrong yesterday
""".split()
SMALL_WORDS = """
the a my your this that it i you we they is was are has have can could will would should do did
not to of in on at for from with by and or but if when why how what where which because after
""".split()


# --- texts -------------------------------------------------------------------------------------

def read_turns(folder):
    """Different English queries and responses of the folder's `*.jsonl.gz`, in a fixed order."""
    turns = {"query": {}, "response": {}}
    for path in sorted(folder.rglob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record.get("lang", "en") != "en":
                    continue
                for field, seen in turns.items():
                    if isinstance(record.get(field), str) and record[field].strip():
                        seen[record[field].strip()] = None
    if not all(turns.values()):
        sys.exit(f"error: no `query` and `response` in {folder}/**/*.jsonl.gz: check --data")
    return {field: list(seen) for field, seen in turns.items()}


def make_turns(rng):
    """Sentences of varied English words, where no data are given."""
    def sentence():
        words = [rng.choice(WORDS if rng.random() < 0.5 else SMALL_WORDS)
                 for _ in range(rng.randint(4, 16))]
        return " ".join(words).capitalize() + rng.choice(".?!..")
    return {field: [sentence() for _ in range(20_000)] for field in ("query", "response")}


def text_of(length, turns, rng):
    """Turns joined, and cut between two words, to about so many tokens."""
    wanted = max(1, round((length - SPECIAL_TOKENS) / TOKENS_A_WORD))
    text, words = "", []
    while len(words) < wanted:
        text = f"{text} {rng.choice(turns)}".strip()
        words = list(WORD.finditer(text))
    return text[:words[wanted - 1].end()]


def write_texts(path, count, data):
    """Writes `count` texts, queries and responses by turns, one JSON string per line."""
    rng = random.Random(SEED)
    turns = read_turns(data) if data else make_turns(rng)
    kinds = [(turns["query"], *QUERY_LENGTH), (turns["response"], *RESPONSE_LENGTH)]
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            some, median, spread = kinds[i % 2]
            length = min(LONGEST, median * rng.lognormvariate(0, spread))
            file.write(json.dumps(text_of(length, some, rng), ensure_ascii=False) + "\n")


# --- the environment ---------------------------------------------------------------------------

def environment(folder, requirements=REQUIREMENTS):
    """The Python of an environment with the peers in it, made if it is not there."""
    if REPOSITORY in [folder, *folder.parents]:
        sys.exit(f"error: --env {folder} lies in the repository: choose a folder outside")
    python = folder / "bin" / "python"
    installed = folder / "requirements.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        say(f"installing the peers into {folder}")
        venv.create(folder, with_pip=True, symlinks=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
        installed.write_text(wanted, encoding="utf-8")
    return python


def re_enter(python):
    """Goes on in the environment's Python, which has NumPy, with the script that was called."""
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [python, *sys.argv])


# --- engines -----------------------------------------------------------------------------------

def say(message):
    """Progress, on stderr: stdout is for the table."""
    print(message, file=sys.stderr, flush=True)


def last_json(command, preload=None):
    """The JSON on the last line of a command's output; None, its errors shown, if it fails."""
    variables = {**os.environ, "LD_PRELOAD": str(preload)} if preload else None
    done = subprocess.run([str(part) for part in command], cwd=REPOSITORY, text=True,
                          capture_output=True, check=False, env=variables)
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    say(f"failed ({done.returncode}): {' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return None


def avx2_only(folder):
    """The library that hides what is beyond AVX2, compiled; see avx2_only.c."""
    library = folder / "avx2_only.so"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "avx2_only.c"]
    subprocess.run(command, check=True)
    return library


class Peer:
    """An engine of engine.py, written `name[@avx2]`."""

    def __init__(self, variant, options, folder):
        engine, _, isa = variant.partition("@")
        self.name, self.batches = variant, {}
        self.preload = avx2_only(folder) if isa else None
        self.command = [sys.executable, HERE / "engine.py", engine, "--model", options.model,
                        "--texts", folder / "texts.jsonl", "--cache", folder]

    def prepare(self):
        """Exports and quantises; false if that fails."""
        command = [str(part) for part in [*self.command, "--prepare"]]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            say(f"{self.name} is left out:\n{done.stderr[-2000:]}")
        return done.returncode == 0

    def run(self, threads, vectors):
        """One measurement, with the batch size that --tune once found for so many threads."""
        if threads not in self.batches:
            tuned = last_json([*self.command, "--threads", threads, "--tune"], self.preload)
            self.batches[threads] = tuned["batch"] if tuned else 32
        return last_json([*self.command, "--threads", threads, "--vectors", vectors,
                          "--batch", self.batches[threads]], self.preload)


class Seamark:
    """Seamark's own bench binary at one precision, written `precision[@isa]`."""

    def __init__(self, variant, executable, options, folder):
        precision, _, isa = variant.partition("@")
        self.name = f"seamark-{variant}"
        self.command = [executable, "--texts", folder / "texts.jsonl", "--precision", precision,
                        *(["--isa", isa] if isa else []), *options.seamark_args, "--json"]

    def run(self, threads, vectors):
        """One measurement."""
        return last_json([*self.command, "--threads", threads, "--vectors", vectors])


def seamark_executable():
    """Builds the bench binary and says where it is."""
    say("building Seamark's bench")
    command = ["cargo", "bench", "--bench", "embed", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    found = [m["executable"] for m in messages
             if m.get("executable") and m["target"]["name"] == "embed"]
    if built.returncode != 0 or not found:
        sys.exit("error: the bench does not build: see above, or leave it out by --no-seamark")
    return found[-1]


def engines(options, folder):
    """All engines of this run that could be prepared, the baseline first."""
    from engine import ENGINES

    known = list(ENGINES)
    names = options.engines.split(",") if options.engines else known
    unknown = {name for name in names if name.removesuffix("@avx2") not in known}
    if unknown:
        sys.exit(f"error: unknown engines {sorted(unknown)}: choose from {known}, or one with @avx2")
    names = dict.fromkeys([BASELINE, *sorted(names, key=lambda n: known.index(n.split("@")[0]))])
    peers = [Peer(name, options, folder) for name in names]
    some = [peer for peer in peers if peer.prepare()]
    if not options.no_seamark:
        executable = seamark_executable()
        some += [Seamark(v, executable, options, folder) for v in options.seamark.split(",")]
    return some


# --- results -----------------------------------------------------------------------------------

def measure(some, options, folder):
    """Rounds over all engines and thread counts; runs by (engine, threads)."""
    runs = {}
    for turn in range(options.rounds):
        for threads in options.threads:
            for engine in some:
                say(f"round {turn + 1}/{options.rounds}: {engine.name}, {threads} threads")
                result = engine.run(threads, folder / f"{engine.name}-{threads}.f32")
                if result:
                    runs.setdefault((engine.name, threads), {})[turn] = result
    return runs


def cosines(folder, name, threads):
    """Mean, first percentile and least cosine to the vectors of the baseline."""
    import numpy as np

    def unit(path):
        rows = np.fromfile(path, dtype="<f4").reshape(-1, 384).astype(np.float64)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    ours, theirs = unit(folder / f"{name}-{threads}.f32"), baseline_file(folder)
    cosine = (ours * unit(theirs)).sum(axis=1)
    return float(cosine.mean()), float(np.percentile(cosine, 1)), float(cosine.min())


def baseline_file(folder):
    """Vectors of the baseline; those of any thread count are the same but for rounding."""
    return sorted(folder.glob(f"{BASELINE}-*.f32"))[0]


def summary(runs, folder):
    """A row of medians per engine and thread count."""
    rows = []
    for (name, threads), turns in runs.items():
        base = runs.get((BASELINE, threads), {})
        first = next(iter(turns.values()))
        row = {key: statistics.median(run[key] for run in turns.values()) for key in MEDIANS}
        row.update(engine=name, threads=threads, runs=len(turns), note=first.get("note", ""),
                   texts=first["texts"], tokens=first["tokens"],
                   cosine=cosines(folder, name, threads))
        for key in ("wall_s", "cpu_s"):
            ratios = [base[turn][key] / run[key] for turn, run in turns.items() if turn in base]
            row[f"times_{key}"] = statistics.median(ratios) if ratios else None
        rows.append(row)
    return rows


def machine():
    """The processor's model, cores and flags of interest."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    field = {key.strip(): value.strip()
             for key, _, value in (line.partition(":") for line in info.splitlines())}
    present = set(field.get("flags", "").split())
    ident = f"family {field.get('cpu family')} model {field.get('model')}"
    return {"cpu": f"{field.get('model name', 'unknown')} ({ident})", "cores": os.cpu_count(),
            "flags": [flag for flag in FLAGS if flag in present]}


def header(options):
    """Date, machine and versions."""
    from importlib.metadata import version

    packages = ("sentence-transformers", "torch", "onnxruntime", "openvino", "nncf",
                "ctranslate2", "tokenizers")
    return {"date": datetime.date.today().isoformat(), **machine(), "rounds": options.rounds,
            "versions": {name: version(name) for name in packages}}


def table(head, rows):
    """The header line and the rows in Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in head["versions"].items())
    size = rows[0]
    lines = [
        f"{head['date']}, {head['cpu']}, {head['cores']} cores, {' '.join(head['flags'])}; "
        f"{size['texts']:,} texts, {size['tokens'] / size['texts']:.1f} tokens on average, "
        f"medians of {head['rounds']}; {versions}.",
        "",
        "| engine | threads | texts/s | tok/s | tok/CPU s | × s-t wall | × s-t CPU "
        "| cosine mean / 1 % / min | p50 / p99 ms | peak MiB | cold s | note |",
        "|---|" + "---:|" * 6 + "---|---|---:|---:|---|",
    ]
    for row in rows:
        times = [f"{row[key]:.2f}" if row[key] else "–" for key in ("times_wall_s", "times_cpu_s")]
        lines.append("| " + " | ".join([
            row["engine"], str(row["threads"]), f"{row['texts'] / row['wall_s']:.1f}",
            f"{row['tokens'] / row['wall_s']:,.0f}", f"{row['tokens'] / row['cpu_s']:,.0f}",
            *times, " / ".join(f"{c:.5f}" for c in row["cosine"]),
            f"{row['p50_ms']:.2f} / {row['p99_ms']:.2f}", f"{row['peak_rss_mib']:.0f}",
            f"{row['cold_s']:.2f}", row["note"]]) + " |")
    return "\n".join(lines)


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", type=Path, default=Path(tempfile.gettempdir()) / "seamark-peers",
                        help="environment, outside the repository; kept and used again")
    parser.add_argument("--model", type=Path, default=REPOSITORY / "models/all-MiniLM-L6-v2",
                        help="folder of model.safetensors, tokenizer.json and config.json")
    parser.add_argument("--data", type=Path, help="folder of *.jsonl.gz with query and response")
    parser.add_argument("--quick", action="store_true", help="800 texts instead of 4,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=lambda text: [int(t) for t in text.split(",")],
                        default=[1, 2], help="thread counts, by commas")
    parser.add_argument("--engines", help="peers by commas as name[@avx2], else all; the baseline always runs")
    parser.add_argument("--no-seamark", action="store_true", help="only the peers")
    parser.add_argument("--seamark", default="f32,bf16,int8",
                        help="precisions by commas, each as precision[@isa]")
    parser.add_argument("--seamark-args", type=str.split, default=[], help="more for its bench")
    parser.add_argument("--json", type=Path, help="where to save all runs, else in --env")
    return parser.parse_args()


def main():
    """Makes what is needed, measures, prints and saves."""
    options = parse()
    options.env, options.model = options.env.resolve(), options.model.resolve()
    if not (options.model / "model.safetensors").exists():
        sys.exit(f"error: no model.safetensors in {options.model}: pull the model, or --model DIR")
    re_enter(environment(options.env))
    count = 800 if options.quick else 4000
    sources = [options.data and options.data.resolve(), options.model, REQUIREMENTS.read_text()]
    key = hashlib.sha256(repr(sources).encode()).hexdigest()[:8]
    folder = options.env / "runs" / f"{count}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "texts.jsonl").exists():
        write_texts(folder / "texts.jsonl", count, options.data)
    runs = measure(engines(options, folder), options, folder)
    if (BASELINE, options.threads[0]) not in runs:
        sys.exit(f"error: {BASELINE} did not run: see above")
    head, rows = header(options), summary(runs, folder)
    print(table(head, rows))
    saved = options.json or folder / "results.json"
    everything = {**head, "rows": rows, "runs": [run for turns in runs.values()
                                                 for run in turns.values()]}
    saved.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    say(f"saved {saved}")


if __name__ == "__main__":
    main()
