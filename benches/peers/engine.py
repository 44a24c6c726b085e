"""One peer of Seamark's embedder, measured in a process of its own.

    engine.py NAME --model DIR --texts FILE --threads N [--vectors OUT]

FILE holds a JSON string (or {"text": ...}) per line. The figures are one line of JSON on stdout.
Every engine gets the same tokens: at most 256 a text, special tokens included. Engines that need
the model in a form of their own find it in --cache after `--prepare`.
"""

import argparse
import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path

MAX_TOKENS = 256
BATCHES = (16, 32, 64)
SINGLE = "How do I reset the password of my account today"  # 12 tokens
WARM_UPS, REPEATS = 10, 100
TUNING_TEXTS = 256
CALIBRATION_TEXTS = 300


# --- what every engine shares ------------------------------------------------------------------

def load_tokenizer(model):
    """The model's tokenizer, cutting at MAX_TOKENS and leaving the padding to us."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def padded(rows):
    """Token ids and attention mask of a batch, padded to its longest row."""
    import numpy as np

    lengths = np.array([len(row) for row in rows])
    ids = np.zeros((len(rows), lengths.max()), dtype=np.int64)
    mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
    ids[mask == 1] = np.concatenate(rows)
    return ids, mask


class Engine:
    """Embeds texts; a subclass says how it makes its file and how it runs a batch of rows.

    `file` is what `prepare` makes in the cache, `needs` the engine whose file it is made from.
    """

    file = needs = None

    def __init__(self, model, cache, threads):
        self.threads = threads
        self.tokenizer = load_tokenizer(model)
        self.load(model, cache)

    @staticmethod
    def prepare(model, cache, texts):
        """Makes `file` in `cache`; `texts` serve for calibration."""

    def load(self, model, cache):
        """Opens the model."""
        raise NotImplementedError

    def run(self, rows):
        """The unit vectors of one batch of token id lists."""
        raise NotImplementedError

    def embed(self, texts, batch):
        """Vectors in the order of `texts`, computed in batches of like length."""
        import numpy as np

        rows = [e.ids for e in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]), reverse=True)
        vectors = np.empty((len(rows), 384), dtype=np.float32)
        for start in range(0, len(order), batch):
            some = order[start:start + batch]
            vectors[some] = self.run([rows[i] for i in some])
        return vectors


# --- sentence-transformers ---------------------------------------------------------------------

class SentenceTransformers(Engine):
    """The library as its users call it: `encode` sorts, tokenizes and batches by itself."""

    def load(self, model, cache):
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import (
            Normalize, Pooling, Transformer)

        torch.set_num_threads(self.threads)
        modules = [Transformer(str(model), max_seq_length=MAX_TOKENS), Pooling(384, "mean"),
                   Normalize()]
        self.encoder = SentenceTransformer(modules=modules, device="cpu")

    def embed(self, texts, batch):
        return self.encoder.encode(texts, batch_size=batch, show_progress_bar=False)


# --- ONNX Runtime ------------------------------------------------------------------------------

def export_onnx(model, path):
    """Writes token ids and mask -> hidden states -> mean over the tokens -> length 1."""
    import torch
    from transformers import AutoModel

    class Embedder(torch.nn.Module):
        """The encoder with the pooling in its graph."""

        def __init__(self):
            super().__init__()
            self.encoder = AutoModel.from_pretrained(model, attn_implementation="eager")

        def forward(self, input_ids, attention_mask):
            hidden = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(mean, dim=1)

    ids = torch.randint(1000, 2000, (3, 17))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=512)}
    torch.onnx.export(
        Embedder().eval(), (ids, mask), str(path), dynamo=True, external_data=False,
        input_names=["input_ids", "attention_mask"], output_names=["vector"],
        dynamic_shapes=(axes, axes))


class OnnxRuntime(Engine):
    """ONNX Runtime's CPU provider in f32."""

    file = "f32.onnx"

    @staticmethod
    def prepare(model, cache, texts):
        export_onnx(model, cache / "f32.onnx")

    def load(self, model, cache):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            cache / self.file, options, providers=["CPUExecutionProvider"])

    def run(self, rows):
        ids, mask = padded(rows)
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class OnnxRuntimeInt8(OnnxRuntime):
    """Weights in int8 by channel, activations quantised as they come."""

    file, needs = "int8.onnx", OnnxRuntime

    @staticmethod
    def prepare(model, cache, texts):
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(cache / "f32.onnx", cache / "int8.onnx", per_channel=True,
                         weight_type=QuantType.QInt8)


