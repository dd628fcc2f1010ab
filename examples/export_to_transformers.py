"""Give a model to `transformers`: a folder with chat template, and sampling for training.

python examples/export_to_transformers.py [TEXT_FILE]
"""

import sys
import tempfile
from pathlib import Path

import bytepiece
from bytepiece.integrations.transformers import BytePieceTokenizer

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main(corpus: Path) -> None:
    """Save, load, and use it as any tokenizer of transformers."""
    model = bytepiece.train(corpus, vocab_size=2000)
    tokenizer = BytePieceTokenizer(model, chat_template=CHAT, model_max_length=64)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    with tempfile.TemporaryDirectory() as directory:
        tokenizer.save_pretrained(directory)
        print("saved:", sorted(path.name for path in Path(directory).iterdir()))
        tokenizer = BytePieceTokenizer.from_pretrained(directory)

    messages = [{"role": "user", "content": "What is a lattice?"}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    print("chat:", tokenizer.convert_ids_to_tokens(ids))
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_start|>")) == 2

    lines = corpus.read_text("utf-8").splitlines()
    batch = tokenizer(lines, padding=True, truncation=True, return_tensors="np")
    print("batch:", batch["input_ids"].shape, batch["input_ids"].dtype)
    text = lines[0]
    spans = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    print("spans:", [text[low:high] for low, high in spans][:6])

    sampler = tokenizer.sampled(alpha=0.1, seed=7, epoch=0)
    print("a sample:", sampler.tokenize(text)[:6])
    assert tokenizer.decode(sampler.encode(text)) == text


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
