"""Other people's programs for generation, training and evaluation, with both tokenizer classes.

The libraries themselves run. `nox -s serving` installs them; a test whose library is missing is
skipped. docs/serving.md lists what these libraries look up in a tokenizer.
"""

import copy
import os

import pytest
from support import SAMPLE

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="pip install torch")
transformers = pytest.importorskip("transformers", reason="pip install transformers")

from support.language_models import tiny_gpt2  # noqa: E402

import bytepiece  # noqa: E402
from bytepiece.integrations.transformers import BytePieceTokenizer, fast, register  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
"""The libraries' warnings about each other say nothing about the tokenizers."""

MAKERS = [BytePieceTokenizer, fast]
TEXT = "the naïve 今天"
"""A text with characters that are split over several tokens."""
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] }}<eos>{% endgeneration %}"
    "{% else %}{{ m['content'] }}{% endif %}\n{% endfor %}"
)


@pytest.fixture(scope="module")
def small():
    return bytepiece.train(SAMPLE, 1000, algorithm="merge", spaces="across")


@pytest.fixture(scope="module")
def pieces(small):
    return dict(zip(small.ids.tolist(), small.pieces, strict=True))


def language_model(size):
    return tiny_gpt2(size, 0, n_positions=128, n_head=1)


@pytest.fixture(scope="module")
def lm(small):
    return language_model(small.vocab_size)


@pytest.mark.parametrize("make", MAKERS)
def test_generation(small, pieces, lm, make):
    """With stop strings, healed tokens, a streamer, and an assistant with another vocabulary."""
    tokenizer = make(small)
    inputs = tokenizer([TEXT, "a"], return_tensors="pt", padding=True, padding_side="left")
    # The stop string must occur once only, so parts of characters, shown alike, are left out.
    words = {"suppress_tokens": [i for i, piece in pieces.items() if not piece.isalpha()]}
    plain = lm.generate(**inputs, max_new_tokens=8, do_sample=False, **words)
    written = tokenizer.decode(plain[0][inputs["input_ids"].shape[1] :])
    stop = written[1:4]
    stopped = lm.generate(
        **tokenizer(TEXT, return_tensors="pt"),
        max_new_tokens=8,
        do_sample=False,
        stop_strings=[stop],
        tokenizer=tokenizer,
        **words,
    )
    assert tokenizer.decode(stopped[0])[len(TEXT) :].count(stop) == 1
    healed = lm.generate(**inputs, max_new_tokens=2, token_healing=True, tokenizer=tokenizer)
    assert len(healed) == 2
    streamer = transformers.TextIteratorStreamer(tokenizer)
    inputs = tokenizer(TEXT, return_tensors="pt")
    lm.generate(**inputs, max_new_tokens=8, do_sample=False, streamer=streamer)
    assert "".join(streamer) == tokenizer.decode(lm.generate(**inputs, max_new_tokens=8)[0])
    other = fast(bytepiece.train(bytepiece.Files([SAMPLE]), 700))
    assistant = {
        "assistant_model": language_model(len(other)),
        "assistant_tokenizer": other,
        "tokenizer": tokenizer,
    }
    helped = lm.generate(**inputs, max_new_tokens=5, do_sample=False, **assistant)
    assert torch.equal(helped, lm.generate(**inputs, max_new_tokens=5, do_sample=False))
    assert len(lm.generate(**inputs, max_new_tokens=5, do_sample=True, **assistant)) == 1


@pytest.mark.parametrize("make", MAKERS)
def test_pipelines(small, lm, make):
    tokenizer = make(small)
    writer = transformers.pipeline("text-generation", model=lm, tokenizer=tokenizer)
    written = writer(TEXT, max_new_tokens=4, do_sample=False)[0]["generated_text"]
    assert written.startswith(TEXT)
    classifier = transformers.GPT2ForTokenClassification(lm.config).eval()
    made = {"model": classifier, "tokenizer": tokenizer}
    words = transformers.pipeline("token-classification", **made)
    assert len(words("the cat")) == len(tokenizer("the cat")["input_ids"])
    if make is BytePieceTokenizer:
        with pytest.raises(ValueError, match="Slow tokenizers"):
            transformers.pipeline("token-classification", aggregation_strategy="first", **made)
    else:
        words = transformers.pipeline("token-classification", aggregation_strategy="first", **made)
        found = words(["the", " cat"], is_split_into_words=True)
        assert {entity["start"] for entity in found[0]} <= {0, 4}


