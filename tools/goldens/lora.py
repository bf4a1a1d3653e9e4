"""Adapters merged by PEFT itself, as goldens for src/engine/adapted-checkpoint.ts.

    python -m venv .venv && .venv/bin/pip install torch==2.13.0 transformers==4.56.2 peft==0.21.2
    .venv/bin/python tools/goldens/lora.py --out test/fixtures/lora/peft.json

Writes tiny random models in bf16, trains nothing but fills every adapter with random numbers, saves
them as PEFT does, merges with `merge_and_unload`, and stores the files and the changed tensors.
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

SEED = 20261122
SIZES = {
    "vocab_size": 11,
    "hidden_size": 8,
    "intermediate_size": 13,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "tie_word_embeddings": False,
}


def llama(**changes: object) -> LlamaForCausalLM:
    return LlamaForCausalLM(LlamaConfig(**{**SIZES, **changes}))


def qwen2() -> Qwen2ForCausalLM:
    return Qwen2ForCausalLM(Qwen2Config(**SIZES))


def gpt2() -> GPT2LMHeadModel:
    return GPT2LMHeadModel(GPT2Config(vocab_size=11, n_positions=6, n_embd=8, n_layer=1, n_head=2))


# name, model, adapter, dtype in which the adapter is saved
CASES = [
    (
        "plain",
        llama,
        {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]},
        torch.float32,
    ),
    (
        "patterns",
        llama,
        {
            "r": 4,
            "lora_alpha": 6,
            "target_modules": ["q_proj", "k_proj", "up_proj"],
            "rank_pattern": {"layers.1.self_attn.q_proj": 2, "up_proj": 3},
            "alpha_pattern": {"k_proj": 1, r"layers\.[0].*up_proj": 5},
        },
        torch.bfloat16,
    ),
    (
        "stabilised",
        llama,
        {"r": 5, "lora_alpha": 7, "use_rslora": True, "target_modules": ["o_proj"]},
        torch.float16,
    ),
    (
        "saved",
        llama,
        {"r": 2, "target_modules": ["gate_proj"], "modules_to_save": ["lm_head", "embed_tokens"]},
        torch.float32,
    ),
    (
        "embeddings",
        llama,
        {"r": 3, "lora_alpha": 2, "target_modules": ["embed_tokens", "lm_head"]},
        torch.float32,
    ),
    (
        "biases",
        qwen2,
        {"r": 2, "target_modules": ["q_proj", "v_proj"], "lora_bias": True},
        torch.float32,
    ),
    ("trained biases", qwen2, {"r": 2, "target_modules": ["k_proj"], "bias": "all"}, torch.float32),
    (
        "transposed",
        gpt2,
        {"r": 2, "target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True},
        torch.float32,
    ),
]
REFUSED = [
    ("dora", llama, {"r": 2, "target_modules": ["q_proj"], "use_dora": True}),
    ("tokens", llama, {"r": 2, "target_modules": ["q_proj"], "trainable_token_indices": [1, 2]}),
]


def fill(model: torch.nn.Module, generator: torch.Generator, scale: float) -> None:
    """Random numbers everywhere: fresh adapters have B = 0 and biases of 0."""
    for parameter in model.parameters():
        drawn = torch.randn(parameter.shape, generator=generator) * scale
        parameter.data.copy_(drawn)


def adapted(factory, options: dict, dtype: torch.dtype, folder: Path) -> dict:
    generator = torch.Generator().manual_seed(SEED)
    base = factory()
    fill(base, generator, 0.05)
    base = base.to(torch.bfloat16)
    base.save_pretrained(folder / "base")
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **options))
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            drawn = torch.randn(parameter.shape, generator=generator) * 0.1
            parameter.data = drawn.to(dtype)
    model.save_pretrained(folder / "adapter")
    return {
        "model": text_of(save(load_file(folder / "base" / "model.safetensors"))),
        "config": (folder / "adapter" / "adapter_config.json").read_text(),
        "adapter": text_of((folder / "adapter" / "adapter_model.safetensors").read_bytes()),
    }


def merged(folder: Path) -> dict[str, torch.Tensor]:
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.bfloat16)
    result = PeftModel.from_pretrained(base, folder / "adapter").merge_and_unload()
    result.save_pretrained(folder / "merged")
    return load_file(folder / "merged" / "model.safetensors")


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    cases, refused = [], []
    for name, factory, options, dtype in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            case = {"name": name, **adapted(factory, options, dtype, folder)}
            tensors = merged(folder)
            # Written by safetensors as PEFT's model was: same names, same dtype.
            case["merged"] = text_of(save(tensors))
            cases.append(case)
    for name, factory, options in REFUSED:
        with tempfile.TemporaryDirectory() as temporary:
            case = adapted(factory, options, torch.float32, Path(temporary))
            del case["model"]
            refused.append({"name": name, **case})
    fixture = {
        "about": "PEFT 0.21.2 merge_and_unload of bf16 models; made by tools/goldens/lora.py",
        "cases": cases,
        "refused": refused,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
