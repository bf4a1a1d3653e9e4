"""Greedy replies of models and merges to all items, scored by the project's own scorers.

    python evaluate.py --tokenizer DIR --items DIR --models base=a.pt math=b.pt ... --out scores.json \
        [--merges soup ta:0.4 ties:0.2:1 dare:0.5:0.4 ...]

The first model is the base, the rest are specialists. Weights are rounded to bfloat16 first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer

import merging
from decode import decode
from model import Llama, ModelShape

ROOT = Path(__file__).resolve().parents[2]


def load_items(folder: Path, limit: int | None) -> list[dict]:
    items = []
    for path in sorted(folder.glob("*.jsonl")):
        items += [json.loads(line) for line in path.read_text().splitlines()[:limit]]
    return items


def rounded(path: str) -> dict[str, torch.Tensor]:
    weights = torch.load(path, weights_only=True)
    return {name: value.bfloat16().float() for name, value in weights.items()}


def merge(spec: str, base: merging.Weights, specialists: list[merging.Weights]) -> merging.Weights:
    method, *numbers = spec.split(":")
    values = [float(n) for n in numbers]
    if method == "soup":
        merged = merging.linear(specialists)
    elif method == "ta":
        merged = merging.task_arithmetic(base, specialists, values[0])
    elif method == "ties":
        merged = merging.ties(base, specialists, *values)
    elif method == "dare":
        merged = merging.dare_linear(base, specialists, *values)
    else:
        raise SystemExit(f"{spec} is no merge")
    return {name: value.bfloat16().float() for name, value in merged.items()}


def replies_of(model: Llama, tokenizer: Tokenizer, items: list[dict]) -> list[dict]:
    prompts, places = [], []
    for index, item in enumerate(items):
        for key in ("", "partner"):
            if key in item or key == "":
                text = (item[key] if key else item)["prompt"]
                prompts.append(tokenizer.encode(f"Q: {text}\nA:").ids)
                places.append((index, key))
    lines = [{"id": item["id"]} for item in items]
    for (index, key), ids in zip(places, decode(model, prompts)):
        lines[index]["partnerReply" if key else "reply"] = tokenizer.decode(ids)
    return lines


def score(items_folder: Path, replies: dict[str, list[dict]]) -> dict:
    """Runs score.ts; its answer is {model: {domain: {passed, count, kinds}}}."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "replies.json", Path(folder) / "scores.json"
        source.write_text(json.dumps(replies, ensure_ascii=False))
        command = ["npx", "tsx", "tools/zoo/score.ts", items_folder, source, target]
        subprocess.run([str(c) for c in command], cwd=ROOT, check=True, capture_output=True)
        return json.loads(target.read_text())


def table(scores: dict, names: list[str], base: str) -> str:
    """Percentages; ratio is the mean over five domains of score / specialist, floored at the base."""
    domains = ["instruction", "math", "multilingual", "coding", "safety", "general"]
    percent = {
        m: {d: 100 * s[d]["passed"] / s[d]["count"] for d in domains} for m, s in scores.items()
    }
    lines = ["| model | " + " | ".join(domains) + " | ratio | floored |", "|---" * 9 + "|"]
    own = {d: percent[d][d] for d in domains if d in percent and d != base}
    for name in names:
        cells = [f"{percent[name][d]:.0f}" for d in domains]
        if own:
            ratio = sum(percent[name][d] / own[d] for d in own) / len(own)
            low = percent[base]
            floored = sum((percent[name][d] - low[d]) / (own[d] - low[d]) for d in own) / len(own)
            cells += [f"{100 * ratio:.1f}", f"{100 * floored:.1f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--items", required=True, type=Path)
    p.add_argument("--models", nargs="+", required=True)
    p.add_argument("--merges", nargs="*", default=[])
    p.add_argument("--out", type=Path)
    p.add_argument("--limit", type=int, help="items a domain, from the front")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--kinds", nargs="*", default=[], help="models whose scores by kind are printed")
    p.add_argument("--failures", type=int, default=0, help="wrong replies printed a kind")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(str(Path(args.tokenizer) / "tokenizer.json"))
    items = load_items(args.items, args.limit)
    models = {name: rounded(path) for name, path in (m.split("=") for m in args.models)}
    base, *specialists = models.values()
    todo = {**models, **{spec: None for spec in args.merges}}
    model, replies, started = Llama(ModelShape()).eval(), {}, time.time()
    for name, weights in todo.items():
        model.load_state_dict(weights or merge(name, base, specialists))
        replies[name] = replies_of(model, tokenizer, items)
        print(f"{name}: decoded after {time.time() - started:.0f} s", flush=True)
    scores = score(args.items, replies)
    print(table(scores, list(todo), next(iter(models))))
    for name in args.kinds:
        for domain, result in scores[name].items():
            if name in (domain, "base") or name in args.merges:
                kinds = [f"{k.split('/')[1]} {v['passed']}/{v['count']}" for k, v in result["kinds"].items()]
                print(f"{name} on {domain}: {', '.join(kinds)}")
            shown: dict[str, int] = {}
            if name == domain or (name == "base" and domain == "general"):
                passed = set(result["passedIds"])
                for item, line in zip(items, replies[name]):
                    if item["domain"] != domain or item["id"] in passed:
                        continue
                    shown[item["kind"]] = shown.get(item["kind"], 0) + 1
                    if shown[item["kind"]] <= args.failures:
                        print("  ", item["kind"], repr(item["prompt"]), "->", repr(line["reply"]),
                              "want", repr(item["answer"]), repr(line.get("partnerReply", "")))
    if args.out:
        args.out.write_text(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
