"""Trains `models/language.bin`, the weights of `src/text/language.rs`.

    python3 models/train_language.py TEXTS models/language.bin [--evaluate FILE.jsonl.gz]

TEXTS is a folder of `<code>.txt` files in UTF-8: one text a line, an empty line between documents
(stories, blocks of a sentence collection); `und.txt` holds texts of languages that the model shall
not name. `language.md` beside this file says which open collections they came from. One document in
twelve is held out to calibrate the confidence. FILE holds rows `{"text", "lang"}` that must never be
in TEXTS: copies that differ in case, spaces or punctuation alone are dropped before training.

Needs numpy and scipy. The same texts, seed and versions give the same file.
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import struct
import unicodedata
import zlib

import numpy as np
import scipy.sparse as sp

SEED = 20
MAX_CHARS = 2000
MAX_N = 5
# Longest word, in characters, that is a feature as a whole.
MAX_WORD = 24
STEP, GRAM, WORD = 0x9E3779B1, 0x811C9DC5, 0x2545F491
# Languages that their script settles: they have no weights.
SETTLED = [
    "bn",
    "el",
    "he",
    "hy",
    "gu",
    "ja",
    "ka",
    "km",
    "kn",
    "ko",
    "lo",
    "ml",
    "my",
    "or",
    "pa",
    "si",
    "ta",
    "te",
    "th",
    "zh",
]

# ---- Text to words: the same as in `src/text/language/words.rs` ----

_LEARNED = (
    "a-zªµºß-öø-ʯ\u0300-\u036f\u1e00-\u1eff\ua722-\ua7ff"  # Latin and combining marks
    "\u0400-\u0481\u048a-\u052f"  # Cyrillic
    "\u0620-\u063f\u0641-\u064a\u066e\u066f\u0671-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06fc\u06ff"
    "\u0750-\u077f\u08a0-\u08c9\ufb50-\ufbb1\ufbd3-\ufd3d\ufd50-\ufdf7\ufe70-\ufefc"  # Arabic
    "\u1200-\u135a\u1380-\u138f\u2d80-\u2dde\uab01-\uab2e"  # Ethiopic
    "\u0900-\u0963\u0971-\u097f"  # Devanagari
)
_WORD = re.compile(f"[{_LEARNED}0-9'’ʼ‘`]+")
_LETTER = re.compile(f"[{_LEARNED}]")
# The vowel of Fon, Ewe and others, often typed as the Greek letter.
_EPSILON = re.compile("(?<=[a-zɔ\u0300-\u036f])ε")
_SKIPPED = re.compile("[\u0640\u064b-\u065f\u0670\u200b-\u200f]")
_APOSTROPHE = str.maketrans("’ʼ‘`", "''''")


def words(text):
    """The words of `text` that are written in a script which several languages share."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARS]).lower()
    kept = (t for t in text.split() if "@" not in t and "://" not in t and not t.startswith("www."))
    text = _EPSILON.sub("ɛ", _SKIPPED.sub("", " ".join(kept)))
    for word in _WORD.findall(text):
        word = word.translate(_APOSTROPHE).strip("'")
        if _LETTER.search(word):
            yield word


# ---- Words to feature hashes: the same as in `src/text/language/features.rs` ----


def _step(hashes, chars):
    hashes = (hashes ^ chars) * np.uint32(STEP)
    return hashes ^ (hashes >> np.uint32(15))


def features(texts):
    """(row, 24-bit hash) of every feature of `texts` (lists of words), and letters of each text."""
    joined = [" " + " ".join(t) + " " for t in texts]
    lengths = np.array([len(j) for j in joined])
    chars = np.frombuffer("".join(joined).encode("utf-32-le"), dtype=np.uint32)
    row = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    place = np.arange(len(chars)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    space = chars == 32
    rows, hashes = [], []
    h = np.full(len(chars), GRAM, dtype=np.uint32)
    for n in range(1, MAX_N + 1):
        h = _step(h, np.concatenate([np.zeros(n - 1, np.uint32), chars[: len(chars) - n + 1]]))
        # A gram does not reach into the text before, and no gram is a space alone.
        ok = (place >= n - 1) & ~space if n == 1 else place >= n - 1
        rows.append(row[ok])
        hashes.append(h[ok] >> 8)
    starts = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    h = np.full(len(starts), WORD, dtype=np.uint32)
    alive = np.ones(len(starts), bool)
    for k in range(MAX_WORD + 1):
        at = np.minimum(starts + k, len(chars) - 1)
        ended = alive & space[at]
        rows.append(row[starts[ended]])
        hashes.append(h[ended] >> 8)
        alive &= ~space[at]
        h = _step(h, chars[at])
    letters = lengths - np.bincount(row[space], minlength=len(texts))
    return np.concatenate(rows), np.concatenate(hashes), np.maximum(letters, 1)


# ---- Texts ----


def letters_only(text):
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def read(folder, banned):
    """code -> sources, each a list of documents, each a list of texts (lists of words)."""
    found = collections.defaultdict(list)
    for path in sorted(pathlib.Path(folder).glob("*.txt")):
        code = path.name.split(".")[0]
        if code in SETTLED:
            continue
        documents = []
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            lines = [line for line in block.splitlines() if line.strip()]
            texts = [list(words(line)) for line in lines if letters_only(line) not in banned]
            texts = [t for t in texts if t]
            if texts:
                documents.append(texts)
        if documents:
            found[code].append(documents)
    return found


def held_out(document):
    return zlib.crc32(" ".join(document[0]).encode()) % 12 == 0


def bare(word):
    """`word` without tones and accents, as many people type."""
    parts = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u0304\u0306\u030c]", "", parts))


