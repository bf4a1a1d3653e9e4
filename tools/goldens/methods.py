"""Merges by mergekit itself, as goldens for src/methods.

    python -m venv .venv && .venv/bin/pip install mergekit==0.1.4 transformers==4.56.2
    .venv/bin/python tools/goldens/methods.py --out test/fixtures/methods/mergekit.json

Writes a one-layer Llama base and three specialists, their weights on the bf16 grid so that equal
magnitudes meet at thresholds, runs mergekit on recipes with `dtype: float32`, and stores inputs
(bf16) and results (float32) as base64. For DARE, mergekit's generator is replaced by the masks our
kernels draw: pcg4d over (element, model // 4, tensor, seed), of whose four words each model takes one,
written here a second time in NumPy.
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import MergeOptions, run_merge
from safetensors.torch import load_file, save_file

SEED = 20261122
MASK_SEED = 7
SPECIALISTS = ("a", "b", "c")
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 37,
    "hidden_size": 16,
    "intermediate_size": 23,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
SHAPES = {
    "lm_head.weight": (37, 16),
    "model.embed_tokens.weight": (37, 16),
    "model.layers.0.input_layernorm.weight": (16,),
    "model.layers.0.mlp.down_proj.weight": (16, 23),
    "model.layers.0.mlp.gate_proj.weight": (23, 16),
    "model.layers.0.mlp.up_proj.weight": (23, 16),
    "model.layers.0.post_attention_layernorm.weight": (16,),
    "model.layers.0.self_attn.k_proj.weight": (8, 16),
    "model.layers.0.self_attn.o_proj.weight": (16, 16),
    "model.layers.0.self_attn.q_proj.weight": (16, 16),
    "model.layers.0.self_attn.v_proj.weight": (8, 16),
    "model.norm.weight": (16,),
}

# method, weights, densities, method parameters
CASES = [
    ("linear", [0.6, 0.4, 0.5], None, {}),
    ("linear", [0.6, 0.4, -0.3], None, {"normalize": False}),
    ("task_arithmetic", [0.7, 0.3, 0.5], None, {}),
    ("task_arithmetic", [0.7, 0.3, 0.5], None, {"normalize": True, "lambda": 1.3}),
    ("task_arithmetic", [0.5, -0.5, 0.0], None, {"normalize": True}),
    ("ties", [1.0, 1.0, 1.0], [0.5, 0.5, 0.5], {}),
    ("ties", [0.7, 0.3, 0.5], [0.2, 0.9, 1.0], {"normalize": False, "lambda": 0.8}),
    ("ties", [0.7, -0.3, 0.0], [0.3, 0.6, 0.1], {"lambda": 1.2}),
    ("dare_linear", [0.7, 0.3, 0.5], [0.5, 0.3, 0.9], {}),
    ("dare_linear", [0.7, 0.3, 0.5], [0.5, 0.7, 0.2], {"normalize": True, "lambda": 0.7}),
    ("dare_linear", [0.4, 0.3, 0.5], [0.5, 0.7, 0.2], {"rescale": False}),
]


def make_models() -> dict[str, dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(SEED)

    def normal(shape: tuple[int, ...], scale: float) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * scale

    base = {name: normal(shape, 0.05).bfloat16() for name, shape in SHAPES.items()}
    models = {"base": base}
    for specialist in SPECIALISTS:
        models[specialist] = {
            name: (tensor.float() + normal(tuple(tensor.shape), 0.01)).bfloat16()
            for name, tensor in base.items()
        }
    return models


def hash_text(text: str) -> int:
    """FNV-1a over UTF-8, finished with a Murmur3 mixer, as hashText32 in src/core/random.ts."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return value ^ (value >> 16)


def mask_of(name: str, model: int, density: float) -> torch.Tensor:
    """pcg4d (Jarzynski and Olano 2020); kept where 24 bits of the model's word lie below density."""
    shape = SHAPES[name]
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32)
        y, z, w = (np.full(count, v, np.uint32) for v in (model // 4, hash_text(name), MASK_SEED))
        x, y, z, w = (v * np.uint32(1664525) + np.uint32(1013904223) for v in (x, y, z, w))
        for last in (False, True):
            x = x + y * w
            y = y + z * x
            z = z + x * y
            w = w + y * z
            if not last:
                x, y, z, w = (v ^ (v >> np.uint32(16)) for v in (x, y, z, w))
    uniform = ((x, y, z, w)[model % 4] >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)
    kept = uniform < np.float32(density)
    return torch.from_numpy(kept.astype(np.float32)).reshape(shape)


def recipe_of(folder: Path, case: tuple) -> dict:
    method, weights, densities, parameters = case
    models = []
    for index, name in enumerate(SPECIALISTS):
        own = {"weight": weights[index]}
        if densities is not None:
            own["density"] = densities[index]
        models.append({"model": str(folder / name), "parameters": own})
    recipe = {"merge_method": method, "dtype": "float32", "models": models}
    if parameters:
        recipe["parameters"] = parameters
    if method != "linear":
        recipe["base_model"] = str(folder / "base")
    return recipe


def run_case(folder: Path, case: tuple) -> dict[str, torch.Tensor]:
    densities = case[2]
    # mergekit visits tensors in ascending order of their names, and models as listed.
    expected = [(name, k) for name in sorted(SHAPES) for k in range(len(SPECIALISTS))]

    def bernoulli(probability: torch.Tensor) -> torch.Tensor:
        name, model = expected.pop(0)
        assert tuple(probability.shape) == SHAPES[name], name
        return mask_of(name, model, densities[model])

    original = torch.bernoulli
    torch.bernoulli = bernoulli
    try:
        out = folder / "merged"
        config = MergeConfiguration.model_validate(recipe_of(folder, case))
        options = MergeOptions(copy_tokenizer=False, write_model_card=False)
        run_merge(config, str(out), options=options)
    finally:
        torch.bernoulli = original
    assert not case[0].startswith("dare") or not expected, "every mask was drawn"
    return load_file(out / "model.safetensors")


def text_of(tensor: torch.Tensor, dtype: torch.dtype, view: torch.dtype) -> str:
    data = tensor.to(dtype).contiguous().view(view).numpy().tobytes()
    return base64.b64encode(data).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    models = make_models()
    cases = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, tensors in models.items():
            (folder / name).mkdir()
            save_file(tensors, folder / name / "model.safetensors", metadata={"format": "pt"})
            (folder / name / "config.json").write_text(json.dumps(CONFIG))
        for case in CASES:
            merged = run_case(folder, case)
            cases.append(
                {
                    "method": case[0],
                    "weights": case[1],
                    "densities": case[2],
                    "parameters": case[3],
                    "merged": {
                        name: text_of(merged[name], torch.float32, torch.float32)
                        for name in SHAPES
                    },
                }
            )
    fixture = {
        "about": "mergekit 0.1.4, dtype float32; made by tools/goldens/methods.py",
        "maskSeed": MASK_SEED,
        "specialists": list(SPECIALISTS),
        "models": {
            model: {
                name: text_of(tensor, torch.bfloat16, torch.int16)
                for name, tensor in tensors.items()
            }
            for model, tensors in models.items()
        },
        "cases": cases,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
