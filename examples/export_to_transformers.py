"""Use a model in `transformers`, as a tokenizer that samples and as one that needs no bytepiece.

python examples/export_to_transformers.py [TEXT_FILE]
"""

import sys
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

import bytepiece
from bytepiece.formats.to_huggingface import save_pretrained_files
from bytepiece.integrations.transformers import BytePieceTokenizer, register

SAMPLE = Path(__file__).parent.parent / "data" / "sample.txt"
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main(corpus: Path) -> None:
    """Save both tokenizers, load them, and use them like any tokenizer of transformers."""
    model = bytepiece.train(corpus, vocab_size=2000)
    specials = {"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]}
    tokenizer = BytePieceTokenizer(model, chat_template=CHAT)
    tokenizer.add_special_tokens(specials)
    register()  # AutoTokenizer can then load the tokenizer
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        tokenizer.save_pretrained(ours)
        tokenizer = AutoTokenizer.from_pretrained(ours)
        # A tokenizer.json is for programs without bytepiece. It gives the same ids, but no samples.
        save_pretrained_files(model, theirs, {"chat_template": CHAT})
        print("saved:", sorted(path.name for path in Path(theirs).iterdir()))
        exported = AutoTokenizer.from_pretrained(theirs)
    exported.add_special_tokens(specials)
    lines = corpus.read_text("utf-8").splitlines()
    assert exported(lines)["input_ids"] == tokenizer(lines)["input_ids"]
    messages = [{"role": "user", "content": "What is a lattice?"}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    print("chat:", tokenizer.convert_ids_to_tokens(ids))

    sampler = tokenizer.sampled(alpha=0.1, seed=7, epoch=0)  # for training a language model
    print("a sample:", sampler.tokenize(lines[0])[:6])
    assert tokenizer.decode(sampler.encode(lines[0])) == lines[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
