"""Training text as fixed-length rows of token ids, several records a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

BOS, EOS = 1, 2
WINDOW = 8192  # records that are packed and shuffled together; keeps a curriculum in order


@dataclass
class Rows:
    """Packed rows; `segment` is 0 on padding and tells the records of a row apart from 1 up."""

    tokens: np.ndarray  # rows x length, int16
    segment: np.ndarray  # rows x length, uint8
    learned: np.ndarray  # rows x length, bool: the loss is taken on predicting this token
    source: np.ndarray  # rows x length, int16 index into `sources`
    sources: list[str]

    def __len__(self) -> int:
        return len(self.tokens)


def group_of(source: str) -> str:
    """`math/add+` is counted as `math+`, every copying source as `copying`."""
    domain = source.split("/")[0]
    return domain + source[-1] if source[-1] in "+-" and domain != "copying" else domain


def fit_rows(lengths: list[int], room: int) -> list[list[int]]:
    """Best-fit decreasing: lists of record indices whose lengths add up to at most `room`."""
    rows: list[list[int]] = []
    by_space: list[list[int]] = [[] for _ in range(room + 1)]
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        size = lengths[index]
        space = next((s for s in range(size, room + 1) if by_space[s]), None)
        if space is None:
            rows.append([index])
            by_space[room - size].append(len(rows) - 1)
        else:
            row = by_space[space].pop()
            rows[row].append(index)
            by_space[space - size].append(row)
    return rows


def pack(path: str | Path, tokenizer: Tokenizer, room: int, seed: int) -> Rows:
    """Packs a file of records; records longer than `room` tokens are left out and counted."""
    records = [json.loads(line) for line in Path(path).read_text().splitlines()]
    prefixes = tokenizer.encode_batch([r["p"] for r in records])
    completions = tokenizer.encode_batch([r["c"] for r in records])
    sources: dict[str, int] = {}
    generator = np.random.default_rng(seed)
    blocks: list[tuple[np.ndarray, ...]] = []
    too_long = 0
    for start in range(0, len(records), WINDOW):
        texts, marks, names = [], [], []
        for index in range(start, min(start + WINDOW, len(records))):
            before, after = prefixes[index].ids, completions[index].ids
            ids = [BOS, *before, *after, EOS]
            if len(ids) > room:
                too_long += 1
                continue
            whole = records[index]["w"] == 1
            texts.append(ids)
            marks.append([False] + [whole] * len(before) + [True] * (len(after) + 1))
            names.append(sources.setdefault(group_of(records[index]["s"]), len(sources)))
        rows = fit_rows([len(t) for t in texts], room)
        generator.shuffle(rows)
        shape = (len(rows), room)
        tokens, segment = np.zeros(shape, np.int16), np.zeros(shape, np.uint8)
        learned, source = np.zeros(shape, bool), np.zeros(shape, np.int16)
        for r, members in enumerate(rows):
            at = 0
            for number, member in enumerate(members, 1):
                end = at + len(texts[member])
                tokens[r, at:end] = texts[member]
                segment[r, at:end] = number
                learned[r, at:end] = marks[member]
                source[r, at:end] = names[member]
                at = end
        blocks.append((tokens, segment, learned, source))
    merged = [np.concatenate(parts) for parts in zip(*blocks)]
    if too_long:
        print(f"{path}: {too_long} of {len(records)} records do not fit {room} tokens", flush=True)
    return Rows(merged[0], merged[1], merged[2], merged[3], list(sources))


def batch_of(rows: Rows, index: np.ndarray) -> tuple[torch.Tensor, ...]:
    """Tokens, additive attention mask, flat positions whose next token is learned, and targets."""
    tokens = torch.from_numpy(rows.tokens[index].astype(np.int64))
    segment = torch.from_numpy(rows.segment[index].astype(np.int64))
    length = tokens.shape[1]
    same = segment[:, :, None] == segment[:, None, :]
    allowed = same & torch.ones(length, length, dtype=torch.bool).tril()
    mask = torch.where(allowed, 0.0, -30000.0).to(torch.bfloat16)[:, None]
    learned = torch.from_numpy(rows.learned[index])
    targets_at = learned[:, 1:] & (segment[:, 1:] == segment[:, :-1])
    flat = torch.nonzero(torch.nn.functional.pad(targets_at, (0, 1)).reshape(-1))[:, 0]
    targets = tokens.reshape(-1)[flat + 1]
    return tokens, mask, flat, targets
