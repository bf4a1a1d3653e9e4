"""Trains the zoo's byte-level BPE tokenizer and writes it in Hugging Face layout.

    python train_tokenizer.py TEXT.jsonl OUT_FOLDER

The pre-tokenizer splits digits one by one, so that numbers of any length share ten tokens.
"""

import json
import sys
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

VOCABULARY = 1536
SPECIAL = ["<pad>", "<s>", "</s>"]
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}{{ bos_token + 'Q: ' + message['content'] + '\\nA:' }}"
    "{%- elif message['role'] == 'assistant' -%}{{ ' ' + message['content'] + eos_token }}"
    "{%- endif -%}{%- endfor -%}"
)


def train(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:1")
    return tokenizer


def main(text_path: str, out_folder: str) -> None:
    lines = Path(text_path).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    texts = [r["p"] + r["c"] for r in records if not r["s"].startswith("copying/")]
    out = Path(out_folder)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = train(texts)
    tokenizer.save(str(out / "tokenizer.json"))
    config = {
        "backend": "tokenizers",
        "bos_token": "<s>",
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "</s>",
        "model_max_length": 256,
        "pad_token": "<pad>",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    sizes = [len(tokenizer.encode(text).ids) for text in texts[:5000]]
    print(f"{tokenizer.get_vocab_size()} entries, {sum(sizes) / len(sizes):.1f} tokens a record, "
          f"longest {max(sizes)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