def test_whole_words_are_masked_once_spaces_are_outside_of_tokens(small):
    processors = pytest.importorskip("tokenizers.processors")
    tokenizer = fast(small)
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    text = "the tokenizer sat on the mat"
    wanted = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    batch = tokenizer(text, **wanted)
    of_token = [text[low:high] for low, high in batch["offset_mapping"]]
    assert not any(part != part.strip() for part in of_token)
    collator = transformers.DataCollatorForLanguageModeling(
        tokenizer, mlm=True, mlm_probability=0.5, whole_word_mask=True
    )
    labels = collator([batch] * 8)["labels"]
    begins = [i == 0 or text[low - 1] == " " for i, (low, _) in enumerate(batch["offset_mapping"])]
    for row in (labels != -100).tolist():
        for token, begins_word in enumerate(begins):
            assert begins_word or row[token] == row[token - 1]


def test_xgrammar(small, lm, pieces):
    xgrammar = pytest.importorskip("xgrammar")
    tokenizer = fast(small)
    of_fast = xgrammar.TokenizerInfo.from_huggingface(tokenizer)
    assert {id_: of_fast.decoded_vocab[id_] for id_ in pieces} == pieces
    with pytest.raises(ValueError, match="Unsupported tokenizer"):
        xgrammar.TokenizerInfo.from_huggingface(BytePieceTokenizer(small))
    of_bytes = xgrammar.TokenizerInfo(
        [pieces.get(id_, b"") for id_ in range(small.vocab_size)],
        xgrammar.VocabType.RAW,
        stop_token_ids=[tokenizer.eos_token_id],
    )
    for info in (of_fast, of_bytes):
        grammar = xgrammar.GrammarCompiler(info).compile_grammar(f'root ::= "{TEXT}"')
        matcher = xgrammar.GrammarMatcher(grammar)
        for alpha in (None, 0.0):  # Any segmentation of the text is in the grammar.
            for id_ in bytepiece.Tokenizer(small).encode(TEXT, alpha=alpha, seed=1):
                assert matcher.accept_token(id_)
            assert matcher.accept_token(tokenizer.eos_token_id)
            matcher.reset()
    # In the fast tokenizer, the names of special tokens pass for text. Bytes have no such names.
    forged = [
        xgrammar.GrammarMatcher(
            xgrammar.GrammarCompiler(info).compile_grammar('root ::= "<pad>"')
        ).accept_token(tokenizer.pad_token_id)
        for info in (of_fast, of_bytes)
    ]
    assert forged == [True, False]


@pytest.mark.parametrize("alpha", [None, 0.0])
def test_the_streams_of_servers(small, alpha):
    """vLLM and `transformers serve` decode with the Rust library's stream."""
    decoders = pytest.importorskip("tokenizers.decoders")
    tokenizer = fast(small)
    stream = decoders.DecodeStream(skip_special_tokens=True)
    text = TEXT + " 👍\n\n" + TEXT
    ids = bytepiece.Tokenizer(small).encode(text, alpha=alpha, seed=1, add_eos=True)
    parts = [stream.step(tokenizer.backend_tokenizer, id_) for id_ in ids]
    assert "".join(part or "" for part in parts) == text


def test_llguidance(small, pieces):
    llguidance = pytest.importorskip("llguidance")
    hf = pytest.importorskip("llguidance.hf")
    found = hf.from_tokenizer(fast(small))
    # The byte FF marks special tokens in this library. It occurs in no text.
    assert [id_ for id_, piece in pieces.items() if found.decode_bytes([id_]) != piece] == [
        id_ for id_, piece in pieces.items() if piece == b"\xff"
    ]
    tokenizer = bytepiece.Tokenizer(small)
    assert found.tokenize_str(TEXT) == tokenizer.encode(TEXT)
    matcher = llguidance.LLMatcher(found, llguidance.LLMatcher.grammar_from_regex(TEXT))
    for alpha in (None, 0.0):
        ids = tokenizer.encode(TEXT, alpha=alpha, seed=1)
        assert matcher.try_consume_tokens(ids) == len(ids)
        assert matcher.is_accepting()
        matcher.reset()
    with pytest.raises(ValueError, match="Only fast tokenizers"):
        hf.from_tokenizer(BytePieceTokenizer(small))


