"""GGUF files and what they hold, as goldens for src/formats/gguf-*.ts and src/sources/gguf-checkpoint.ts.

    python -m venv .venv && .venv/bin/pip install -r tools/goldens/gguf_files.requirements.txt
    .venv/bin/python tools/goldens/gguf_files.py --out test/fixtures/gguf

blocks.safetensors   random blocks of every type and their values by gguf-py
<model>.gguf         tiny random models, named and permuted as llama.cpp's converter does, and quantised
<model>.json         the same read back by transformers: SHA-256 of each tensor as float32, the config
fields.gguf          metadata of every type, no tensors
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf import GGUFEndian, GGUFValueType, GGUFWriter
from safetensors.numpy import save_file
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
)

SEED = 20261122
TYPES = [
    Type.F32,
    Type.F16,
    Type.BF16,
    Type.Q4_0,
    Type.Q4_1,
    Type.Q5_0,
    Type.Q5_1,
    Type.Q8_0,
    Type.Q4_K,
    Type.Q5_K,
    Type.Q6_K,
]
# Where the halves that scale a block lie; all other bytes of a block may have any value.
HALVES = {
    Type.Q4_0: [0],
    Type.Q4_1: [0, 2],
    Type.Q5_0: [0],
    Type.Q5_1: [0, 2],
    Type.Q8_0: [0],
    Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2],
    Type.Q6_K: [208],
}
SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def random_blocks(generator: np.random.Generator, kind: Type, rows: int, row_length: int, scale: float):
    """Bytes that decode to finite numbers."""
    block_size, type_size = gguf.GGML_QUANT_SIZES[kind]
    blocks = generator.integers(0, 256, (rows * row_length // block_size, type_size), np.uint8)
    if kind in (Type.F32, Type.F16, Type.BF16):
        values = (generator.standard_normal((rows, row_length)) * scale).astype(np.float32)
        return gguf.quantize(values, kind).view(np.uint8).reshape(rows, -1)
    for offset in HALVES[kind]:
        halves = (generator.standard_normal(len(blocks)) * scale).astype(np.float16)
        blocks[:, offset : offset + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(rows, row_length // block_size * type_size)


def write_blocks(folder: Path) -> None:
    generator = np.random.default_rng(SEED)
    arrays: dict[str, np.ndarray] = {}
    for kind in TYPES:
        # A second row has scales below the smallest normal half, so that subnormals occur.
        data = np.concatenate(
            [random_blocks(generator, kind, 3, 512, 0.01), random_blocks(generator, kind, 1, 512, 1e-6)]
        )
        arrays[f"{kind.name}.bytes"] = data
        values = gguf.dequantize(data.view(np.float16) if kind == Type.F16 else data, kind)
        arrays[f"{kind.name}.values"] = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    # Every half there is, widened, without NaN.
    halves = np.arange(65536, dtype=np.uint32).astype(np.uint16)
    halves = halves[~np.isnan(halves.view(np.float16))]
    arrays["halves.bytes"] = halves.view(np.uint8)
    arrays["halves.sha256"] = np.frombuffer(
        hashlib.sha256(halves.view(np.float16).astype(np.float32).tobytes()).digest(), np.uint8
    )
    save_file(arrays, folder / "blocks.safetensors")


def permute(weights: np.ndarray, head_count: int) -> np.ndarray:
    """llama.cpp's order of the rows of q and k: pairs that rotate together lie side by side."""
    halves = weights.reshape(head_count, 2, weights.shape[0] // head_count // 2, *weights.shape[1:])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def rope_factors(config: LlamaConfig) -> np.ndarray:
    """What the converter stores as rope_freqs.weight for a llama3 scaling."""
    rope = config.rope_parameters
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    length = rope["original_max_position_embeddings"]
    factors = []
    for index in range(0, config.head_dim, 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (index / config.head_dim)
        if wavelength < length / high:
            factors.append(1.0)
        elif wavelength > length / low:
            factors.append(rope["factor"])
        else:
            smooth = (length / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, np.float32)


def choose_type(name: str, row_length: int, index: int) -> Type:
    if row_length % 256 == 0:
        return [Type.Q4_K, Type.Q6_K, Type.Q5_K][index % 3]
    return [Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.F16, Type.BF16, Type.Q5_0, Type.Q5_1][index % 7]


def write_model(folder: Path, name: str, arch: gguf.MODEL_ARCH, config, version_fields: dict) -> None:
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    model = AutoModelForCausalLM.from_config(config).to(torch.float32)
    state = {key: value.detach().numpy() for key, value in model.state_dict().items()}
    if config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    prefix = gguf.MODEL_ARCH_NAMES[arch]
    path = folder / f"{name}.gguf"
    writer = GGUFWriter(path, prefix)
    writer.add_name(f"Tiny {name}")
    writer.add_license("apache-2.0")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_token_list([f"<{index}>" for index in range(config.vocab_size)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for key, value in version_fields.items():
        getattr(writer, key)(value)

    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    for index, (hf_name, values) in enumerate(state.items()):
        if values.ndim == 1:
            values = values + generator.standard_normal(values.shape).astype(np.float32) * 0.1
        if arch == gguf.MODEL_ARCH.LLAMA:
            if ".q_proj." in hf_name:
                values = permute(values, config.num_attention_heads)
            if ".k_proj." in hf_name:
                values = permute(values, config.num_key_value_heads)
        if name.startswith("gemma") and hf_name.endswith("norm.weight"):
            values = values + np.float32(1)
        target = names.get_name(hf_name, try_suffixes=(".weight", ".bias"))
        if target is None:
            raise ValueError(f"gguf-py has no name for {hf_name}")
        if values.ndim == 1:
            writer.add_tensor(target, values.astype(np.float32))
            continue
        kind = choose_type(hf_name, values.shape[1], index)
        if kind in (Type.Q4_K, Type.Q5_K, Type.Q6_K):
            # gguf-py cannot quantise to these; any blocks do.
            data = random_blocks(generator, kind, *values.shape, 0.001)
        else:
            data = gguf.quantize(np.ascontiguousarray(values, np.float32), kind)
        writer.add_tensor(target, data, raw_dtype=kind)
    if config.rope_parameters.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=path.name, dtype=torch.float32)
    tensors = {}
    for key, value in read.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        digest = hashlib.sha256(np.ascontiguousarray(value.numpy(), np.float32).tobytes()).hexdigest()
        tensors[key] = {"shape": list(value.shape), "sha256": digest}
    kept = config.to_dict()
    kept = {key: kept[key] for key in sorted(kept) if isinstance(kept[key], (bool, int, float, str, dict, list))}
    golden = {"config": kept, "tensors": dict(sorted(tensors.items()))}
    (folder / f"{name}.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


def write_fields(folder: Path) -> None:
    writer = GGUFWriter(folder / "fields.gguf", "llama", endianess=GGUFEndian.LITTLE)
    writer.add_custom_alignment(64)
    writer.add_uint8("test.u8", 255)
    writer.add_int8("test.i8", -128)
    writer.add_uint16("test.u16", 65535)
    writer.add_int16("test.i16", -32768)
    writer.add_uint32("test.u32", 4294967295)
    writer.add_int32("test.i32", -2147483648)
    writer.add_uint64("test.u64", 2**53 - 1)
    writer.add_int64("test.i64", -(2**53) + 1)
    writer.add_float32("test.f32", 0.1)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.bool", True)
    writer.add_string("test.text", "ä → 🦙")
    writer.add_array("test.texts", ["a", "", "ü"])
    writer.add_array("test.numbers", [1, -2, 3])
    writer.add_key_value("test.long", list(range(5000)), GGUFValueType.ARRAY, GGUFValueType.UINT16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    write_blocks(folder)
    write_fields(folder)
    llama3 = {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    llama = LlamaConfig(**SIZES, tie_word_embeddings=False, rope_parameters=llama3)
    write_model(
        folder,
        "llama",
        gguf.MODEL_ARCH.LLAMA,
        llama,
        {"add_vocab_size": 96, "add_rope_dimension_count": 16},
    )
    qwen2 = Qwen2Config(**SIZES, tie_word_embeddings=True)
    write_model(folder, "qwen2", gguf.MODEL_ARCH.QWEN2, qwen2, {})
    # transformers does not read the head's size of this family, so it is the default one.
    heads = {"head_dim": 128, "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1}
    qwen3 = Qwen3Config(**{**SIZES, **heads}, tie_word_embeddings=True)
    write_model(
        folder, "qwen3", gguf.MODEL_ARCH.QWEN3, qwen3, {"add_key_length": 128, "add_value_length": 128}
    )
    gemma2 = Gemma2Config(
        **{**SIZES, "head_dim": 32},
        sliding_window=128,
        query_pre_attn_scalar=32,
        attn_logit_softcapping=50.0,
        final_logit_softcapping=30.0,
    )
    write_model(
        folder,
        "gemma2",
        gguf.MODEL_ARCH.GEMMA2,
        gemma2,
        {
            "add_key_length": 32,
            "add_value_length": 32,
            "add_attn_logit_softcapping": 50.0,
            "add_final_logit_softcapping": 30.0,
            "add_sliding_window": 128,
        },
    )
    gemma3 = Gemma3TextConfig(
        **{**SIZES, "head_dim": 32, "num_hidden_layers": 1}, sliding_window=128, query_pre_attn_scalar=32
    )
    write_model(
        folder,
        "gemma3",
        gguf.MODEL_ARCH.GEMMA3,
        gemma3,
        {"add_key_length": 32, "add_value_length": 32, "add_sliding_window": 128},
    )


if __name__ == "__main__":
    main()
