"""Merges the small checkpoints by mergekit itself, as goldens for the engine.

    python -m venv .venv && .venv/bin/pip install -r tools/goldens/mergekit/requirements.txt
    .venv/bin/python tools/goldens/mergekit/run.py
    .venv/bin/pip install --no-deps mergekit==0.1.5
    .venv/bin/python tools/goldens/mergekit/run.py --missing

The second run adds the two methods that 0.1.4 lacks, ram and ramplus_tl.

Writes test/fixtures/mergekit: the checkpoints, `recipes.json` (every recipe with what mergekit said
of it) and `outputs.safetensors` (tensors named `RECIPE:TENSOR`). Runs on the CPU with one thread, so
that its sums do not depend on the machine.

torch's sorts leave the order of equal magnitudes open, and it changes from machine to machine. Here
they are made stable, which is one of the orders mergekit may produce, and the one that we follow.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
import yaml
from checkpoints import write_sets
from mergekit.config import MergeConfiguration
from mergekit.merge import MergeOptions, run_merge
from recipes import Case, all_cases
from safetensors.torch import load_file, save_file

unstable_sort, unstable_argsort = torch.sort, torch.argsort


def stable_sort(tensor: torch.Tensor, dim: int = -1, descending: bool = False):  # noqa: ANN201
    return unstable_sort(tensor, dim=dim, descending=descending, stable=True)


def stable_argsort(tensor: torch.Tensor, dim: int = -1, descending: bool = False) -> torch.Tensor:
    return unstable_argsort(tensor, dim=dim, descending=descending, stable=True)


def stable_topk(tensor: torch.Tensor, k: int, largest: bool = True):  # noqa: ANN201
    values, indices = stable_sort(tensor, descending=largest)
    return values[:k], indices[:k]


ROOT = Path(__file__).resolve().parents[3] / "test" / "fixtures" / "mergekit"


def merge(case: Case, models: Path, out: Path) -> dict[str, torch.Tensor]:
    recipe = yaml.safe_load(case.text)
    located = locate(recipe, models / case.models)
    lab = recipe.get("mergelab") or {}
    options = MergeOptions(
        copy_tokenizer=False,
        write_model_card=False,
        quiet=True,
        random_seed=lab.get("seed") if lab.get("random") == "mergekit" else None,
        allow_crimes=False,
    )
    run_merge(MergeConfiguration.model_validate(located), str(out), options)
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(out.glob("*.safetensors")):
        tensors |= load_file(path)
    return tensors


def locate(value: object, folder: Path) -> object:
    """The recipe with the names of models replaced by their folders."""
    if isinstance(value, list):
        return [locate(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: str(folder / item)
        if key in ("model", "base_model") and isinstance(item, str)
        else locate(item, folder)
        for key, item in value.items()
    }


def run_case(case: Case, models: Path, outputs: dict[str, torch.Tensor]) -> dict[str, object]:
    record: dict[str, object] = {"id": case.id, "models": case.models, "recipe": case.text}
    record["mergekit"] = version("mergekit")
    with tempfile.TemporaryDirectory() as out:
        try:
            tensors = merge(case, models, Path(out))
            config = json.loads((Path(out) / "config.json").read_text())
            record["layerCount"] = config["num_hidden_layers"]
            for name, tensor in tensors.items():
                outputs[f"{case.id}:{name}"] = tensor.contiguous()
        except Exception as error:  # noqa: BLE001: whatever mergekit says is the golden
            sentence = str(error).splitlines()[0].replace(str(models), "")
            record["error"] = f"{type(error).__name__}: {sentence[:160]}"
    print(case.id, record.get("error", "merged"), flush=True)
    return record


def is_missing(record: dict[str, object]) -> bool:
    return "Unimplemented merge method" in str(record.get("error"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", action="store_true", help="run only what failed as unknown")
    only_missing = parser.parse_args().missing
    torch.set_num_threads(1)
    torch.sort, torch.argsort, torch.topk = stable_sort, stable_argsort, stable_topk
    torch.Tensor.argsort = stable_argsort
    logging.disable(logging.CRITICAL)
    models, recipes, weights = (ROOT / name for name in ("models", "recipes.json", "outputs.safetensors"))
    known: dict[str, dict[str, object]] = {}
    outputs: dict[str, torch.Tensor] = {}
    if only_missing:
        known = {record["id"]: record for record in json.loads(recipes.read_text())}
        outputs = load_file(weights)
    else:
        shutil.rmtree(ROOT, ignore_errors=True)
        write_sets(models)
    records = [
        known[case.id]
        if case.id in known and not is_missing(known[case.id])
        else run_case(case, models, outputs)
        for case in all_cases()
    ]
    save_file(dict(sorted(outputs.items())), weights)
    recipes.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(records)} recipes")


if __name__ == "__main__":
    main()