@pytest.mark.parametrize("make", MAKERS)
def test_outlines_core_with_bytes(small, pieces, make):
    """Outlines gives it strings, in which parts of characters are U+FFFD. It takes bytes, too."""
    outlines_core = pytest.importorskip("outlines_core")
    tokenizer = make(small)
    ids_of = {}
    for id_, piece in pieces.items():
        ids_of.setdefault(piece, []).append(id_)
    vocabulary = outlines_core.Vocabulary(tokenizer.eos_token_id, ids_of)
    guide = outlines_core.Guide(outlines_core.Index(TEXT, vocabulary))
    for id_ in tokenizer.encode(TEXT):
        assert id_ in guide.get_tokens()
        guide.advance(id_)
    assert guide.is_finished()


@pytest.mark.parametrize("backend", ["xgrammar", "llguidance"])
def test_outlines(small, lm, backend):
    outlines = pytest.importorskip("outlines")
    pytest.importorskip(backend)
    model = outlines.from_transformers(lm, fast(small))
    regex = outlines.types.regex("[a-c]{3} naïve")
    written = outlines.Generator(model, regex, backend=backend)("the", max_new_tokens=40)
    assert written[3:] == " naïve"
    assert {*written[:3]} <= {*"abc"}


@pytest.mark.parametrize("make", MAKERS)
def test_outlines_without_another_backend(small, lm, make, pieces):
    """Its own backend gets a vocabulary of bytes in the place of its strings."""
    outlines = pytest.importorskip("outlines")
    core = pytest.importorskip("outlines_core")
    backends = pytest.importorskip("outlines.backends.outlines_core")
    tokenizer = make(small)
    model = outlines.from_transformers(lm, tokenizer)
    with pytest.raises(ValueError, match="incompatible with the regex"):
        outlines.Generator(model, outlines.types.regex(TEXT))
    ids_of = {}
    for id_, piece in pieces.items():
        ids_of.setdefault(piece, []).append(id_)
    index = core.Index(TEXT, core.Vocabulary(tokenizer.eos_token_id, ids_of))
    processor = backends.OutlinesCoreLogitsProcessor(index, "torch")
    generator = outlines.Generator(model, processor=processor)
    assert generator("a", max_new_tokens=60) == TEXT


@pytest.mark.parametrize("make", MAKERS)
def test_lm_format_enforcer(small, lm, make):
    """It takes characters, so it can only write characters that are pieces."""
    enforcer = pytest.importorskip("lmformatenforcer")
    tokenizer = make(small)
    special = {*tokenizer.all_special_ids}
    data = enforcer.TokenEnforcerTokenizerData(
        [
            (id_, tokenizer.decode([id_]), False)
            for id_ in range(len(tokenizer))
            if id_ not in special
        ],
        lambda ids: tokenizer.decode(ids).rstrip("\ufffd"),
        tokenizer.eos_token_id,
        False,
        len(tokenizer),
    )
    rules = enforcer.TokenEnforcer(data, enforcer.RegexParser("[a-c]{3} the 2[0-9]"))
    written = lm.generate(
        **tokenizer("a", return_tensors="pt", add_special_tokens=False),
        max_new_tokens=30,
        do_sample=False,
        prefix_allowed_tokens_fn=lambda _, row: (
            rules.get_allowed_tokens(row.tolist()).allowed_tokens
        ),
    )
    text = tokenizer.decode(written[0], skip_special_tokens=True)[1:]
    assert text[3:].startswith(" the 2")
    assert len(text) == 10


@pytest.mark.parametrize("make", MAKERS)
def test_accelerate(small, make):
    utils = pytest.importorskip("accelerate.utils")
    batch = make(small)(["a cat", "the"], padding=True, return_tensors="pt")
    moved = utils.send_to_device(batch, "cpu")
    assert torch.equal(moved["input_ids"], batch["input_ids"])
    assert torch.equal(utils.concatenate([batch, batch])["input_ids"][:2], batch["input_ids"])


