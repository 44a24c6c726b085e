"""Makes the tiny checkpoints beside this file and the vectors that the Python originals give.

    python -m venv venv && venv/bin/pip install torch transformers tokenizers safetensors
    venv/bin/python tests/golden/embed/make.py

Random weights, wide enough that attention, activation and normalisation all matter. Each text is
embedded alone, without padding: the Rust side embeds them in padded batches.
"""

import hashlib
import json
import re
import string
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    NomicBertConfig,
    NomicBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

HERE = Path(__file__).parent
MAX_TOKENS = 16
WORDS = "the my data is not working please help airtime sim card how do i bill and ? . , !".split()
TEXTS = [
    "How do I help my SIM card?",
    "airtime",
    "My data is not working, please help!",
    "the bill and the airtime and the card and the data and the sim are not working . please help",
    "Zürich – 42 unknown words 🙂",
    "",
]


def wordpiece():
    letters = list(string.ascii_lowercase)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(WORDS + letters)]
    pieces += ["##" + letter for letter in letters]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return with_ends(tokenizer, "[CLS]", "[SEP]", vocabulary)


def unigram():
    pieces = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces += ["▁" + word for word in WORDS] + ["▁", *string.ascii_letters, "ing", "ot", "er"]
    scores = [(piece, -float(i) / 7) for i, piece in enumerate(dict.fromkeys(pieces))]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    vocabulary = {piece: i for i, (piece, _) in enumerate(scores)}
    return with_ends(tokenizer, "<s>", "</s>", vocabulary)


def with_ends(tokenizer, first, last, vocabulary):
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
    )
    tokenizer.add_special_tokens([first, last])
    return tokenizer


def models_to_make():
    size = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
    pieces, tokens = wordpiece(), unigram()
    yield "tiny-bert", "mean", pieces, BertModel(
        BertConfig(vocab_size=pieces.get_vocab_size(), max_position_embeddings=24,
                   initializer_range=0.3, **size), add_pooling_layer=False)
    yield "tiny-distilbert", "mean", pieces, DistilBertModel(
        DistilBertConfig(vocab_size=pieces.get_vocab_size(), max_position_embeddings=24, dim=32,
                         n_layers=2, n_heads=4, hidden_dim=48, initializer_range=0.3))
    yield "tiny-xlm-roberta", "cls", tokens, XLMRobertaModel(
        XLMRobertaConfig(vocab_size=tokens.get_vocab_size(), max_position_embeddings=24,
                         type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                         initializer_range=0.3, layer_norm_eps=1e-5, **size),
        add_pooling_layer=False)
    yield "tiny-mpnet", "mean", tokens, MPNetModel(
        MPNetConfig(vocab_size=tokens.get_vocab_size(), max_position_embeddings=24,
                    initializer_range=0.3, layer_norm_eps=1e-5, **size), add_pooling_layer=False)
    yield "tiny-nomic", "mean", pieces, NomicBertModel(
        NomicBertConfig(vocab_size=pieces.get_vocab_size(), max_position_embeddings=24,
                        initializer_range=0.3, **size), add_pooling_layer=False)
    # Four layers, of which two see only three tokens to each side.
    size["num_hidden_layers"] = 4
    yield "tiny-modernbert", "cls", pieces, ModernBertModel(
        ModernBertConfig(vocab_size=pieces.get_vocab_size(), max_position_embeddings=24,
                         initializer_range=0.3, local_attention=6, pad_token_id=0, bos_token_id=2,
                         cls_token_id=2, eos_token_id=3, sep_token_id=3,
                         attn_implementation="eager", **size))


