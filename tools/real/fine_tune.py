"""Fine-tunes a Hugging Face folder briefly on questions from tools/real/draw.ts.

    npx tsx tools/real/draw.ts --domain math > math.jsonl
    python tools/real/fine_tune.py --base OUT/base --data math.jsonl --out OUT/math
"""

import argparse
import json
import pathlib
import random
import shutil
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def encode(tokenizer, prompt: str, answer: str) -> tuple[list[int], int]:
    """Token ids of the whole exchange, and how many of them belong to the prompt."""
    turns = [{"role": "user", "content": prompt}]
    head = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    head_ids = tokenizer(head, add_special_tokens=False).input_ids
    tail_ids = tokenizer(answer, add_special_tokens=False).input_ids + [tokenizer.eos_token_id]
    return head_ids + tail_ids, len(head_ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    order = random.Random(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.base)
    model = AutoModelForCausalLM.from_pretrained(options.base, dtype=torch.float32)
    rows = [json.loads(line) for line in options.data.read_text().splitlines()]
    items = [encode(tokenizer, row["prompt"], row["answer"]) for row in rows]
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.0)

    start = time.perf_counter()
    for step in range(options.steps):
        scale = min(1.0, (step + 1) / 10) * (1 - step / options.steps)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * scale
        batch = order.sample(items, options.batch)
        width = max(len(ids) for ids, _ in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        labels = torch.full_like(ids, -100)
        mask = torch.zeros_like(ids)
        for row, (tokens, prompt_count) in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            labels[row, prompt_count : len(tokens)] = torch.tensor(tokens[prompt_count:])
            mask[row, : len(tokens)] = 1
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 10 == 0 or step == options.steps - 1:
            elapsed = time.perf_counter() - start
            print(f"step {step + 1}/{options.steps} loss {loss.item():.3f} {elapsed:.0f} s", flush=True)

    model.to(torch.bfloat16).save_pretrained(options.out)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (options.base / name).exists():
            shutil.copy(options.base / name, options.out / name)


if __name__ == "__main__":
    main()
