"""TSV-Merge, Iso-C, Iso-CTS and WUDI in float64 NumPy, as goldens for src/methods.

    python tools/goldens/spectral.py --out test/fixtures/methods/spectral.json

Written from the papers, each with its own full SVD and, for WUDI, the loss term by term. NumPy 1.26
or newer. Where a matrix lacks rank, a polar factor leaves out singular values below 2^-18 of the
largest: the papers' codes would fill in arbitrary vectors there, which nobody can compare.

Task vectors are float32; results are float64, stored as base64 of float32.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path

import numpy as np

SEED = 20261122
NEGLIGIBLE = 2.0**-18


def thin_svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    kept = s > (s[0] if s.size else 0) * NEGLIGIBLE
    return u[:, kept], s[kept], vt[kept]


def polar(matrix: np.ndarray) -> np.ndarray:
    u, _, vt = thin_svd(matrix)
    return u @ vt


def tsv_merge(tasks: list[np.ndarray]) -> np.ndarray:
    rank = min(tasks[0].shape)
    share = int(rank * (1 / len(tasks)))
    u = np.zeros((tasks[0].shape[0], rank))
    v = np.zeros((rank, tasks[0].shape[1]))
    strengths = np.zeros(rank)
    for index, task in enumerate(tasks):
        ui, si, vti = thin_svd(task)
        count = min(share, si.size)
        place = slice(index * share, index * share + count)
        u[:, place], strengths[place], v[place] = ui[:, :count], si[:count], vti[:count]
    return polar(u) @ np.diag(strengths) @ polar(v)


def iso_c(tasks: list[np.ndarray]) -> np.ndarray:
    total = sum(tasks)
    return np.linalg.svd(total, compute_uv=False).mean() * polar(total)


def iso_cts(tasks: list[np.ndarray], fraction: float) -> np.ndarray:
    rank = min(tasks[0].shape)
    count = len(tasks)
    per_task = round((rank - int(rank * fraction)) / count)
    common = rank - per_task * count
    uc, sc, vtc = thin_svd(sum(tasks))
    uc, sc, vtc = uc[:, :common], sc[:common], vtc[:common]
    us, ss, vts = [], [], []
    for task in tasks:
        rest = task - uc @ (uc.T @ task)
        if np.linalg.norm(rest) <= NEGLIGIBLE * np.linalg.norm(task):
            continue
        ui, si, vti = thin_svd(rest)
        us.append(ui[:, :per_task])
        ss.append(si[:per_task])
        vts.append(vti[:per_task])
    mean = np.concatenate([*ss, sc]).sum() / rank
    return mean * polar(np.hstack([*us, uc])) @ polar(np.vstack([*vts, vtc]))


def wudi(tasks: list[np.ndarray], steps: int, rate: float) -> np.ndarray:
    merged = sum(tasks)
    first = np.zeros_like(merged)
    second = np.zeros_like(merged)
    for step in range(1, steps + 1):
        gradient = np.zeros_like(merged)
        for task in tasks:
            norm = (task * task).sum()
            if norm > 0:
                gradient += 2 / norm * ((merged - task) @ task.T) @ task
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        divisor = np.sqrt(second) / np.sqrt(1 - 0.999**step) + 1e-8
        merged = merged - rate / (1 - 0.9**step) * first / divisor
    return merged


def cases() -> dict[str, list[np.ndarray]]:
    random = np.random.default_rng(SEED)

    def normal(*shape: int) -> np.ndarray:
        return (0.02 * random.standard_normal(shape)).astype(np.float32)

    shared = normal(12, 9)
    low = [normal(20, 3) @ normal(3, 17) * 40 for _ in range(3)]
    flat = normal(50, 61)
    return {
        "wide": [normal(7, 19) for _ in range(2)],
        "tall": [normal(23, 10) for _ in range(3)],
        "square": [normal(16, 16) for _ in range(4)],
        "odd, with much in common": [shared + normal(12, 9) / 4 for _ in range(3)],
        "one row": [normal(1, 9) for _ in range(2)],
        "more models than rank": [normal(3, 4) for _ in range(5)],
        "without full rank": low,
        "with a zero task vector": [normal(8, 11), np.zeros((8, 11), np.float32), normal(8, 11)],
        "twice the same": [normal(9, 6)] * 2,
        "half a direction for each, rounded to none": [normal(3, 8) for _ in range(2)],
        "one and a half directions for each, rounded to two": [normal(13, 14) for _ in range(2)],
        "one model": [normal(10, 6)],
        "above the size of the small path": [flat + normal(50, 61) for _ in range(2)],
    }


def encode(matrix: np.ndarray) -> str:
    return base64.b64encode(matrix.astype("<f4").tobytes()).decode()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    golden = []
    for name, tasks in cases().items():
        exact = [task.astype(np.float64) for task in tasks]
        golden.append(
            {
                "name": name,
                "shape": list(tasks[0].shape),
                "tasks": [encode(task) for task in tasks],
                "merged": {
                    "tsv_merge": encode(tsv_merge(exact)),
                    "iso_c": encode(iso_c(exact)),
                    "iso_cts": encode(iso_cts(exact, 0.8)),
                    "wudi": encode(wudi(exact, 300, 1e-5)),
                },
            }
        )
    out.write_text(json.dumps({"cases": golden}, indent=1) + "\n")


if __name__ == "__main__":
    main()
