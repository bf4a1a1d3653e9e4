"""Merges of models with different tokenizers by mergekit itself, as goldens for src/engine.

    python -m venv .venv && .venv/bin/pip install mergekit==0.1.4 transformers==4.56.2
    PYTHONHASHSEED=0 .venv/bin/python tools/goldens/vocabularies.py --out test/fixtures/tokenizers/mergekit.json

Writes four tiny Llamas: `plain`; `padded`, whose tokenizer has tokens beyond its embedding; `chatml`
and `other`, which add tokens, two of them in common under different ids. Every recipe runs once a
model, with `linear` and a weight of 1 for that model and 0 for the rest, so that the result is that
model's embedding and head as mergekit aligned them. mergekit gives new tokens of a union their ids
in the order of a hash set, hence the fixed seed; rows are compared by token.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import tempfile
from pathlib import Path

import torch
from mergekit.config import MergeConfiguration
from mergekit.merge import MergeOptions, run_merge
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SEED = 20261122
WIDTH = 6
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PAIRS = ["th", "he", "in", "er", "an", "re", "on", "at", "en", "nd", "the", "ing"]
ALIGNED = ("model.embed_tokens.weight", "lm_head.weight")
UNUSED = [f"<unused_{index}>" for index in range(5)]


def tokenizer(added: list[AddedToken], merges: list[str] = PAIRS) -> Tokenizer:
    vocab = {token: index for index, token in enumerate(["<unk>", "<s>", "</s>", *LETTERS])}
    pairs = []
    for word in merges:
        vocab[word] = len(vocab)
        pairs.append((word[:-1], word[-1]) if word != "ing" else ("in", "g"))
    made = Tokenizer(models.BPE(vocab=vocab, merges=pairs, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.decoder = decoders.BPEDecoder()
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    for token in added:
        made.add_tokens([token]) if not token.special else made.add_special_tokens([token])
    return made


START = AddedToken("<|im_start|>", special=True, normalized=False)
END = AddedToken("<|im_end|>", special=True, normalized=False)
PLAIN_SIZE = 3 + len(LETTERS) + len(PAIRS)
# Name: tokenizer, rows of the embedding.
MODELS = {
    "plain": (tokenizer([]), PLAIN_SIZE),
    # Only its pairs have rows; mergekit 0.1.4 fails when a pair has none.
    "padded": (tokenizer([AddedToken(text) for text in UNUSED]), PLAIN_SIZE),
    "chatml": (tokenizer([START, END]), PLAIN_SIZE + 2),
    "other": (
        tokenizer(
            [END, AddedToken("<tool>", rstrip=True, normalized=False), START],
            [*PAIRS, "qu"],
        ),
        PLAIN_SIZE + 4,
    ),
}

NEW = "<brand new>"
CASES = {
    "base": ("plain", ["plain", "chatml"], {"tokenizer_source": "base"}),
    "stripped base": ("padded", ["padded", "plain"], {"tokenizer_source": "base"}),
    "model": ("plain", ["plain", "chatml"], {"tokenizer_source": "chatml"}),
    "union": ("plain", ["plain", "padded", "chatml"], {"tokenizer_source": "union"}),
    "union of four": (
        "plain",
        ["plain", "padded", "chatml", "other"],
        {"tokenizer": {"source": "union", "pad_to_multiple_of": 16}},
    ),
    "tokens": (
        "plain",
        ["plain", "chatml", "other"],
        {
            "tokenizer": {
                "source": "union",
                "tokens": {
                    NEW: {"source": {"kind": "model_token", "model": "chatml", "token": "ing"}},
                    "<|im_start|>": {"source": "other"},
                    "<|im_end|>": {"source": "chatml", "force": True},
                    # Not {kind: zero}: mergekit 0.1.4 fails on it.
                    "th": {"source": "other", "force": True},
                    "a": {
                        "source": {"kind": "model_token", "model": "plain", "token_id": 5},
                        "force": True,
                    },
                },
            }
        },
    ),
}


def write_model(name: str, made: Tokenizer, rows: int, generator: torch.Generator) -> None:
    folder = Path(name)
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=2))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": rows,
        "hidden_size": WIDTH,
        "intermediate_size": 7,
        "num_hidden_layers": 0,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    tensors = {
        tensor: torch.randn((rows, WIDTH), generator=generator).bfloat16() for tensor in ALIGNED
    }
    tensors["model.norm.weight"] = torch.ones(WIDTH).bfloat16()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def run_case(case: tuple, chosen: str) -> dict:
    base, names, setting = case
    models_of = [
        {"model": name, "parameters": {"weight": 1.0 if name == chosen else 0.0}} for name in names
    ]
    recipe = {
        "merge_method": "linear",
        "base_model": base,
        "dtype": "float32",
        "models": models_of,
        **setting,
    }
    with tempfile.TemporaryDirectory() as out:
        options = MergeOptions(write_model_card=False, quiet=True)
        run_merge(MergeConfiguration.model_validate(recipe), out, options=options)
        folder = Path(out)
        tensors = load_file(folder / "model.safetensors")
        return {
            "tokenizer": json.loads((folder / "tokenizer.json").read_text()),
            "vocabSize": json.loads((folder / "config.json").read_text())["vocab_size"],
            "aligned": {tensor: text_of(tensors[tensor]) for tensor in ALIGNED},
        }


def text_of(tensor: torch.Tensor) -> str:
    return base64.b64encode(tensor.contiguous().view(torch.uint8).numpy().tobytes()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out.resolve()
    assert os.environ.get("PYTHONHASHSEED") == "0", "set PYTHONHASHSEED=0"
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        stored = {}
        for name, (made, rows) in MODELS.items():
            write_model(name, made, rows, generator)
            tensors = load_file(f"{name}/model.safetensors")
            stored[name] = {
                "config": json.loads(Path(f"{name}/config.json").read_text()),
                "tokenizerConfig": json.loads(Path(f"{name}/tokenizer_config.json").read_text()),
                "tokenizer": json.loads(Path(f"{name}/tokenizer.json").read_text()),
                "tensors": {tensor: text_of(tensors[tensor]) for tensor in ALIGNED},
            }
        cases = []
        for title, case in CASES.items():
            base, names, setting = case
            runs = {name: run_case(case, name) for name in names}
            first = runs[names[0]]
            cases.append(
                {
                    "title": title,
                    "base": base,
                    "models": names,
                    "setting": setting,
                    "tokenizer": first["tokenizer"],
                    "vocabSize": first["vocabSize"],
                    "aligned": {name: run["aligned"] for name, run in runs.items()},
                }
            )
    fixture = {
        "about": "mergekit 0.1.4, dtype float32; made by tools/goldens/vocabularies.py",
        "models": stored,
        "cases": cases,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