@pytest.mark.parametrize("make", MAKERS)
def test_lm_eval(small, lm, make):
    models = pytest.importorskip("lm_eval.models.huggingface")
    instances = pytest.importorskip("lm_eval.api.instance")
    harness = models.HFLM(pretrained=lm, tokenizer=make(small), batch_size=2)
    assert harness.vocab_size == small.vocab_size

    def asked(kind, arguments):
        request = instances.Instance(kind, {}, arguments, 0)
        return getattr(harness, kind)([request], disable_tqdm=True)[0]

    log_prob, _ = asked("loglikelihood", ("the naïve", " cat"))
    ids = torch.tensor([make(small).encode("the naïve cat", add_special_tokens=False)])
    context = len(make(small).encode("the naïve", add_special_tokens=False))
    law = lm(ids).logits[0].log_softmax(-1)[context - 1 : -1]
    assert log_prob == pytest.approx(law.gather(1, ids[0, context:, None]).sum().item(), abs=1e-4)
    assert asked("loglikelihood_rolling", (TEXT,)) < 0
    free = asked("generate_until", (TEXT, {"until": ["\0"], "max_gen_toks": 8}))
    cut = asked("generate_until", (TEXT, {"until": [free[1:3]], "max_gen_toks": 8}))
    assert cut == free[: free.index(free[1:3])]


@pytest.mark.parametrize("make", MAKERS)
def test_peft(small, lm, make, tmp_path):
    peft = pytest.importorskip("peft")
    register()
    lm.save_pretrained(tmp_path / "base")
    base = type(lm).from_pretrained(tmp_path / "base")
    tokenizer = make(small)
    tokenizer.add_tokens(["<new>"])
    base.resize_token_embeddings(len(tokenizer))
    adapted = peft.get_peft_model(
        base, peft.LoraConfig(target_modules=["c_attn"], task_type="CAUSAL_LM")
    )
    for one in (adapted, tokenizer):
        one.save_pretrained(tmp_path / "adapter")
    again = peft.AutoPeftModelForCausalLM.from_pretrained(tmp_path / "adapter")
    assert again.get_input_embeddings().num_embeddings == small.vocab_size + 1


@pytest.mark.parametrize("make", MAKERS)
def test_trl(small, lm, make, tmp_path):
    """Training on the assistant's tokens alone, and a template taken from another tokenizer."""
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    templates = pytest.importorskip("trl.chat_template_utils")
    tokenizer = make(small, chat_template=TEMPLATE)
    assert templates.is_chat_template_stop_token_trained(tokenizer)
    chat = [{"role": "user", "content": "naïve"}, {"role": "assistant", "content": "今天"}]
    settings = trl.SFTConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=1,
        per_device_train_batch_size=2,
        assistant_only_loss=True,
        max_length=64,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
    )
    trainer = trl.SFTTrainer(
        copy.deepcopy(lm),
        args=settings,
        train_dataset=datasets.Dataset.from_list([{"messages": chat}] * 2),
        processing_class=tokenizer,
    )
    row = trainer.train_dataset[0]
    spoken = [label for label in row["labels"] if label != -100]
    assert tokenizer.decode(spoken).strip().startswith("今天<eos>")
    assert trainer.train().training_loss > 0

    source = fast(small, chat_template="{{ messages[0]['content'] }}")
    source.add_tokens(["<new>"])
    source.save_pretrained(tmp_path / "source")
    model, tokenizer, added = trl.clone_chat_template(
        copy.deepcopy(lm), tokenizer, str(tmp_path / "source"), resize_to_multiple_of=8
    )
    assert model.vocab_size == len(tokenizer) == len(tokenizer.vocab)
    assert added[0] == tokenizer.convert_tokens_to_ids("<new>") == small.vocab_size


def test_byte_offsets_of_trl(small):
    utils = pytest.importorskip("trl.experimental.utils")
    tokenizer = fast(small)
    ((ids, spans),) = utils.encode_with_byte_offsets(tokenizer.backend_tokenizer, [TEXT])
    assert ids == tokenizer.encode(TEXT)
    raw = TEXT.encode()
    model = bytepiece.Tokenizer(small)
    assert [raw[low:high] for low, high in spans] == [model.id_to_piece(id_) for id_ in ids]
