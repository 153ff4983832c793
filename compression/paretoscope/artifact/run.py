"""Classify text with this model. It needs only `pip install onnxruntime tokenizers`.

python run.py "some text" "another"        label and probability of each text
python run.py -                            the same for each line of standard input
python run.py --evaluate examples.jsonl    accuracy on lines of {"text": ..., "label": ...}
python run.py --time                       latency under the conditions in manifest.json
python run.py --check                      compare this computer with the one that made the model
--exact with any of these                  exact int8 sums on processors without VNNI, but slower
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the files next to this one, also with -I

import numpy as np
import onnxruntime
import self_check
from labels import LabelError, label_text, match_labels
from tokenizers import Tokenizer

HERE = Path(__file__).parent
CONFIG = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
MANIFEST = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
LABELS = [CONFIG["id2label"][str(index)] for index in range(len(CONFIG["id2label"]))]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = MANIFEST["conditions"]["threads"]
if EXACT := "--exact" in sys.argv[1:]:
    sys.argv.remove("--exact")
    options.add_session_config_entry("session.x64quantprecision", "1")
session = onnxruntime.InferenceSession(
    str(HERE / "model.onnx"), options, providers=["CPUExecutionProvider"]
)
tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))


def logits(ids):
    """[batch, tokens] token ids -> [batch, labels]; no token is padding."""
    return session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]


def classify(text):
    """(label, probability) of one text."""
    scores = logits(np.array([tokenizer.encode(text).ids], dtype=np.int64))[0]
    shares = np.exp(scores - scores.max())
    return LABELS[int(scores.argmax())], float(shares.max() / shares.sum())


def compare():
    """The answers on the golden inputs of manifest.json against those stored there."""
    return self_check.compare(
        MANIFEST["check"],
        lambda ids: logits(np.array([ids], dtype=np.int64))[0],
        lambda text: tokenizer.encode(text).ids,
    )


def lines_of_input():
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return (line.strip() for line in sys.stdin if line.strip())


def refuse(sentence):
    print(f"run.py: {sentence}", file=sys.stderr)
    sys.exit(2)


def read(path):
    """The (text, index of its label) of every line of a file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f'"{path}" cannot be read: {getattr(error, "strerror", None) or "it is not UTF-8"}.')
    examples = []
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                example = json.loads(line)
                examples.append((example["text"] + "", label_text(example["label"]) + ""))
        except (ValueError, KeyError, TypeError):
            refuse(f'Line {number} of "{path}" is not {{"text": ..., "label": ...}}.')
    if not examples:
        refuse(f'"{path}" has no examples.')
    try:
        found = match_labels((label for _, label in examples), LABELS, MANIFEST.get("labels_by"))
    except LabelError as error:
        refuse(f'"{path}": {error}')
    return [(text, found.outputs[label]) for text, label in examples]


def evaluate(path):
    """(accuracy, number of examples); texts of equal length form a batch, as in the measurement."""
    examples = read(path)
    encoded = [tokenizer.encode(text).ids for text, _ in examples]
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
    right = 0
    while order:
        most = MANIFEST["conditions"]["batch"]
        batch = [index for index in order[:most] if len(encoded[index]) == len(encoded[order[0]])]
        order = order[len(batch) :]
        answers = logits(np.array([encoded[index] for index in batch], dtype=np.int64)).argmax(
            axis=1
        )
        right += sum(answer == examples[index][1] for answer, index in zip(answers, batch))
    return right / len(examples), len(examples)


def latency():
    """Sorted milliseconds of 200 requests after 50 for warm-up."""
    conditions = MANIFEST["conditions"]
    words = np.random.default_rng(0).integers(
        CONFIG["vocab_size"] // 2,
        CONFIG["vocab_size"],
        size=(conditions["batch"], conditions["sequence"]),
    )
    samples = []
    for _ in range(250):
        start = time.perf_counter()
        logits(words)
        samples.append((time.perf_counter() - start) * 1000)
    return sorted(samples[50:]), conditions


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        sys.exit(__doc__)
    if sys.argv[1] in ("--check", "--time") and sys.argv[2:]:
        refuse(f"{sys.argv[1]} has no arguments, but got {sys.argv[2]}.")
    if sys.argv[1].startswith("--") and sys.argv[1] not in ("--check", "--evaluate", "--time"):
        refuse(f"There is no option {sys.argv[1]}; texts that start so are read with `run.py -`.")
    if sys.argv[1] == "--check":
        sys.exit(self_check.check(MANIFEST, onnxruntime.__version__, compare, exact=EXACT))
    if not EXACT:
        self_check.first_run(MANIFEST, onnxruntime.__version__, compare)
    if sys.argv[1] == "--evaluate":
        if len(sys.argv) != 3:
            refuse("--evaluate takes one file of examples.")
        print("accuracy {:.4f} on {} examples".format(*evaluate(sys.argv[2])))
    elif sys.argv[1] == "--time":
        times, under = latency()
        print(f"p50 {times[100]:.2f} ms, p90 {times[180]:.2f} ms ({under})")
    else:
        for text in lines_of_input() if sys.argv[1:] == ["-"] else sys.argv[1:]:
            print("{}  {:.3f}".format(*classify(text)))
