"""Logits of tiny random decoders of each family by PyTorch's `transformers`, as goldens for src/model.

    python -m venv .venv && .venv/bin/pip install -r tools/goldens/requirements.txt
    .venv/bin/python tools/goldens/families.py --out test/fixtures/model

Writes `family-configs.json` (configs, with the token sequence) and `family-logits.bin` (float32,
little-endian, `[families, tokens, vocabulary]`). The weights follow a formula in whole numbers that
the tests repeat, so that they need not be stored.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import transformers

SIZES = {
    "hidden_size": 96,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 130,
    "max_position_embeddings": 64,
}
FAMILIES = {
    "gemma2": {
        **SIZES,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 3.0,
        "query_pre_attn_scalar": 48,
        # Shorter than the sequence, so that sliding layers differ from others.
        "sliding_window": 9,
    },
    "qwen2": {**SIZES, "tie_word_embeddings": False, "rope_theta": 100000.0},
    "qwen3": {**SIZES, "tie_word_embeddings": True, "rope_theta": 100000.0},
}
TOKENS = [(7 * k * k + 31 * k + 5) % 127 + 3 for k in range(24)]


def weights_of(index: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Spread evenly over [-0.3, 0.3), around 1 for the norms of most families."""
    at = np.arange(int(np.prod(shape)), dtype=np.int64)
    drawn = (at * at * 31 + at * 7919 + index * 104729) % 1000003
    values = (drawn / 1000003 - 0.5) * 0.6
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def model_of(family: str, fields: dict) -> transformers.PreTrainedModel:
    config = transformers.AutoConfig.for_model(family, attn_implementation="eager", **fields)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    state = {name: tensor for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    for index, name in enumerate(sorted(state)):
        drawn = weights_of(index, tuple(state[name].shape))
        is_norm = drawn.ndim == 1 and name.endswith("norm.weight")
        state[name].copy_(drawn + 1 if is_norm and family != "gemma2" else drawn)
    return model.eval()


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    configs = {}
    logits = []
    for family, fields in FAMILIES.items():
        model = model_of(family, fields)
        configs[family] = {
            **json.loads(model.config.to_json_string(use_diff=False)),
            "architectures": [type(model).__name__],
        }
        logits.append(model(torch.tensor([TOKENS])).logits[0].numpy())
    document = {
        "madeBy": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "tokens": TOKENS,
        "configs": configs,
    }
    (arguments.out / "family-configs.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    np.concatenate([one.ravel() for one in logits]).astype("<f4").tofile(
        arguments.out / "family-logits.bin"
    )


if __name__ == "__main__":
    main()