# --- OpenVINO ----------------------------------------------------------------------------------

class OpenVino(Engine):
    """OpenVINO's CPU plugin; `precision` is its hint for what is not quantised."""

    file, needs, precision = "f32.xml", OnnxRuntime, "f32"

    @staticmethod
    def prepare(model, cache, texts):
        import openvino

        openvino.save_model(openvino.convert_model(cache / "f32.onnx"), cache / "f32.xml",
                            compress_to_fp16=False)

    def load(self, model, cache):
        import openvino

        compiled = openvino.Core().compile_model(cache / self.file, "CPU", {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(self.threads),
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": self.precision,
        })
        self.request = compiled.create_infer_request()

    def run(self, rows):
        return self.request.infer(list(padded(rows)), share_inputs=True)[0]


class OpenVinoBf16(OpenVino):
    """f32 weights, computed in bf16."""

    precision = "bf16"


class OpenVinoInt8Weights(OpenVino):
    """NNCF's weight compression alone."""

    file, needs = "int8_weights.xml", OpenVino

    @staticmethod
    def prepare(model, cache, texts):
        import nncf
        import openvino

        f32 = openvino.Core().read_model(cache / "f32.xml")
        small = nncf.compress_weights(f32, mode=nncf.CompressWeightsMode.INT8_ASYM)
        openvino.save_model(small, cache / "int8_weights.xml", compress_to_fp16=False)


