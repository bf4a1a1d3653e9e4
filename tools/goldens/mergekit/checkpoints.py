"""Small random checkpoints in the layouts that the goldens merge.

Deterministic: equal calls write equal bytes. Every set is a folder of models in Hugging Face layout
without tokenizers; mergekit never builds the models, so any width will do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Layout:
    """Shapes of one architecture; widths are odd on purpose, so that no vector loop comes out even."""

    architecture: str
    model_type: str
    layers: int
    hidden: int
    inner: int
    keys: int
    vocabulary: int
    is_tied: bool
    has_biases: bool = False
    has_feedforward_norms: bool = False
    extra: dict[str, object] = field(default_factory=dict)

    def config(self, dtype: torch.dtype, vocabulary: int, is_tied: bool) -> dict[str, object]:
        return {
            "architectures": [self.architecture],
            "model_type": self.model_type,
            "vocab_size": vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": 1,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": is_tied,
            "torch_dtype": str(dtype).removeprefix("torch."),
            **self.extra,
        }

    def shapes(self, vocabulary: int, is_tied: bool) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            "model.embed_tokens.weight": (vocabulary, self.hidden)
        }
        for layer in range(self.layers):
            shapes |= {f"model.layers.{layer}.{name}": s for name, s in self.layer().items()}
        shapes["model.norm.weight"] = (self.hidden,)
        if not is_tied:
            shapes["lm_head.weight"] = (vocabulary, self.hidden)
        return shapes

    def layer(self) -> dict[str, tuple[int, ...]]:
        hidden, inner, keys = self.hidden, self.inner, self.keys
        shapes: dict[str, tuple[int, ...]] = {
            "input_layernorm.weight": (hidden,),
            "self_attn.q_proj.weight": (hidden, hidden),
            "self_attn.k_proj.weight": (keys, hidden),
            "self_attn.v_proj.weight": (keys, hidden),
            "self_attn.o_proj.weight": (hidden, hidden),
            "post_attention_layernorm.weight": (hidden,),
            "mlp.gate_proj.weight": (inner, hidden),
            "mlp.up_proj.weight": (inner, hidden),
            "mlp.down_proj.weight": (hidden, inner),
        }
        if self.has_biases:
            shapes["self_attn.q_proj.bias"] = (hidden,)
            shapes["self_attn.k_proj.bias"] = (keys,)
            shapes["self_attn.v_proj.bias"] = (keys,)
        if self.has_feedforward_norms:
            shapes["pre_feedforward_layernorm.weight"] = (hidden,)
            shapes["post_feedforward_layernorm.weight"] = (hidden,)
        return shapes


LLAMA = Layout("LlamaForCausalLM", "llama", 4, 11, 13, 5, 19, False)
QWEN2 = Layout("Qwen2ForCausalLM", "qwen2", 3, 9, 15, 3, 17, True, has_biases=True)
GEMMA2 = Layout("Gemma2ForCausalLM", "gemma2", 3, 10, 12, 5, 23, True, has_feedforward_norms=True)
TINY = Layout("LlamaForCausalLM", "llama", 1, 3, 3, 3, 5, False)
ONE = Layout("LlamaForCausalLM", "llama", 1, 1, 1, 1, 1, False)
WIDE = Layout("LlamaForCausalLM", "llama", 2, 48, 70, 16, 64, False)


class Maker:
    """Draws tensors from one generator, in the order of its calls."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, shape: tuple[int, ...], scale: float) -> torch.Tensor:
        return torch.randn(shape, generator=self._generator) * scale

    def model(
        self,
        layout: Layout,
        dtype: torch.dtype,
        vocabulary: int | None = None,
        is_tied: bool | None = None,
    ) -> Tensors:
        vocabulary = layout.vocabulary if vocabulary is None else vocabulary
        is_tied = layout.is_tied if is_tied is None else is_tied
        shapes = layout.shapes(vocabulary, is_tied)
        return {name: self.normal(shape, 0.5).to(dtype) for name, shape in shapes.items()}

    def tuned(self, base: Tensors, *, scale: float = 0.1, leaves_fifth: bool = True) -> Tensors:
        """The base with a small change; every fifth tensor may be left as it is."""
        return {
            name: tensor.clone()
            if leaves_fifth and index % 5 == 4
            else (tensor.float() + self.normal(tuple(tensor.shape), scale)).to(tensor.dtype)
            for index, (name, tensor) in enumerate(base.items())
        }


