"""Greedy decoding of many prompts at once with a key-value cache."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import Llama, rotate
from packing import BOS, EOS

PAD = 0


class Cache:
    """Keys and values of every layer, filled from the left as the rows grow."""

    def __init__(self, model: Llama, rows: int, room: int) -> None:
        shape = model.shape
        size = (shape.layers, rows, shape.kv_heads, room, shape.head_size)
        self.keys, self.values = torch.zeros(size), torch.zeros(size)
        self.length = 0


def advance(model: Llama, tokens: Tensor, positions: Tensor, visible: Tensor, cache: Cache) -> Tensor:
    """Feeds `tokens` (rows x n) and returns the logits after the last one.

    `visible` (rows x length so far with the new tokens) is False on the padding to the left.
    """
    shape, (rows, count) = model.shape, tokens.shape
    start, end = cache.length, cache.length + tokens.shape[1]
    cos, sin = model.cos[positions][:, None], model.sin[positions][:, None]
    causal = torch.ones(count, end, dtype=torch.bool).tril(start)
    mask = torch.where(visible[:, None, None, :] & causal, 0.0, -30000.0)
    x = model.model.embed_tokens(tokens)
    repeat = shape.heads // shape.kv_heads
    for number, layer in enumerate(model.model.layers):
        part, normed = layer.self_attn, layer.input_layernorm(x)
        q, k, v = (
            project(normed).view(rows, count, -1, shape.head_size).transpose(1, 2)
            for project in (part.q_proj, part.k_proj, part.v_proj)
        )
        cache.keys[number, :, :, start:end] = rotate(k, cos, sin)
        cache.values[number, :, :, start:end] = v
        keys = cache.keys[number, :, :, :end].repeat_interleave(repeat, 1)
        values = cache.values[number, :, :, :end].repeat_interleave(repeat, 1)
        scores = rotate(q, cos, sin) @ keys.transpose(-1, -2) * shape.head_size**-0.5 + mask
        mixed = torch.softmax(scores, -1) @ values
        x = x + part.o_proj(mixed.transpose(1, 2).reshape(rows, count, -1))
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    cache.length = end
    return model.logits(model.model.norm(x[:, -1]))


@torch.inference_mode()
def decode(model: Llama, prompts: list[list[int]], max_new: int = 64, rows: int = 192) -> list[list[int]]:
    """The greedy continuation of each prompt (token ids without the start token), up to `</s>`."""
    replies: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(order), rows):
        members = order[start : start + rows]
        texts = [[BOS, *prompts[i]] for i in members]
        longest = max(map(len, texts))
        tokens = torch.tensor([[PAD] * (longest - len(t)) + t for t in texts])
        padding = torch.tensor([longest - len(t) for t in texts])[:, None]
        visible = torch.arange(longest)[None] >= padding
        positions = (torch.arange(longest)[None] - padding).clamp(min=0)
        cache = Cache(model, len(members), longest + max_new)
        running = torch.ones(len(members), dtype=torch.bool)
        for _ in range(max_new):
            chosen = advance(model, tokens, positions, visible, cache).argmax(-1)
            running &= chosen != EOS
            for row in torch.nonzero(running)[:, 0].tolist():
                replies[members[row]].append(int(chosen[row]))
            if not running.any():
                break
            tokens, positions = chosen[:, None], positions[:, -1:] + 1
            visible = F.pad(visible, (0, 1), value=True)
    return replies