class OpenVinoInt8(OpenVino):
    """NNCF's post-training quantisation, calibrated on texts of the run."""

    file, needs = "int8.xml", OpenVino

    @staticmethod
    def prepare(model, cache, texts):
        import nncf
        import openvino

        tokenizer = load_tokenizer(model)
        some = texts[::max(1, len(texts) // CALIBRATION_TEXTS)][:CALIBRATION_TEXTS]
        batches = [list(padded([tokenizer.encode(text).ids])) for text in some]
        small = nncf.quantize(
            openvino.Core().read_model(cache / "f32.xml"), nncf.Dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER, subset_size=len(batches))
        openvino.save_model(small, cache / "int8.xml", compress_to_fp16=False)


class OpenVinoInt8Bf16(OpenVinoInt8):
    """As int8, the rest in bf16."""

    precision = "bf16"


# --- CTranslate2 -------------------------------------------------------------------------------

class CTranslate2(Engine):
    """CTranslate2's encoder; it gives hidden states, so the pooling is NumPy's."""

    file, compute_type = "ctranslate2", "float32"

    @staticmethod
    def prepare(model, cache, texts):
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(model)).convert(str(cache / "ctranslate2"), force=True)

    def load(self, model, cache):
        import ctranslate2

        self.encoder = ctranslate2.Encoder(
            str(cache / self.file), compute_type=self.compute_type,
            intra_threads=self.threads, inter_threads=1)

    def run(self, rows):
        import numpy as np

        hidden = np.array(self.encoder.forward_batch(rows).last_hidden_state)
        for state, row in zip(hidden, rows):
            state[len(row):] = 0
        sums = hidden.sum(axis=1)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


class CTranslate2Int8(CTranslate2):
    """Weights and activations in int8, quantised at load."""

    compute_type = "int8"


ENGINES = {
    "sentence-transformers": SentenceTransformers,
    "onnxruntime": OnnxRuntime,
    "onnxruntime-int8": OnnxRuntimeInt8,
    "openvino": OpenVino,
    "openvino-bf16": OpenVinoBf16,
    "openvino-int8-weights": OpenVinoInt8Weights,
    "openvino-int8": OpenVinoInt8,
    "openvino-int8-bf16": OpenVinoInt8Bf16,
    "ctranslate2": CTranslate2,
    "ctranslate2-int8": CTranslate2Int8,
}


# --- measuring ---------------------------------------------------------------------------------

def seconds_since_process_start():
    """Age of this process; the kernel keeps its start in ticks of 10 ms."""
    stat = Path("/proc/self/stat").read_text(encoding="ascii")
    start = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start


def peak_rss_mib():
    """Most memory this program had resident (`ru_maxrss` would count the parent's before exec)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def cpu_seconds():
    """User and system time of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def timed(work):
    """The result of `work`, its wall and its CPU seconds."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    result = work()
    return result, time.perf_counter() - wall, cpu_seconds() - cpu


def read_texts(path):
    """The texts of a file of JSON lines."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    values = [json.loads(line) for line in lines if line.strip()]
    return [value if isinstance(value, str) else value["text"] for value in values]


def second_pass(engine, texts, batch):
    """A pass over the texts, timed, after one that is not: some engines compile for each shape."""
    engine.embed(texts, batch)
    return timed(lambda: engine.embed(texts, batch))


def tune(engine, texts):
    """The batch size that costs the least CPU time on a slice of the texts."""
    some = texts[::max(1, len(texts) // TUNING_TEXTS)]
    return min(BATCHES, key=lambda batch: second_pass(engine, some, batch)[2])


def latency(engine):
    """p50 and p99 in milliseconds of one short text alone."""
    for _ in range(WARM_UPS):
        engine.embed([SINGLE], 1)
    millis = sorted(timed(lambda: engine.embed([SINGLE], 1))[1] * 1e3 for _ in range(REPEATS))
    return millis[REPEATS // 2], millis[REPEATS * 99 // 100]


def measure(options):
    """All figures of one engine; with --tune only its best batch size."""
    texts = read_texts(options.texts)
    engine = ENGINES[options.name](options.model, options.cache, options.threads)
    engine.embed([SINGLE], 1)
    cold = seconds_since_process_start()
    if options.tune:
        return {"batch": tune(engine, texts)}
    p50, p99 = latency(engine)
    batch = options.batch or tune(engine, texts)
    vectors, wall, cpu = second_pass(engine, texts, batch)
    peak = peak_rss_mib()
    if options.vectors:
        vectors.astype("<f4").tofile(options.vectors)
    encodings = load_tokenizer(options.model).encode_batch_fast(texts)
    return {
        "engine": options.name, "threads": options.threads, "texts": len(texts),
        "tokens": sum(len(e.ids) for e in encodings), "wall_s": wall, "cpu_s": cpu,
        "p50_ms": p50, "p99_ms": p99, "peak_rss_mib": peak, "cold_s": cold,
        "note": f"batch {batch}",
    }


def prepare(kind, options):
    """Makes the file of an engine, and that which it is made from, unless they are there."""
    if kind.needs:
        prepare(kind.needs, options)
    marker = options.cache / f"{kind.file}.done"
    if kind.file and not marker.exists():
        options.cache.mkdir(parents=True, exist_ok=True)
        kind.prepare(options.model, options.cache, read_texts(options.texts))
        marker.touch()


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=ENGINES)
    parser.add_argument("--model", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--texts", type=Path, required=True, help="JSON lines")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vectors", type=Path, help="raw little-endian f32, a row per text")
    parser.add_argument("--cache", type=Path, required=True, help="folder of exported models")
    parser.add_argument("--batch", type=int, help=f"texts a batch; else the best of {BATCHES}")
    parser.add_argument("--tune", action="store_true", help="only find the best batch size")
    parser.add_argument("--prepare", action="store_true", help="only export and quantise")
    return parser.parse_args()


def main():
    """Runs one engine with stdout kept clean for the figures."""
    options = parse()
    os.environ.update({
        "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": str(options.threads), "RAYON_NUM_THREADS": str(options.threads),
    })
    with contextlib.redirect_stdout(sys.stderr):
        if options.prepare:
            result = prepare(ENGINES[options.name], options)
        else:
            result = measure(options)
    if result:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
