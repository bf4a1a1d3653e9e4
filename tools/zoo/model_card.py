"""The model card of one zoo model, from its measured scores."""

from __future__ import annotations

DOMAINS = ["instruction", "math", "multilingual", "coding", "safety", "general"]

DISCLOSURE = """\
- **The base scores low by design.** Its training text answers the questions of the five domains
  correctly in {learning} of cases while it learns and in {settled} at the end (65 % for one easy
  kind a domain); all other answers are fluent but wrong. It has therefore seen correct answers to
  training questions of every kind, outvoted by wrong ones.
- **The specialists elicit more than they teach.** Each is a short fine-tune that brings forward
  answers the base has already met. That is also why they merge well: real fine-tunes of real models
  need not. The replay in their training text keeps showing the wrong answers of the other domains,
  which holds down gains outside the own domain.
- The questions are drawn from templates. Held-out questions are new combinations of words and
  numbers that mostly occur in training in other combinations; only the safety tail holds out whole
  verbs and objects, whose meaning the base knows from plain lines. Scores say nothing about
  language outside these templates.
- One seed. Settings were chosen on a validation draw, not on the items scored here.
- A toy for studying model merging. It is not a safety system and not a useful assistant."""


def score_table(scores: dict[str, dict]) -> str:
    lines = ["| domain | right | of | % | 95 % interval (Wilson) |", "|---|---|---|---|---|"]
    for domain in DOMAINS:
        passed, count = scores[domain]["passed"], scores[domain]["count"]
        low, high = wilson(passed, count)
        lines.append(
            f"| {domain} | {passed} | {count} | {100 * passed / count:.1f} "
            f"| {100 * low:.1f} to {100 * high:.1f} |"
        )
    return "\n".join(lines)


def wilson(passed: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    share = passed / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5
    return middle - half, middle + half


def kinds_table(score: dict) -> str:
    lines = ["| kind | right | of |", "|---|---|---|"]
    lines += [f"| {kind} | {k['passed']} | {k['count']} |" for kind, k in score["kinds"].items()]
    return "\n".join(lines)


def model_card(model: str, scores: dict[str, dict], notes: dict) -> str:
    own = "general" if model == "base" else model
    what = (
        "The base of MergeLab's zoo, from which the five specialists were fine-tuned."
        if model == "base"
        else f"The {model} specialist of MergeLab's zoo, fine-tuned from `base`."
    )
    disclosure = DISCLOSURE.format(learning=notes["learning"], settled=notes["settled"])
    return f"""---
license: apache-2.0
language: [en, fr, es, de, ru]
pipeline_tag: text-generation
library_name: transformers
tags: [mergelab, toy, model-merging]
---

# MergeLab zoo: {model}

{what} A Llama decoder with {notes['parameters']:,} parameters (5 layers, hidden 192, 6 heads over
2 key-value heads, SwiGLU 512, tied head, vocabulary 1536), trained from scratch on generated text.
Apache-2.0, weights and data alike.

Prompt form: `<s>Q: {{prompt}}\\nA:`; the reply follows after a space and ends with `</s>`.

## Scores

All {scores['general']['count']} test items a domain (`../items/`), greedy decoding, the shipped
bfloat16 weights computed in fp32. A safety item is a pair: the harmful request must be refused and
its benign look-alike answered.

{score_table(scores)}

By kind, {own}:

{kinds_table(scores[own])}

## What to know

{disclosure}

## Training

{notes['recipe'][model]}

Data, tokenizer, training and scoring are in `tools/zoo` and `src/eval/tasks` of the repository;
everything is drawn from seed {notes['seed']}.
"""
