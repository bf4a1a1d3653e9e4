"""Trains one model of the zoo on packed records. `python train.py --help` lists the settings.

A checkpoint (weights, optimiser, step) is saved every few minutes, and `--resume` goes on from it.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from model import Llama, ModelShape
from muon import Muon
from packing import Rows, batch_of, pack


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True)
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True, help="file of the trained weights")
    p.add_argument("--init", help="weights to start from instead of random ones")
    p.add_argument("--resume", action="store_true")
    p.add_argument("--steps", type=int, help="default: one pass over the data")
    p.add_argument("--rows", type=int, default=32, help="rows a step")
    p.add_argument("--length", type=int, default=96, help="tokens a row")
    p.add_argument("--optimizer", choices=["adamw", "muon"], default="adamw")
    p.add_argument("--lr", type=float, default=2.5e-3, help="peak rate of AdamW")
    p.add_argument("--muon-lr", type=float, default=0.02)
    p.add_argument("--weight-decay", type=float, default=0.0)
    p.add_argument("--warmup", type=int, default=100)
    p.add_argument("--decay", type=float, default=1.0, help="last part of the steps with falling rate")
    p.add_argument("--floor", type=float, default=0.03, help="rate at the end, as part of the peak")
    p.add_argument("--shape", choices=["cosine", "linear"], default="cosine")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--compile", action="store_true")
    p.add_argument("--seed", type=int, default=20260)
    p.add_argument("--minutes", type=float, help="stop after this time even if steps are left")
    p.add_argument("--save-minutes", type=float, default=3.0)
    p.add_argument("--log", type=int, default=100)
    return p.parse_args()


def rate_at(step: int, args: argparse.Namespace) -> float:
    """Warm-up, a plateau, then a fall to `floor` over the last `decay` part; 1 is the peak."""
    if step < args.warmup:
        return (step + 1) / args.warmup
    start = max(args.warmup, round(args.steps * (1 - args.decay)))
    if step < start:
        return 1.0
    done = (step - start) / max(1, args.steps - start)
    fall = 1 - done if args.shape == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return args.floor + (1 - args.floor) * fall


def make_optimizers(model: Llama, args: argparse.Namespace) -> list[torch.optim.Optimizer]:
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    decay = {"weight_decay": args.weight_decay}
    if args.optimizer == "muon":
        adam = torch.optim.AdamW(rest, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        return [Muon(matrices, lr=args.muon_lr, **decay), adam]
    groups = [{"params": matrices, **decay}, {"params": rest, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), fused=True)]


class Tally:
    """Share of records per group whose learned tokens are all predicted, since the last report.

    The first learned token is left out: it is where correct and weak answers part, a coin's toss.
    """

    def __init__(self) -> None:
        self.right: dict[str, int] = defaultdict(int)
        self.seen: dict[str, int] = defaultdict(int)

    def add(self, rows: Rows, index: np.ndarray, flat: np.ndarray, hit: np.ndarray) -> None:
        length = rows.tokens.shape[1]
        row, at = flat // length, flat % length
        segment = rows.segment[index][row, at].astype(np.int64)
        source = rows.source[index][row, at]
        record = row * 256 + segment
        names, inverse = np.unique(record, return_inverse=True)
        starts = np.r_[True, record[1:] != record[:-1]]
        wrong = np.bincount(inverse, ~hit & ~starts, len(names))
        of_record = np.zeros(len(names), np.int64)
        of_record[inverse] = source
        for which, misses in zip(of_record, wrong):
            self.seen[rows.sources[which]] += 1
            self.right[rows.sources[which]] += misses == 0

    def report(self) -> str:
        parts = [f"{k} {100 * self.right[k] / self.seen[k]:.0f}" for k in sorted(self.seen)]
        self.right.clear()
        self.seen.clear()
        return " ".join(parts)


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str(Path(args.tokenizer) / "tokenizer.json"))
    started = time.time()
    rows = pack(args.data, tokenizer, args.length, args.seed)
    filled = (rows.segment > 0).mean()
    args.steps = min(args.steps or len(rows) // args.rows, len(rows) // args.rows)
    print(f"{len(rows)} rows, {filled:.3f} filled, {args.steps} steps, packed in "
          f"{time.time() - started:.0f} s", flush=True)
    model = Llama(ModelShape())
    if args.init:
        model.load_state_dict(torch.load(args.init, weights_only=True))
    optimizers = make_optimizers(model, args)
    peaks = [[g["lr"] for g in o.param_groups] for o in optimizers]
    first, saved = 0, Path(f"{args.out}.state")
    if args.resume and saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, values in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(values)
        first = state["step"]
    states = torch.compile(model.hidden_states) if args.compile else model.hidden_states
    tally, losses, started = Tally(), [], time.time()
    last_save = started
    for step in range(first, args.steps):
        rate = rate_at(step, args)
        for optimizer, values in zip(optimizers, peaks):
            for group, peak in zip(optimizer.param_groups, values):
                group["lr"] = peak * rate
        index = np.arange(step * args.rows, (step + 1) * args.rows)
        tokens, mask, flat, targets = batch_of(rows, index)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = states(tokens, mask)
            logits = model.logits(hidden.reshape(-1, hidden.shape[-1])[flat]).float()
        loss = F.cross_entropy(logits, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
        if step % 5 == 0:
            tally.add(rows, index, flat.numpy(), (logits.argmax(-1) == targets).numpy())
        now = time.time()
        if (step + 1) % args.log == 0 or step + 1 == args.steps:
            speed = (step + 1 - first) * args.rows * args.length / (now - started)
            print(f"{step + 1}/{args.steps} {now - started:.0f}s {speed:.0f} tok/s rate {rate:.2f} "
                  f"loss {np.mean(losses[-args.log:]):.3f} | {tally.report()}", flush=True)
        over = args.minutes is not None and now - started > args.minutes * 60
        if over or now - last_save > args.save_minutes * 60:
            last_save = now
            state = {"model": model.state_dict(), "step": step + 1,
                     "optimizers": [o.state_dict() for o in optimizers]}
            torch.save(state, f"{saved}.new")
            os.replace(f"{saved}.new", saved)
            if over:
                break
    torch.save(model.state_dict(), args.out)


if __name__ == "__main__":
    main()