def sample(sources, count, rng, whole=0.45, plain=0.12):
    """`count` texts, of each source in proportion to the root of its size: whole ones and
    stretches of a few words, so that short texts are learnt too, some without their accents."""
    sources = [[t for d in documents for t in d] for documents in sources]
    share = np.sqrt([len(s) for s in sources])
    counts = np.ceil(count * share / share.sum()).astype(int)
    out = []
    for texts, n in zip(sources, counts):
        n = min(n, 15 * len(texts))
        order = rng.permutation(len(texts))
        for i in range(n):
            text = texts[order[i % len(texts)]]
            if len(text) > 3 and (i >= len(texts) or rng.random() > whole):
                size = int(rng.integers(2, 13))
                start = int(rng.integers(0, max(1, len(text) - size + 1)))
                text = text[start : start + size]
            if rng.random() < plain:
                text = [bare(w) for w in text]
            out.append(text)
    return out


# ---- Training ----


def chosen(rows, hashes, labels, classes, bits, least):
    """Of the features that share a slot the one that tells most; the slots' hashes, -1 if none."""
    ids, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    table = np.bincount(inverse * classes + labels[rows], minlength=len(ids) * classes)
    table = table.reshape(len(ids), classes).astype(np.float32)
    prior = table.sum(0) / table.sum()
    smooth = (table + 2 * prior) / (table.sum(1, keepdims=True) + 2)
    gain = counts * (smooth * np.log(smooth / prior)).sum(1)
    gain[counts < least] = -1
    slots = np.full(1 << bits, -1, dtype=np.int64)
    order = np.argsort(gain, kind="stable")
    order = order[gain[order] > 0]
    slots[ids[order] >> (24 - bits)] = ids[order]
    return slots


def matrix(texts, slots, bits, chunk=20000):
    parts = []
    for i in range(0, len(texts), chunk):
        rows, hashes, letters = features(texts[i : i + chunk])
        slot = hashes >> (24 - bits)
        hit = slots[slot] == hashes
        values = (1 / np.sqrt(letters))[rows[hit]].astype(np.float32)
        shape = (len(letters), 1 << bits)
        m = sp.coo_matrix((values, (rows[hit], slot[hit].astype(np.int32))), shape=shape).tocsr()
        parts.append(m)
    return sp.vstack(parts, format="csr")


def softmax(z):
    z = np.exp(z - z.max(1, keepdims=True))
    return z / z.sum(1, keepdims=True)


