"""The recipes of the goldens: every method, parameter, precedence rule and edge case."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import yaml

Recipe = dict[str, object]


@dataclass(frozen=True)
class Case:
    id: str
    """The folder of models that the recipe's names mean."""
    models: str
    text: str


FAMILY = {
    "task_arithmetic": {},
    "ties": {"density": [0.5, 0.3, 0.8]},
    "dare_linear": {"density": [0.5, 0.3, 0.8]},
    "dare_ties": {"density": [0.5, 0.3, 0.8]},
    "breadcrumbs": {"density": [0.5, 0.3, 0.8], "gamma": [0.1, 0.2, 0.1]},
    "breadcrumbs_ties": {"density": [0.5, 0.3, 0.8], "gamma": [0.1, 0.2, 0.1]},
    "della": {"density": [0.5, 0.3, 0.8], "epsilon": [0.15, 0.2, 0.1]},
    "della_linear": {"density": [0.5, 0.3, 0.8], "epsilon": [0.15, 0.2, 0.1]},
}
RANDOM = {"dare_linear", "dare_ties", "della", "della_linear"}
WEIGHTS = [0.7, 0.3, 0.5]
SEED = 7


class Cases:
    """Collects recipes under ids that say what they are about."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}

    def add(self, id: str, models: str, recipe: Recipe | str) -> None:
        if id in self._cases:
            raise ValueError(f"two recipes are called {id}")
        text = recipe if isinstance(recipe, str) else dump(recipe)
        self._cases[id] = Case(id, models, text)

    def all(self) -> list[Case]:
        return list(self._cases.values())


def dump(recipe: Recipe) -> str:
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)


def merge(
    method: str,
    *,
    models: str = "abc",
    base: str | None = "base",
    per_model: dict[str, list[object]] | None = None,
    parameters: Recipe | None = None,
    out: str | None = None,
    dtype: str | None = "float32",
    **more: object,
) -> Recipe:
    """A `models:` recipe; `per_model` holds one value per model, None to leave it out."""
    entries = []
    for index, model in enumerate(models):
        own = {k: v[index] for k, v in (per_model or {}).items() if v[index] is not None}
        entries.append({"model": model} | ({"parameters": own} if own else {}))
    recipe: Recipe = {"merge_method": method}
    if base is not None:
        recipe["base_model"] = base
    recipe["models"] = entries
    if parameters:
        recipe["parameters"] = parameters
    if dtype is not None:
        recipe["dtype"] = dtype
    if out is not None:
        recipe["out_dtype"] = out
    if method in RANDOM:
        recipe["mergelab"] = {"random": "mergekit", "seed": SEED}
    return recipe | more


def family(method: str, **more: object) -> Recipe:
    per_model: dict[str, list[object]] = {"weight": list(WEIGHTS), **FAMILY[method]}
    return merge(method, **({"per_model": per_model} | more))


def add_task_vector_family(cases: Cases) -> None:
    for method, models in product(FAMILY, ("llama", "llama-bf16", "qwen2-f16", "gemma2-bf16")):
        cases.add(f"{method}/{models}", models, family(method))
    for method in FAMILY:
        for out in ("bfloat16", "float16"):
            cases.add(f"{method}/out-{out}", "llama", family(method, out=out))
        for normalize, lam in ((True, 1.0), (False, 1.0), (True, 0.6), (False, 1.3)):
            cases.add(
                f"{method}/normalize-{normalize}-lambda-{lam}",
                "llama",
                family(method, parameters={"normalize": normalize, "lambda": lam}),
            )
        density1 = {"weight": list(WEIGHTS)}
        cases.add(f"{method}/defaults", "llama", family(method, per_model=density1))
        negative: dict[str, list[object]] = {"weight": [0.5, -0.5, 0.0]} | FAMILY[method]
        cases.add(f"{method}/negative-and-zero-weights", "llama", family(method, per_model=negative))
        one = {key: values[:1] for key, values in ({"weight": WEIGHTS} | FAMILY[method]).items()}
        cases.add(f"{method}/one-model", "llama", family(method, models="a", per_model=one))
        cases.add(f"{method}/special-values", "special", family(method))
        listed = {key: [None, *values] for key, values in ({"weight": WEIGHTS} | FAMILY[method]).items()}
        with_base = family(method, models="xabc", per_model=listed)
        with_base["models"][0]["model"] = "base"  # type: ignore[index]
        cases.add(f"{method}/base-listed", "llama", with_base)
        cases.add(f"{method}/int8-mask", "llama", family(method, parameters={"int8_mask": True}))
        if method != "task_arithmetic":
            for rescale in (True, False):
                cases.add(
                    f"{method}/rescale-{rescale}",
                    "llama",
                    family(method, parameters={"rescale": rescale}),
                )
            shared = family(
                method,
                per_model={"weight": list(WEIGHTS)},
                parameters={k: v[0] for k, v in FAMILY[method].items()},
            )
            cases.add(f"{method}/shared-parameters", "wide-bf16", shared)
    for method in ("ties", "breadcrumbs", "breadcrumbs_ties"):
        for density in (0.2, 0.5, 0.9):
            parameters: Recipe = {"density": density}
            if method != "ties":
                parameters["gamma"] = 0.34
            cases.add(
                f"{method}/equal-magnitudes-{density}",
                "equal",
                family(method, per_model={"weight": [1, 1, 1]}, parameters=parameters),
            )
    for method, density, gamma in product(
        ("breadcrumbs", "breadcrumbs_ties"), (0.3, 0.9), (0.02, 0.3, 0.9)
    ):
        cases.add(
            f"{method}/density-{density}-gamma-{gamma}",
            "llama",
            family(
                method,
                per_model={"weight": list(WEIGHTS)},
                parameters={"density": density, "gamma": gamma},
            ),
        )
    # `one` has a single element in every tensor: mergekit stops where it would keep none.
    for method in ("ties", "dare_linear", "della"):
        cases.add(f"{method}/one-element", "one", family(method))
    cases.add("task_arithmetic/one-element", "one", family("task_arithmetic"))
    cases.add("ties/density-0", "llama", family("ties", parameters={"density": 0}, per_model={"weight": list(WEIGHTS)}))
    cases.add("dare_linear/density-0", "llama", family("dare_linear", parameters={"density": 0}, per_model={"weight": list(WEIGHTS)}))
    cases.add("della/density-minus-epsilon-below-0", "llama", family("della", parameters={"density": 0.1, "epsilon": 0.2}, per_model={"weight": list(WEIGHTS)}))
    cases.add("della/epsilon-135", "llama", family("della", parameters={"density": 0.66, "epsilon": 1.35}, per_model={"weight": list(WEIGHTS)}))


def add_averages(cases: Cases) -> None:
    weight = {"weight": list(WEIGHTS)}
    for models in ("llama", "llama-bf16", "qwen2-f16", "gemma2-bf16", "one", "special", "vocabulary"):
        cases.add(f"linear/{models}", models, merge("linear", base=None, per_model=weight))
    cases.add("linear/sum", "llama", merge("linear", base=None, per_model=weight, parameters={"normalize": False}))
    cases.add("linear/one-model", "llama", merge("linear", base=None, models="a", per_model={"weight": [0.3]}))
    cases.add("linear/weights-sum-to-0", "llama", merge("linear", base=None, models="ab", per_model={"weight": [1, -1]}))
    cases.add("linear/base-with-global-weight", "llama", merge("linear", models="ab", parameters={"weight": 0.5}))
    cases.add("linear/base-without-weight", "llama", merge("linear", models="ab", per_model={"weight": [1, 1]}))
    cases.add("linear/no-weight", "llama", merge("linear", base=None, models="ab"))
    cases.add("linear/out-bfloat16", "llama", merge("linear", base=None, per_model=weight, out="bfloat16"))
    cases.add("linear/duplicates", "llama", merge("linear", base=None, models="aab", per_model={"weight": [0.2, 0.9, 0.4]}))
    for models in ("llama", "llama-bf16", "qwen2-f16", "one", "special"):
        cases.add(f"karcher/{models}", models, merge("karcher", base=None))
        cases.add(f"model_stock/{models}", models, merge("model_stock"))
    cases.add("karcher/with-base", "llama", merge("karcher", models="ab"))
    cases.add("karcher/one-iteration", "llama", merge("karcher", base=None, parameters={"max_iter": 1}))
    cases.add("karcher/coarse", "llama", merge("karcher", base=None, parameters={"max_iter": 50, "tol": 1e-3}))
    cases.add("karcher/one-model", "llama", merge("karcher", base=None, models="a"))
    cases.add("karcher/out-bfloat16", "llama", merge("karcher", base=None, out="bfloat16"))
    cases.add("model_stock/filter-wise", "llama", merge("model_stock", parameters={"filter_wise": True}))
    cases.add("model_stock/filter-wise-bf16", "llama-bf16", merge("model_stock", parameters={"filter_wise": True}, out="bfloat16"))
    cases.add("model_stock/two-models", "llama", merge("model_stock", models="ab"))
    cases.add("model_stock/one-model", "llama", merge("model_stock", models="a"))
    cases.add("model_stock/out-bfloat16", "llama", merge("model_stock", out="bfloat16"))
    cases.add("model_stock/vocabulary", "vocabulary", merge("model_stock"))
    for models in ("llama", "gemma2-bf16"):
        cases.add(f"passthrough/{models}", models, merge("passthrough", base=None, models="a"))
        cases.add(f"passthrough/scale-{models}", models, merge("passthrough", base=None, models="a", parameters={"scale": 0.5}))
    cases.add("passthrough/scaled-projection", "llama", merge("passthrough", base=None, models="a", per_model={"scale": [[{"filter": "o_proj", "value": 0.0}, {"value": 1.0}]]}))
    cases.add("passthrough/keeps-dtype", "llama-bf16", merge("passthrough", base=None, models="a", dtype=None))
    cases.add("passthrough/two-models", "llama", merge("passthrough", base=None, models="ab"))


def add_geometric(cases: Cases) -> None:
    def slerp(t: object, **more: object) -> Recipe:
        return merge("slerp", **({"models": "a", "parameters": {"t": t}} | more))

    for models in ("llama", "llama-bf16", "qwen2-f16", "gemma2-bf16", "one", "special", "vocabulary"):
        cases.add(f"slerp/{models}", models, slerp(0.35))
        cases.add(f"nuslerp/{models}", models, merge("nuslerp", base=None, models="ab", per_model={"weight": [0.6, 0.4]}))
    for t in (0.0, 0.5, 1.0, 1.5, -0.2):
        cases.add(f"slerp/t-{t}", "llama", slerp(t))
    cases.add("slerp/out-bfloat16", "llama", slerp(0.35, out="bfloat16"))
    cases.add("slerp/no-t", "llama", merge("slerp", models="a"))
    cases.add("slerp/three-models", "llama", slerp(0.5, models="ab"))
    cases.add("slerp/gradients-by-filter", "llama", slerp([
        {"filter": "self_attn", "value": [0, 0.5, 0.3, 0.7, 1]},
        {"filter": "mlp", "value": [1, 0.5, 0.7, 0.3, 0]},
        {"value": 0.5},
    ]))
    pair = {"base": None, "models": "ab", "per_model": {"weight": [0.6, 0.4]}}
    for flatten, row_wise, base in product((True, False), (True, False), (None, "base")):
        cases.add(
            f"nuslerp/flatten-{flatten}-row-wise-{row_wise}-base-{base is not None}",
            "llama",
            merge("nuslerp", **(pair | {"base": base}), parameters={"nuslerp_flatten": flatten, "nuslerp_row_wise": row_wise}),
        )
    cases.add("nuslerp/weights-cancel", "llama", merge("nuslerp", base=None, models="ab", per_model={"weight": [-0.5, 0.5]}))
    cases.add("nuslerp/equal-models", "llama", merge("nuslerp", base=None, models="aa", per_model={"weight": [0.5, 0.5]}))
    cases.add("nuslerp/out-bfloat16", "llama-bf16", merge("nuslerp", **pair, out="bfloat16"))
    cases.add("nuslerp/three-models", "llama", merge("nuslerp", base=None, per_model={"weight": WEIGHTS}))
    weight = {"weight": list(WEIGHTS)}
    for models in ("llama", "llama-bf16", "one", "special"):
        cases.add(f"multislerp/{models}", models, merge("multislerp", base=None, per_model=weight))
    cases.add("multislerp/with-base", "llama", merge("multislerp", per_model=weight))
    cases.add("multislerp/with-base-all-changed", "gemma2-bf16", merge("multislerp", per_model=weight))
    cases.add("multislerp/out-bfloat16", "gemma2-bf16", merge("multislerp", per_model=weight, out="bfloat16"))
    cases.add("multislerp/raw-weights", "llama", merge("multislerp", base=None, per_model=weight, parameters={"normalize_weights": False}))
    cases.add("multislerp/two-models", "llama", merge("multislerp", base=None, models="ab", per_model={"weight": [0.6, 0.4]}))
    cases.add("multislerp/one-model", "llama", merge("multislerp", models="a", per_model={"weight": [0.6]}))
    for t in (1e-4, 0.05, 10.0):
        cases.add(f"nearswap/t-{t}", "llama", merge("nearswap", models="a", parameters={"t": t}))
    cases.add("nearswap/special", "special", merge("nearswap", models="a", parameters={"t": 0.05}))
    cases.add("nearswap/gradient", "gemma2-bf16", merge("nearswap", models="a", parameters={"t": [0.01, 0.2]}))
    for models in ("llama", "llama-bf16", "qwen2-f16", "wide-bf16", "vocabulary"):
        cases.add(f"arcee_fusion/{models}", models, merge("arcee_fusion", models="a"))
    cases.add("arcee_fusion/out-bfloat16", "wide-bf16", merge("arcee_fusion", models="a", out="bfloat16"))


def add_selective(cases: Cases) -> None:
    for models in ("llama", "llama-bf16", "qwen2-f16", "gemma2-bf16", "one", "special"):
        cases.add(f"sce/{models}", models, merge("sce"))
        cases.add(f"ram/{models}", models, merge("ram"))
        cases.add(f"ramplus_tl/{models}", models, merge("ramplus_tl"))
    for k in (0.0, 0.1, 0.5, 0.9):
        cases.add(f"sce/topk-{k}", "llama", merge("sce", parameters={"select_topk": k}))
    cases.add("sce/topk-equal", "equal", merge("sce", parameters={"select_topk": 0.5}))
    cases.add("sce/out-bfloat16", "wide-bf16", merge("sce", parameters={"select_topk": 0.5}, out="bfloat16"))
    cases.add("sce/one-model", "llama", merge("sce", models="a"))
    for epsilon in (1e-3, 0.05):
        cases.add(f"ram/epsilon-{epsilon}", "llama", merge("ram", parameters={"epsilon": epsilon}))
        cases.add(f"ramplus_tl/epsilon-{epsilon}", "llama", merge("ramplus_tl", parameters={"epsilon": epsilon}))
    cases.add("ramplus_tl/r-alpha", "llama", merge("ramplus_tl", parameters={"r": 0.05, "alpha": 1.0, "epsilon": 0.05}))
    cases.add("ramplus_tl/one-model", "llama", merge("ramplus_tl", models="a"))
    cases.add("ram/out-bfloat16", "wide-bf16", merge("ram", out="bfloat16"))


def add_precedence(cases: Cases) -> None:
    def sliced(slices: list[Recipe], method: str = "linear", **more: object) -> Recipe:
        return {"merge_method": method, "slices": slices, "dtype": "float32"} | more

    def source(model: str, layers: list[int], **parameters: object) -> Recipe:
        entry: Recipe = {"model": model, "layer_range": layers}
        return entry | ({"parameters": parameters} if parameters else {})

    gradient = {"weight": [[0, 1], [1, 0.2, 0.4], 0.5]}
    cases.add("precedence/gradients", "llama", merge("linear", base=None, per_model=gradient))
    cases.add("precedence/gradients-qwen2", "qwen2-f16", merge("linear", base=None, per_model=gradient))
    cases.add("precedence/one-element-gradient", "llama", merge("linear", base=None, per_model={"weight": [[0.3], 1, 1]}))
    cases.add("precedence/filters", "llama", merge("linear", base=None, per_model={"weight": [
        [{"filter": "mlp", "value": 0.2}, {"filter": "q_proj", "value": [0, 1]}, {"value": 0.7}], 1, 1]}))
    cases.add("precedence/filter-falls-through", "llama", merge("linear", base=None, per_model={"weight": [
        [{"filter": "mlp", "value": 0.2}], 1, 1]}, parameters={"weight": 0.4}))
    cases.add("precedence/filter-without-value-for-all", "llama", merge("linear", base=None, per_model={"weight": [
        [{"filter": "mlp", "value": 0.2}], 1, 1]}))
    cases.add("precedence/star-filter", "llama", merge("linear", base=None, per_model={"weight": [
        [{"filter": "*", "value": 0.2}, {"filter": "mlp", "value": 9}], 1, 1]}))
    cases.add("precedence/layer-filter-with-dot", "llama", merge("linear", base=None, per_model={"weight": [
        [{"filter": "layers.2.", "value": 5}, {"value": 1}], 1, 1]}))
    cases.add("precedence/own-before-global", "llama", merge("task_arithmetic", per_model={"weight": [0.9, None, None]}, parameters={"weight": 0.3}))
    cases.add("precedence/method-parameter-under-model", "llama", merge("task_arithmetic", per_model={"weight": WEIGHTS, "lambda": [0.1, 0.1, 0.1]}))
    cases.add("precedence/conditional-switch", "llama", merge("linear", base=None, per_model={"weight": WEIGHTS}, parameters={
        "normalize": [{"filter": "mlp", "value": False}, {"value": True}]}))
    cases.add("precedence/gradient-lambda", "llama", merge("task_arithmetic", per_model={"weight": WEIGHTS}, parameters={"lambda": [0, 1, 0.5]}))
    cases.add("precedence/gradient-density", "llama", merge("ties", per_model={"weight": WEIGHTS, "density": [[1, 0.7, 0.3], 0.5, [0.3, 0.9]]}))
    cases.add("precedence/conditional-density", "llama", merge("dare_linear", per_model={"weight": WEIGHTS, "density": [
        [{"filter": "mlp", "value": 0.5}, {"value": 1}], 0.7, 1]}))
    cases.add("precedence/numeric-text", "llama", "merge_method: linear\nmodels:\n- model: a\n  parameters: {weight: '0.25'}\n- model: b\n  parameters: {weight: 1e-1}\n- model: c\n  parameters: {weight: true}\ndtype: float32\n")
    cases.add("precedence/yaml-1.1-switch", "llama", "merge_method: linear\nmodels:\n- model: a\n  parameters: {weight: 0.25}\n- model: b\n  parameters: {weight: 0.5}\nparameters: {normalize: no}\ndtype: torch.float32\n")
    cases.add("precedence/bad-switch", "llama", merge("linear", base=None, models="ab", per_model={"weight": [1, 1]}, parameters={"normalize": 0.5}))
    cases.add("precedence/all-levels", "llama", sliced(
        [{"sources": [source("a", [0, 2], weight=0.9), source("b", [0, 2])], "parameters": {"weight": 0.4}},
         {"sources": [source("a", [2, 4]), source("b", [2, 4])]}], parameters={"weight": 0.2}))
    cases.add("slices/stack", "llama", sliced([{"sources": [source("a", [0, 3])]}, {"sources": [source("b", [1, 4])]}], "passthrough"))
    cases.add("slices/renumbered-filters", "llama", sliced(
        [{"sources": [source("a", [2, 4], weight=[{"filter": "layers.2.", "value": 5}, {"value": 1}])]},
         {"sources": [source("a", [0, 1], weight=7)]}],
        parameters={"normalize": [{"filter": "layers.0.", "value": False}, {"value": True}]}))
    cases.add("slices/gradient-restarts", "llama", sliced(
        [{"sources": [source("a", [0, 2], weight=[0, 1]), source("b", [0, 2], weight=[1, 0])]},
         {"sources": [source("a", [0, 4], weight=[0, 1]), source("b", [0, 4], weight=[1, 0])]}]))
    cases.add("slices/head-of-another", "llama", sliced([{"sources": [source("a", [0, 4])]}, {"sources": [source("b", [4, 4])]}], "passthrough"))
    cases.add("slices/unequal", "llama", sliced([{"sources": [source("a", [0, 2], weight=1), source("b", [0, 3], weight=1)]}]))
    cases.add("slices/out-of-range", "llama", sliced([{"sources": [source("a", [0, 9])]}], "passthrough"))
    cases.add("slices/slerp", "llama", sliced(
        [{"sources": [source("base", [0, 4]), source("a", [0, 4])]}], "slerp", base_model="base",
        parameters={"t": [{"filter": "self_attn", "value": [0, 1]}, {"value": 0.5}]}))
    cases.add("slices/task-vectors", "llama", sliced(
        [{"sources": [source("base", [0, 4]), source("a", [0, 4], weight=0.5), source("b", [0, 4], weight=0.4)]}],
        "task_arithmetic", base_model="base"))
    cases.add("slices/base-of-its-own", "llama", sliced(
        [{"sources": [source("base", [0, 2]), source("a", [0, 2], weight=0.5)], "base_model": "base"},
         {"sources": [source("c", [2, 4]), source("a", [2, 4], weight=0.5)], "base_model": "c"}],
        "task_arithmetic", base_model="base"))
    cases.add("slices/base-not-a-source", "llama", sliced(
        [{"sources": [source("a", [0, 4], weight=0.5)]}], "task_arithmetic", base_model="base"))
    cases.add("slices/one-layer-gradient", "llama", sliced(
        [{"sources": [source("a", [1, 2], weight=[0, 1]), source("b", [1, 2], weight=[1, 0.25])]}]))


def add_shapes(cases: Cases) -> None:
    weight = {"weight": list(WEIGHTS)}
    for method in ("task_arithmetic", "ties"):
        cases.add(f"vocabulary/{method}-larger", "vocabulary", merge(method, models="ab", per_model={"weight": [0.5, 0.5]}))
        cases.add(f"vocabulary/{method}-smaller", "vocabulary", merge(method, per_model=weight))
    cases.add("vocabulary/karcher", "vocabulary", merge("karcher", base=None))
    cases.add("vocabulary/multislerp", "vocabulary", merge("multislerp", base=None, per_model=weight))
    cases.add("vocabulary/nuslerp-base", "vocabulary", merge("nuslerp", models="ab", per_model={"weight": [0.5, 0.5]}))
    cases.add("heads/all-tied", "heads", merge("task_arithmetic", models="ac", per_model={"weight": [0.5, 0.5]}))
    cases.add("heads/one-untied", "heads", merge("task_arithmetic", models="ab", per_model={"weight": [0.5, 0.5]}))
    cases.add("heads/linear-one-untied", "heads", merge("linear", base=None, models="ab", per_model={"weight": [0.5, 0.5]}))
    cases.add("heads/untied-base", "heads", merge("task_arithmetic", models="ab", base="untied", per_model={"weight": [0.5, 0.5]}))


def all_cases() -> list[Case]:
    cases = Cases()
    add_task_vector_family(cases)
    add_averages(cases)
    add_geometric(cases)
    add_selective(cases)
    add_precedence(cases)
    add_shapes(cases)
    return cases.all()
