"""Loads each folder of the zoo with `transformers`, unchanged, and compares it with our model.

    python check_transformers.py public/zoo
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from decode import decode
from model import Llama, ModelShape


def main(zoo: Path) -> None:
    manifest = json.loads((zoo / "manifest.json").read_text())
    for name, record in manifest["models"].items():
        folder = zoo / record["path"]
        tokenizer = AutoTokenizer.from_pretrained(folder)
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        ours = Llama(ModelShape()).eval()
        ours.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
        item = json.loads((zoo / "items" / f"{name if name != 'base' else 'general'}.jsonl").open().readline())
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": item["prompt"]}], return_tensors="pt", return_dict=True
        )
        tokens = chat["input_ids"]
        with torch.inference_mode():
            expected = theirs(tokens).logits
            blocked = torch.full((tokens.shape[1],) * 2, -30000.0).triu(1)[None, None]
            found = ours.logits(ours.hidden_states(tokens, blocked))
            text = theirs.generate(**chat)[0, tokens.shape[1] :]
        reply = tokenizer.decode(text, skip_special_tokens=True)
        own = tokenizer.decode(decode(ours, [tokens[0, 1:].tolist()])[0])
        difference = (expected - found).abs().max().item()
        print(f"{name}: logits differ by {difference:.1e}; {item['prompt']!r} -> {reply!r}")
        if difference > 1e-3 or reply != own:
            raise SystemExit(f"{name}: our replies ({own!r}) or logits differ from transformers'")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