def scatter(model, generator):
    """Biases and norms start at 0 and 1, where a mistake with them would not show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def embed(model, tokenizer, pooling, text):
    ids = torch.tensor([tokenizer.encode(text).ids])
    with torch.no_grad():
        hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
    vector = hidden.mean(0) if pooling == "mean" else hidden[0]
    return (vector / vector.norm()).tolist()


def tensors_of(model):
    tensors = {key: value for key, value in model.state_dict().items()
               if value.is_floating_point()}
    return nomic_tensors(tensors) if model.config.model_type == "nomic_bert" else tensors


# The library has names of its own for this family; published checkpoints have these.
NOMIC = [("embeddings.LayerNorm", "emb_ln"), ("layers", "encoder.layers"),
         ("self_attn.o_proj", "attn.out_proj"), ("mlp.up_proj", "mlp.fc11"),
         ("mlp.gate_proj", "mlp.fc12"), ("mlp.down_proj", "mlp.fc2"),
         ("post_attention_layernorm", "norm1"), ("post_mlp_layernorm", "norm2")]


def nomic_tensors(tensors):
    named = {}
    for key, value in tensors.items():
        for own, published in NOMIC:
            key = key.replace(own, published)
        fused = re.fullmatch(r"(.*)self_attn\.([qkv])_proj(.*)", key)
        if fused:
            parts = named.setdefault(f"{fused[1]}attn.Wqkv{fused[3]}", {})
            parts[fused[2]] = value
        else:
            named[key] = value
    return {key: torch.cat([value[part] for part in "qkv"]) if isinstance(value, dict) else value
            for key, value in named.items()}


def config_of(model):
    config = model.config.to_dict()
    config.setdefault("position_embedding_type", "absolute")
    ropes = config.pop("rope_parameters", None)
    if model.config.model_type == "nomic_bert":
        config = nomic_config(config, ropes)
    if model.config.model_type == "modernbert":
        # As published checkpoints have it.
        config |= {"layer_norm_eps": config["norm_eps"], "global_attn_every_n_layers": 3,
                   "global_rope_theta": ropes["full_attention"]["rope_theta"],
                   "local_rope_theta": ropes["sliding_attention"]["rope_theta"]}
    # Some versions write null where the loader wants the key's former default.
    return {key: value for key, value in config.items() if value is not None}


def nomic_config(config, ropes):
    names = {"hidden_size": "n_embd", "num_attention_heads": "n_head",
             "num_hidden_layers": "n_layer", "intermediate_size": "n_inner",
             "max_position_embeddings": "n_positions", "layer_norm_eps": "layer_norm_epsilon",
             "vocab_size": "vocab_size", "type_vocab_size": "type_vocab_size",
             "model_type": "model_type"}
    return {published: config[own] for own, published in names.items()} | {
        "activation_function": "swiglu", "max_trained_positions": config["max_position_embeddings"],
        "rotary_emb_base": ropes["rope_theta"], "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False, "qkv_proj_bias": False, "mlp_fc1_bias": False,
        "mlp_fc2_bias": False, "prenorm": False}


def manifest_of(name, pooling, architecture, folder):
    lines = [
        "# Random weights, made by make.py.",
        f'name = "{name}"',
        f'architecture = "{architecture}"',
        "dimension = 32",
        f"max_tokens = {MAX_TOKENS}",
        f'pooling = "{pooling}"',
        'licence = "Apache-2.0"',
    ]
    for file in ["config.json", "tokenizer.json", "model.safetensors"]:
        content = (folder / file).read_bytes()
        lines += ["", "[[files]]", f'name = "{file}"', f"bytes = {len(content)}",
                  f'sha256 = "{hashlib.sha256(content).hexdigest()}"']
    return "\n".join(lines) + "\n"


def main():
    torch.manual_seed(20)
    generator = torch.Generator().manual_seed(21)
    expected = {}
    for name, pooling, tokenizer, model in models_to_make():
        model.eval()
        scatter(model, generator)
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        tensors = {key: value.contiguous() for key, value in tensors_of(model).items()}
        save_file(tensors, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config_of(model), indent=1) + "\n")
        text = manifest_of(name, pooling, model.config.model_type, folder)
        (HERE / f"{name}.toml").write_text(text)
        expected[name] = [
            {"text": text, "vector": embed(model, tokenizer, pooling, text)} for text in TEXTS
        ]
    (HERE / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