def fit(x, labels, w, epochs, rate, decay, rng, mask=None, dropped=0.4, batch=4096):
    """Multinomial logistic regression: Adam on the mean log loss, the average of the last epoch.

    Of each text a random share of the features is left out in each pass, so that the weights do
    not rest on the few features that give a training text away.
    """
    m, v, t = np.zeros_like(w), np.zeros_like(w), 0
    steps = -(-x.shape[0] // batch)
    total = epochs * steps
    average, averaged = np.zeros_like(w), 0
    for epoch in range(epochs):
        order = rng.permutation(x.shape[0])
        loss = 0.0
        for i in range(steps):
            rows = np.sort(order[i * batch : (i + 1) * batch])
            xb, yb = x[rows], labels[rows]
            if dropped:
                kept = rng.random(xb.nnz, dtype=np.float32) >= dropped
                xb.data *= kept / np.float32(1 - dropped)
            p = softmax(xb @ w)
            loss -= np.log(p[np.arange(len(rows)), yb] + 1e-9).mean()
            p[np.arange(len(rows)), yb] -= 1
            g = (xb.T @ p).astype(np.float32) / len(rows) + decay * w
            if mask is not None:
                g *= mask
            t += 1
            m += 0.1 * (g - m)
            v += 0.01 * (g * g - v)
            lr = rate * (1 - (t - 1) / total)
            w -= lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
            if epoch == epochs - 1:
                average += w
                averaged += 1
        print(f"  epoch {epoch + 1}/{epochs}: loss {loss / steps:.4f}", flush=True)
    return average / averaged


def pruned(w, x, pairs):
    """Which weights to keep: large ones of frequent features. Shifts each feature's weights to a
    median of 0 first, which no probability sees."""
    w -= np.median(w, axis=1, keepdims=True)
    weight = np.abs(w) * np.sqrt(np.asarray(x.multiply(x).sum(0)).ravel() ** 0.5)[:, None]
    return (weight >= np.partition(weight.ravel(), -pairs)[-pairs]).astype(np.float32)


def temperature(z, labels):
    """The factor of the scores that makes the probabilities true of texts not trained on."""
    grid = np.arange(0.3, 1.51, 0.05)
    rows = np.arange(len(labels))
    loss = [-np.log(softmax(z * t)[rows, labels] + 1e-9).mean() for t in grid]
    return float(grid[int(np.argmin(loss))])


# ---- The file ----


def write(path, codes, slots, w, bits):
    """See `src/text/language/model.rs` for the form of the file."""
    scale = float(np.quantile(np.abs(w[w != 0]), 0.9995)) / 127
    q = np.clip(np.round(w / scale), -127, 127).astype(np.int8)
    out = bytearray(b"SMLM")
    out += struct.pack("<BBf", len(codes), bits, scale)
    for code in codes:
        out += bytes([len(code)]) + code.encode()
    out += (np.where(slots >= 0, slots, 0) & ((1 << (24 - bits)) - 1)).astype(np.uint8).tobytes()
    out += (q != 0).sum(1).astype(np.uint8).tobytes()
    slot, column = np.nonzero(q)
    out += np.stack([column.astype(np.uint8), q[slot, column].view(np.uint8)], 1).tobytes()
    pathlib.Path(path).write_bytes(out)
    return q.astype(np.float32) * scale


def evaluate(rows, slots, w, bits, codes):
    """Share of right best guesses for each language of `rows`, over the languages with weights."""
    rows = [r for r in rows if r["lang"] in codes]
    p = softmax(matrix([list(words(r["text"])) for r in rows], slots, bits) @ w)
    p[:, codes.index("und")] = 0
    right = collections.defaultdict(list)
    for row, best in zip(rows, p.argmax(1)):
        right[row["lang"]].append(codes[best] == row["lang"])
    return {code: float(np.mean(values)) for code, values in sorted(right.items())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts")
    parser.add_argument("model")
    parser.add_argument("--evaluate")
    parser.add_argument("--samples", type=int, default=6000, help="of each language")
    parser.add_argument("--pairs", type=int, default=230_000, help="weights that are kept")
    options = parser.parse_args()
    rng, bits = np.random.default_rng(SEED), 16

    rows = []
    if options.evaluate:
        with gzip.open(options.evaluate, "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    found = read(options.texts, {letters_only(row["text"]) for row in rows})
    codes = sorted(found)
    train, train_labels, kept, kept_labels = [], [], [], []
    for label, code in enumerate(codes):
        for into, labels, count, side in (
            (train, train_labels, options.samples, False),
            (kept, kept_labels, 300, True),
        ):
            sources = [[d for d in s if held_out(d) == side] for s in found[code]]
            texts = sample([s for s in sources if s], count * (0.6 if code == "und" else 1), rng)
            into += texts
            labels += [label] * len(texts)
    train_labels, kept_labels = np.array(train_labels), np.array(kept_labels)
    print(f"{len(codes)} classes, {len(train)} texts", flush=True)

    slots = chosen(*features(train)[:2], train_labels, len(codes), bits, least=8)
    x, held = matrix(train, slots, bits), matrix(kept, slots, bits)
    w = np.zeros((1 << bits, len(codes)), np.float32)
    w = fit(x, train_labels, w, 6, 0.3, 1e-7, rng)
    mask = pruned(w, x, options.pairs)
    w = fit(x, train_labels, w * mask, 2, 0.08, 1e-7, rng, mask) * mask
    t = temperature(held @ w, kept_labels)
    w = write(options.model, codes, slots, w * t, bits)
    right = (held @ w).argmax(1) == kept_labels
    print(f"held-out documents: {right.mean():.4f} right, scores times {t:.2f}")
    for code, share in evaluate(rows, slots, w, bits, codes).items():
        print(f"  {code} {share:.3f}")


if __name__ == "__main__":
    main()
