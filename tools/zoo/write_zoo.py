"""Writes trained weights as Hugging Face folders with model cards, and the zoo's manifest.

    python write_zoo.py --weights DIR --tokenizer DIR --scores scores.json --notes notes.json --out public/zoo
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import ModelShape
from model_card import DOMAINS, model_card

SPECIALISTS = ["instruction", "math", "multilingual", "coding", "safety"]


def config(shape: ModelShape) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "dtype": "bfloat16",
        "eos_token_id": 2,
        "head_dim": shape.head_size,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "initializer_range": 0.04,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.max_positions,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "pad_token_id": 0,
        "pretraining_tp": 1,
        "rms_norm_eps": shape.norm_epsilon,
        "rope_parameters": {"rope_theta": shape.rope_theta, "rope_type": "default"},
        "rope_theta": shape.rope_theta,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": shape.vocabulary,
    }


GENERATION = {
    "bos_token_id": 1,
    "do_sample": False,
    "eos_token_id": 2,
    "max_new_tokens": 64,
    "pad_token_id": 0,
}


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def describe(folder: Path, name: str) -> dict:
    content = (folder / name).read_bytes()
    return {
        "path": name,
        "sizeBytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def main() -> None:
    p = argparse.ArgumentParser()
    for name in ("weights", "tokenizer", "scores", "notes", "out"):
        p.add_argument(f"--{name}", type=Path, required=True)
    args = p.parse_args()
    scores, notes = json.loads(args.scores.read_text()), json.loads(args.notes.read_text())
    models = {}
    for model in ["base", *SPECIALISTS]:
        folder = args.out / model
        folder.mkdir(parents=True, exist_ok=True)
        weights = torch.load(args.weights / f"{model}.pt", weights_only=True)
        weights = {name: value.bfloat16().contiguous() for name, value in weights.items()}
        notes["parameters"] = sum(value.numel() for value in weights.values())
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        write_json(folder / "config.json", config(ModelShape()))
        write_json(folder / "generation_config.json", GENERATION)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(args.tokenizer / name, folder / name)
        (folder / "README.md").write_text(model_card(model, scores[model], notes))
        files = [describe(folder, path.name) for path in sorted(folder.iterdir())]
        models[model] = {
            "title": model.capitalize(),
            "path": model,
            "sizeBytes": sum(file["sizeBytes"] for file in files),
            "files": files,
            "scores": {
                d: {key: scores[model][d][key] for key in ("passed", "count")} for d in DOMAINS
            },
        }
    items = {}
    for domain in DOMAINS:
        path = f"items/{domain}.jsonl"
        items[domain] = {"path": path, "count": len((args.out / path).read_text().splitlines())}
    manifest = {
        "version": 1,
        "base": "base",
        "specialists": SPECIALISTS,
        "models": models,
        "items": items,
    }
    write_json(args.out / "manifest.json", manifest)
    print(f"{sum(m['sizeBytes'] for m in models.values()) / 1e6:.1f} MB in six models")


if __name__ == "__main__":
    main()