def write_model(
    folder: Path, layout: Layout, tensors: Tensors, *, is_tied: bool | None = None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    embedding = tensors["model.embed_tokens.weight"]
    tied = "lm_head.weight" not in tensors if is_tied is None else is_tied
    config = layout.config(embedding.dtype, embedding.shape[0], tied)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def write_sets(root: Path) -> None:
    """Writes every set of models below `root`."""
    sets = {
        "llama": (LLAMA, torch.float32),
        "llama-bf16": (LLAMA, torch.bfloat16),
        "qwen2-f16": (QWEN2, torch.float16),
        "gemma2-bf16": (GEMMA2, torch.bfloat16),
        "one": (ONE, torch.float32),
        "wide-bf16": (WIDE, torch.bfloat16),
    }
    for seed, (name, (layout, dtype)) in enumerate(sets.items()):
        maker = Maker(1000 + seed)
        base = maker.model(layout, dtype)
        write_model(root / name / "base", layout, base)
        for model in "abc":
            tuned = maker.tuned(base, leaves_fifth=layout is not GEMMA2)
            write_model(root / name / model, layout, tuned)
    write_equal_magnitudes(root / "equal")
    write_special_values(root / "special")
    write_vocabularies(root / "vocabulary")
    write_heads(root / "heads")


def write_equal_magnitudes(folder: Path) -> None:
    """Changes of three magnitudes only, in tensors so small that torch's sort is still stable."""
    maker = Maker(2000)
    base = {name: tensor.round() for name, tensor in maker.model(TINY, torch.float32).items()}
    write_model(folder / "base", TINY, base)
    for model in "abc":
        steps = {
            name: (maker.normal(tuple(tensor.shape), 1.2).round().clamp(-2, 2) / 4)
            for name, tensor in base.items()
        }
        write_model(folder / model, TINY, {name: base[name] + steps[name] for name in base})


def write_special_values(folder: Path) -> None:
    """NaN, infinities, negative zero and a subnormal number in single places."""
    maker = Maker(3000)
    base = maker.model(LLAMA, torch.float32)
    write_model(folder / "base", LLAMA, base)
    values = [float("nan"), float("inf"), float("-inf"), -0.0, 1e-40]
    for index, model in enumerate("abc"):
        tensors = maker.tuned(base)
        for place, value in enumerate(values):
            name = f"model.layers.{place % 4}.self_attn.k_proj.weight"
            tensors[name].view(-1)[7 * place + index] = value
        write_model(folder / model, LLAMA, tensors)


def write_vocabularies(folder: Path) -> None:
    """The base knows 19 tokens, `a` as many, `b` 23, `c` 16."""
    maker = Maker(4000)
    base = maker.model(LLAMA, torch.float32)
    write_model(folder / "base", LLAMA, base)
    for model, vocabulary in (("a", 19), ("b", 23), ("c", 16)):
        tensors = maker.tuned(base)
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            tensors[name] = maker.normal((vocabulary, LLAMA.hidden), 0.5)
        write_model(folder / model, LLAMA, tensors)


def write_heads(folder: Path) -> None:
    """Some models tie the head to the embedding and do not store it."""
    maker = Maker(5000)
    base = maker.model(LLAMA, torch.float32)
    tied = {name: tensor for name, tensor in base.items() if name != "lm_head.weight"}
    write_model(folder / "base", LLAMA, tied)
    write_model(folder / "untied", LLAMA, base)
    write_model(folder / "a", LLAMA, maker.tuned(tied))
    write_model(folder / "b", LLAMA, maker.tuned(base))
    write_model(folder / "c", LLAMA, maker.tuned(tied))
