"""Merges the small checkpoints by the papers' formulas in float64, as goldens for the engine.

    python -m venv .venv && .venv/bin/pip install numpy==2.4.6 ml_dtypes==0.6.0 pyyaml==6.0.3 safetensors==0.8.0
    .venv/bin/python tools/goldens/formulas/run.py

For methods that mergekit lacks: MergeBench's variants, LiNeS, MagMax, TSV-Merge, Iso-C, Iso-CTS and
WUDI. Written from the papers, in plain NumPy, without a look at src/. Reads the checkpoints that
tools/goldens/mergekit wrote; writes test/fixtures/formulas: `recipes.json` and `outputs.safetensors`
(float64 results rounded once to float32).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import ml_dtypes  # noqa: F401: registers bfloat16 with NumPy
import numpy as np
import yaml
from safetensors import safe_open
from safetensors.numpy import save_file

FIXTURES = Path(__file__).resolve().parents[3] / "test" / "fixtures"
MODELS = FIXTURES / "mergekit" / "models"
OUT = FIXTURES / "formulas"

Array = np.ndarray
Weights = dict[str, Array]
Merge = Callable[..., Weights]


def load(folder: Path) -> Weights:
    with safe_open(folder / "model.safetensors", "np") as file:
        return {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}


def is_embedding(name: str) -> bool:
    return "embed" in name or name == "lm_head.weight"


def is_matrix(name: str, tensor: Array) -> bool:
    return tensor.ndim == 2 and not is_embedding(name)


def layer_of(name: str) -> int | None:
    parts = name.split(".")
    return int(parts[2]) if parts[:2] == ["model", "layers"] else None


class Flat:
    """All tensors that MergeBench merges, as one vector, and back."""

    def __init__(self, base: Weights, include_embeddings: bool) -> None:
        self._base = base
        self._names = [n for n in base if include_embeddings or not is_embedding(n)]

    def vector(self, model: Weights) -> Array:
        return np.concatenate([(model[n] - self._base[n]).ravel() for n in self._names])

    def merged(self, change: Array) -> Weights:
        result = dict(self._base)
        position = 0
        for name in self._names:
            size = self._base[name].size
            part = change[position : position + size].reshape(self._base[name].shape)
            result[name] = self._base[name] + part
            position += size
        return result


def mb_sum(base: Weights, models: list[Weights], *, lam: float, embeddings: bool = False) -> Weights:
    flat = Flat(base, embeddings)
    return flat.merged(lam * sum(flat.vector(model) for model in models))


def mb_ties(
    base: Weights, models: list[Weights], *, density: list[float], lam: float, how: str
) -> Weights:
    flat = Flat(base, False)
    trimmed = []
    for model, share in zip(models, density, strict=True):
        tau = flat.vector(model)
        rank = tau.size - int(tau.size * share)
        threshold = np.sort(np.abs(tau))[rank - 1]
        trimmed.append(np.where(np.abs(tau) >= threshold, tau, 0.0))
    stacked = np.stack(trimmed)
    signs = np.sign(stacked.sum(0))
    signs[signs == 0] = np.sign(signs.sum())
    agrees = np.where(signs > 0, stacked > 0, stacked < 0)
    kept = stacked * agrees
    if how == "sum":
        change = kept.sum(0)
    elif how == "mean":
        change = kept.sum(0) / np.maximum(agrees.sum(0), 1)
    else:
        change = np.abs(kept).max(0) * signs
    return flat.merged(lam * change)


def mb_consensus(
    base: Weights, models: list[Weights], *, thresholds: list[float], k: int, lam: float
) -> Weights:
    flat = Flat(base, False)
    taus = [flat.vector(model) for model in models]
    total = sum(taus)
    masks = [np.abs(t) > c * np.abs(total - t) for t, c in zip(taus, thresholds, strict=True)]
    return flat.merged(lam * np.where(sum(mask.astype(int) for mask in masks) >= k, total, 0.0))


def mb_stitch(base: Weights, models: list[Weights], *, density: float) -> Weights:
    flat = Flat(base, False)
    taus = [flat.vector(model) for model in models]
    masks = []
    for tau in taus:
        count = int(tau.size * density)
        masks.append(np.abs(tau) >= np.sort(np.abs(tau))[tau.size - count])
    overlap = np.maximum(sum(mask.astype(int) for mask in masks), 1)
    return flat.merged(sum(m * t for m, t in zip(masks, taus, strict=True)) / overlap)


def lines(base: Weights, models: list[Weights], *, alpha: float | None, beta: float) -> Weights:
    layers = 1 + max(layer for name in base if (layer := layer_of(name)) is not None)
    alpha = 1 / len(models) if alpha is None else alpha
    result = {}
    for name, weight in base.items():
        layer = layer_of(name)
        scale = alpha if layer is None else alpha + beta * layer / (layers - 1)
        result[name] = weight + scale * sum(model[name] - weight for model in models)
    return result


def magmax(base: Weights, models: list[Weights], *, lam: float) -> Weights:
    result = {}
    for name, weight in base.items():
        chosen = models[0][name] - weight
        for model in models[1:]:
            tau = model[name] - weight
            chosen = np.where(np.abs(tau) >= np.abs(chosen), tau, chosen)
        result[name] = weight + lam * chosen
    return result


def spectral(
    base: Weights, models: list[Weights], matrix: Callable[[list[Array]], Array], *, alpha: float, scales_rest: bool
) -> Weights:
    """`matrix` for two-dimensional tensors, the mean of task vectors for all others."""
    result = {}
    for name, weight in base.items():
        taus = [model[name] - weight for model in models]
        if is_matrix(name, weight):
            result[name] = weight + alpha * matrix(taus)
        else:
            result[name] = weight + (alpha if scales_rest else 1.0) * np.mean(taus, axis=0)
    return result


def polar(matrix: Array) -> Array:
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    return u @ v


def tsv(taus: list[Array]) -> Array:
    rows, columns = taus[0].shape
    rank = min(rows, columns)
    kept = int(rank * (1 / len(taus)))
    u, s, v = np.zeros((rows, rank)), np.zeros(rank), np.zeros((rank, columns))
    for index, tau in enumerate(taus):
        place = slice(index * kept, (index + 1) * kept)
        left, values, right = np.linalg.svd(tau, full_matrices=False)
        u[:, place], s[place], v[place] = left[:, :kept], values[:kept], right[:kept]
    return polar(u) @ np.diag(s) @ polar(v)


def iso_c(taus: list[Array]) -> Array:
    total = sum(taus)
    return np.linalg.svd(total, compute_uv=False).mean() * polar(total)


def iso_cts(taus: list[Array], fraction: float) -> Array:
    count = len(taus)
    u, s, v = np.linalg.svd(sum(taus), full_matrices=False)
    rank = s.size
    specific = round((rank - int(rank * fraction)) / count) * count
    common = rank - specific
    share = specific // count
    lefts, values, rights = [], [], []
    for tau in taus:
        own = tau - u[:, :common] @ (u[:, :common].T @ tau)
        left, value, right = np.linalg.svd(own, full_matrices=False)
        lefts.append(left[:, :share])
        values.append(value[:share])
        rights.append(right[:share])
    lefts.append(u[:, :common])
    values.append(s[:common])
    rights.append(v[:common])
    mean = np.concatenate(values).mean()
    return mean * polar(np.concatenate(lefts, 1)) @ polar(np.concatenate(rights, 0))


def wudi(taus: list[Array], steps: int, rate: float) -> Array:
    norms = [float((tau**2).sum()) for tau in taus]
    used = [(tau, norm) for tau, norm in zip(taus, norms, strict=True) if norm > 0]
    merged = sum(taus)
    first, second = np.zeros_like(merged), np.zeros_like(merged)
    for step in range(1, steps + 1):
        gradient = sum(2 / norm * (merged - tau) @ tau.T @ tau for tau, norm in used)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - 0.9**step)
        merged = merged - rate * corrected / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return merged


def recipe(method: str, parameters: dict[str, object], **per_model: list[float]) -> str:
    entries = []
    for index, model in enumerate("abc"):
        own = {name: values[index] for name, values in per_model.items()}
        entries.append({"model": model} | ({"parameters": own} if own else {}))
    body = {"merge_method": method, "base_model": "base", "models": entries}
    if parameters:
        body["parameters"] = parameters
    return yaml.safe_dump(body | {"dtype": "float32"}, sort_keys=False)


CASES: list[tuple[str, str, Merge]] = [
    ("soup", recipe("mb_model_soup", {}), lambda b, m: mb_sum(b, m, lam=1 / 3)),
    ("arithmetic", recipe("mb_task_arithmetic", {"lambda": 0.4}), lambda b, m: mb_sum(b, m, lam=0.4)),
    ("embeddings", recipe("mb_task_arithmetic", {"lambda": 0.4, "include_embeddings": True}),
     lambda b, m: mb_sum(b, m, lam=0.4, embeddings=True)),
    *[(f"ties-{how}", recipe("mb_ties", {"merge_func": how, "lambda": 0.7}, density=[0.2, 0.5, 0.35]),
       lambda b, m, how=how: mb_ties(b, m, density=[0.2, 0.5, 0.35], lam=0.7, how=how))
      for how in ("sum", "mean", "max")],
    ("consensus", recipe("mb_consensus", {"lambda": 0.4}),
     lambda b, m: mb_consensus(b, m, thresholds=[0.2] * 3, k=2, lam=0.4)),
    ("consensus-3", recipe("mb_consensus", {"lambda": 0.4, "k": 3}, mask_lambda=[0.6, 0.2, 0.4]),
     lambda b, m: mb_consensus(b, m, thresholds=[0.6, 0.2, 0.4], k=3, lam=0.4)),
    ("stitch", recipe("mb_localize_and_stitch", {}), lambda b, m: mb_stitch(b, m, density=0.1)),
    ("stitch-half", recipe("mb_localize_and_stitch", {"density": 0.5}), lambda b, m: mb_stitch(b, m, density=0.5)),
    ("lines", recipe("lines", {}), lambda b, m: lines(b, m, alpha=None, beta=0.5)),
    ("lines-steep", recipe("lines", {"alpha": 0.1, "beta": 0.9}), lambda b, m: lines(b, m, alpha=0.1, beta=0.9)),
    ("magmax", recipe("magmax", {}), lambda b, m: magmax(b, m, lam=0.5)),
    ("tsv", recipe("tsv_merge", {}), lambda b, m: spectral(b, m, tsv, alpha=1.0, scales_rest=False)),
    ("iso-c", recipe("iso_c", {"lambda": 1.5}), lambda b, m: spectral(b, m, iso_c, alpha=1.5, scales_rest=True)),
    ("iso-cts", recipe("iso_cts", {"lambda": 1.5}),
     lambda b, m: spectral(b, m, lambda t: iso_cts(t, 0.8), alpha=1.5, scales_rest=True)),
    ("wudi", recipe("wudi", {}), lambda b, m: spectral(b, m, lambda t: wudi(t, 300, 1e-5), alpha=1.0, scales_rest=False)),
]


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    records, outputs = [], {}
    for folder in ("llama", "gemma2-bf16", "wide-bf16"):
        base, *models = (load(MODELS / folder / name) for name in ("base", "a", "b", "c"))
        for name, text, merge in CASES:
            id = f"{name}/{folder}"
            records.append({"id": id, "models": folder, "recipe": text})
            for tensor, values in merge(base, models).items():
                outputs[f"{id}:{tensor}"] = values.astype(np.float32)
    save_file(outputs, OUT / "outputs.safetensors")
    (OUT / "recipes.json").write_text(json.dumps(records, indent=1) + "\n")
    print(f"{len(records)} recipes, {sum(v.nbytes for v in outputs.values())} bytes")


if __name__ == "__main__":
    main()
