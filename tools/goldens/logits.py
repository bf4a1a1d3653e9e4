"""Logits and greedy text of every zoo model by PyTorch's `transformers`, as goldens for src/model.

    python -m venv .venv && .venv/bin/pip install -r tools/goldens/requirements.txt
    .venv/bin/python tools/goldens/logits.py --zoo public/zoo --out test/fixtures/model

Writes `zoo-goldens.json` (prompts, token ids, greedy continuations) and `zoo-logits.bin` (float32,
little-endian). For each model and sequence the binary holds first the logits of the watched tokens
after every position, then all logits after the last one. Runs on one thread in about a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
import transformers

CONTINUATION_LENGTH = 64
PROMPT_COUNT = 20
SEQUENCE_COUNT = 3
WATCHED_COUNT = 12
DOMAINS = ("instruction", "math", "multilingual", "coding", "safety", "general")


def read_prompts(zoo: Path) -> list[str]:
    """Prompts of held-out items, evenly spaced through each domain's file, domains in turn."""
    by_domain = []
    for domain in DOMAINS:
        path = zoo / "items" / f"{domain}.jsonl"
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
        share = -(-PROMPT_COUNT // len(DOMAINS))
        by_domain.append([lines[len(lines) * k // share]["prompt"] for k in range(share)])
    return [prompt for turn in zip(*by_domain, strict=True) for prompt in turn][:PROMPT_COUNT]


def encode(tokenizer: transformers.PreTrainedTokenizerBase, prompt: str) -> list[int]:
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
    )
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@torch.inference_mode()
def continuation(model: transformers.PreTrainedModel, tokens: list[int]) -> list[int]:
    """Greedy tokens, not stopped at the end-of-text token: more to compare."""
    ids = torch.tensor([tokens])
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=CONTINUATION_LENGTH,
        min_new_tokens=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    return output[0, len(tokens) :].tolist()


@torch.inference_mode()
def describe(folder: Path, prompts: list[str]) -> tuple[dict, list[np.ndarray]]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.generation_config.eos_token_id = None
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = [encode(tokenizer, prompt) for prompt in prompts]
    continuations = [continuation(model, tokens) for tokens in encoded]
    vocabulary = model.config.vocab_size
    watched = [vocabulary * k // WATCHED_COUNT for k in range(WATCHED_COUNT)]
    sequences = [
        (tokens + written)[: len(tokens) + 16]
        for tokens, written in list(zip(encoded, continuations, strict=True))[:SEQUENCE_COUNT]
    ]
    arrays = []
    for sequence in sequences:
        logits = model(torch.tensor([sequence])).logits[0].numpy()
        arrays += [logits[:, watched].ravel(), logits[-1]]
    weights = (folder / "model.safetensors").read_bytes()
    facts = {
        "weightsSha256": hashlib.sha256(weights).hexdigest(),
        "vocabularySize": vocabulary,
        "watchedTokens": watched,
        "sequences": sequences,
        "greedy": [
            {"promptTokens": tokens, "tokens": written, "text": text_of(tokenizer, written)}
            for tokens, written in zip(encoded, continuations, strict=True)
        ],
    }
    return facts, arrays


def text_of(tokenizer: transformers.PreTrainedTokenizerBase, tokens: list[int]) -> str:
    return tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    prompts = read_prompts(arguments.zoo)
    manifest = json.loads((arguments.zoo / "manifest.json").read_text("utf-8"))
    models = {}
    arrays: list[np.ndarray] = []
    for name, record in manifest["models"].items():
        models[name], own = describe(arguments.zoo / record["path"], prompts)
        arrays += own
    document = {
        "madeBy": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "prompts": prompts,
        "models": models,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    (arguments.out / "zoo-goldens.json").write_text(text.replace('"sequences"', '\n"sequences"') + "\n", "utf-8")
    np.concatenate(arrays).astype("<f4").tofile(arguments.out / "zoo-logits.bin")


if __name__ == "__main__":
    main()
