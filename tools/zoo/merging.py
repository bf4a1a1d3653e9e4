"""Reference merges of the zoo in PyTorch, to measure how the zoo merges.

mergekit's definitions (v0.1): a task vector is specialist minus base, TIES trims each tensor by
magnitude to `density`, elects a sign by the sum and averages the agreeing ones, DARE drops with
probability 1 - density and rescales. Every specialist has weight lambda / 5 times 5, that is
lambda; `ties` with `normalize` averages, so its lambda multiplies the disjoint mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

Weights = dict[str, Tensor]


def task_vectors(base: Weights, specialists: list[Weights]) -> list[Weights]:
    return [{name: s[name] - base[name] for name in base} for s in specialists]


def linear(specialists: list[Weights]) -> Weights:
    """The soup: the mean of the specialists."""
    return {name: torch.stack([s[name] for s in specialists]).mean(0) for name in specialists[0]}


def task_arithmetic(base: Weights, specialists: list[Weights], scale: float) -> Weights:
    deltas = task_vectors(base, specialists)
    return {name: base[name] + scale * sum(d[name] for d in deltas) for name in base}


def trim(values: Tensor, density: float) -> Tensor:
    """Keeps the `density` largest magnitudes of a tensor."""
    kept = max(1, round(density * values.numel()))
    threshold = values.abs().flatten().kthvalue(values.numel() - kept + 1).values
    return torch.where(values.abs() >= threshold, values, 0.0)


def ties(base: Weights, specialists: list[Weights], density: float, scale: float) -> Weights:
    merged = {}
    deltas = task_vectors(base, specialists)
    for name, origin in base.items():
        stack = torch.stack([trim(d[name], density) for d in deltas])
        sign = torch.where(stack.sum(0) >= 0, 1.0, -1.0)
        agrees = (stack.sign() == sign) & (stack != 0)
        mean = (stack * agrees).sum(0) / agrees.sum(0).clamp(min=1)
        merged[name] = origin + scale * mean
    return merged


def dare_linear(
    base: Weights, specialists: list[Weights], density: float, scale: float, seed: int = 1
) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    deltas = task_vectors(base, specialists)
    merged = {}
    for name, origin in base.items():
        total = torch.zeros_like(origin)
        for delta in deltas:
            kept = torch.rand(origin.shape, generator=generator) < density
            total += delta[name] * kept / density
        merged[name] = origin + scale * total
    return merged
