"""mergekit's verdict on recipes, as goldens for src/recipe.

    python -m venv .venv && .venv/bin/pip install mergekit==0.1.4 transformers==4.56.2
    .venv/bin/python tools/goldens/recipes.py

Reads test/fixtures/recipes/cases.yml and the examples beside it, and writes verdicts.json: whether
mergekit's parser takes each recipe and, where it does, how it takes the models apart and what every
setting evaluates to for a few tensors and places along the layers.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
from pathlib import Path

import yaml
from mergekit.config import MergeConfiguration, evaluate_setting
from mergekit.options import MergeOptions
from mergekit.scripts.multimerge import load_config, make_tasks

FIXTURES = Path("test/fixtures/recipes")
TENSORS = (
    "model.embed_tokens.weight",
    "model.layers.2.mlp.up_proj.weight",
    "model.layers.20.self_attn.q_proj.weight",
)
POSITIONS = (0.0, 0.25, 1 / 3, 0.7, 1.0)


def path_parts(path):
    return None if path is None else [path.path, path.revision]


def reference_parts(reference):
    return {
        "model": path_parts(reference.model),
        "lora": path_parts(reference.lora),
        "override_architecture": reference.override_architecture,
    }


def number(value):
    """JSON has no infinities."""
    value = float(value)
    return value if math.isfinite(value) else str(value)


def evaluated(settings):
    """Tensors by positions; null where no filter holds."""
    table = {}
    for name, setting in (settings or {}).items():
        rows = [
            [evaluate_setting(tensor, setting, at) for at in POSITIONS]
            for tensor in TENSORS
        ]
        table[name] = [[None if v is None else number(v) for v in row] for row in rows]
    return table


def meaning(config):
    module = next(iter((config.modules or {}).values()), None)
    inputs = module or config
    slices = [
        {
            "parameters": evaluated(each.parameters),
            "sources": [
                {
                    **reference_parts(source.model),
                    "layer_range": list(source.layer_range),
                    "parameters": evaluated(source.parameters),
                }
                for source in each.sources
            ],
        }
        for each in inputs.slices or []
    ]
    models = [
        {**reference_parts(each.model), "parameters": evaluated(each.parameters)}
        for each in inputs.models or []
    ]
    parameters = {**(config.parameters or {}), **((module and module.parameters) or {})}
    return {"models": models, "slices": slices, "parameters": evaluated(parameters)}


def verdict(text: str):
    """What mergekit-yaml or, for several documents, mergekit-multi does before it merges."""
    try:
        if "\n---" in text:
            configs, uses = load_config(text, "stages")
            make_tasks(configs, uses, MergeOptions(), "stages", "out", True)
            return {"accepted": True}
        config = MergeConfiguration.model_validate(yaml.safe_load(text))
    except Exception as error:  # every refusal counts, whatever its class
        return {"accepted": False, "error": type(error).__name__}
    try:
        return {"accepted": True, "meaning": meaning(config)}
    except Exception as error:
        return {"accepted": True, "failsLater": type(error).__name__}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FIXTURES / "verdicts.json")
    out = parser.parse_args().out
    cases = {
        case["name"]: case["text"]
        for case in yaml.safe_load((FIXTURES / "cases.yml").read_text("utf8"))
    }
    for example in sorted((FIXTURES / "examples").iterdir()):
        cases[example.name] = example.read_text("utf8")
    result = {
        "mergekit": importlib.metadata.version("mergekit"),
        "tensors": TENSORS,
        "positions": POSITIONS,
        "verdicts": {name: verdict(text) for name, text in cases.items()},
    }
    out.write_text(json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n", "utf8")


if __name__ == "__main__":
    main()
