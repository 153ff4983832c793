"""Generate text with this model. It needs only `pip install onnxruntime tokenizers`.

python run.py                        chat; an empty line ends it
python run.py "The weather today"    one answer
python run.py --time                 time to first token and per token, conditions of manifest.json
python run.py --check                compare this computer with the one that made the model
--exact with any of these            exact int8 sums on processors without VNNI, but slower

Prompts use the ChatML template if the model has one; other models continue the text.
onnxruntime-genai runs this folder, too.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the files next to this one, also with -I

import numpy as np
import onnxruntime
import self_check
from tokenizers import Tokenizer

HERE = Path(__file__).parent
MODEL = json.loads((HERE / "genai_config.json").read_text(encoding="utf-8"))["model"]
MANIFEST = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
CONDITIONS = MANIFEST["conditions"]
CONTEXT, ENDS, MOST = MODEL["context_length"], MODEL["eos_token_id"], 256
SETTINGS = HERE / "tokenizer_config.json"
CHATML = SETTINGS.is_file() and "<|im_start|>" in json.loads(
    SETTINGS.read_text(encoding="utf-8")
).get("chat_template", "")

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = CONDITIONS["threads"]
if EXACT := "--exact" in sys.argv[1:]:
    sys.argv.remove("--exact")
    options.add_session_config_entry("session.x64quantprecision", "1")
session = onnxruntime.InferenceSession(
    str(HERE / "model.onnx"), options, providers=["CPUExecutionProvider"]
)
tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
TYPES = {"tensor(float)": np.float32, "tensor(int8)": np.int8}


def compare():
    """The answers on the golden inputs of manifest.json against those stored there."""
    return self_check.compare(MANIFEST["check"], logits, lambda text: tokenizer.encode(text).ids)


def logits(ids):
    """Logits [vocabulary] of the token after a list of token ids."""
    feed = {
        entry.name: np.zeros((1, entry.shape[1], 0, entry.shape[3]), dtype=TYPES[entry.type])
        for entry in session.get_inputs()
        if entry.name.startswith("past_key_values.")
    }
    ids = np.array([ids], dtype=np.int64)
    return session.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids), **feed})[
        0
    ].reshape(-1)


def tokens(prompt, most=MOST, ends=ENDS):
    """Token ids after those of `prompt`, chosen greedily; the cache is extended in place."""
    if len(prompt) >= CONTEXT:
        sys.exit(f"The text has {len(prompt)} tokens, but the model reads at most {CONTEXT - 1}.")
    room = min(CONTEXT, len(prompt) + most)
    binding = session.io_binding()
    for entry in session.get_inputs():
        if entry.name.startswith("past_key_values."):
            shape = (1, entry.shape[1], room, entry.shape[3])
            buffer = onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros(shape, dtype=TYPES[entry.type])
            )
            binding.bind_ortvalue_input(entry.name, buffer)
            binding.bind_ortvalue_output(entry.name.replace("past_key_values", "present"), buffer)
    logits = np.empty((1, 1, session.get_outputs()[0].shape[-1]), dtype=np.float32)
    binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(logits))
    ids, total = np.array([prompt], dtype=np.int64), 0
    while total + ids.shape[1] < room:
        total += ids.shape[1]
        binding.bind_cpu_input("input_ids", ids)
        binding.bind_cpu_input("attention_mask", np.ones((1, total), dtype=np.int64))
        session.run_with_iobinding(binding)
        token = int(logits[0, -1].argmax())
        if token in ends:
            return
        yield token
        ids = np.array([[token]], dtype=np.int64)


def answer(text):
    """Print the answer to a text while it is generated, and return it."""
    written, ids = "", []
    for token in tokens(tokenizer.encode(text).ids):
        ids.append(token)
        now = tokenizer.decode(ids)
        if not now.endswith("\ufffd"):  # an incomplete character
            print(now[len(written) :], end="", flush=True)
            written = now
    print("" if len(ids) < MOST else f" [cut at {MOST} tokens]")
    return written


def read_message():
    try:
        return input("> ")
    except EOFError:
        return ""


def as_prompt(text):
    """A message in the model's chat format."""
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n" if CHATML else text


def chat():
    history = ""
    while text := read_message():
        history += as_prompt(text)
        history += answer(history) + ("<|im_end|>\n" if CHATML else "")


def timed(count=64):
    """Milliseconds to the first token, and the median of those between tokens."""
    prompt = (
        np.random.default_rng(0)
        .integers(MODEL["vocab_size"] // 2, MODEL["vocab_size"], size=CONDITIONS["sequence"])
        .tolist()
    )
    for _ in range(2):
        moments = [time.perf_counter()]
        moments += [time.perf_counter() for _ in tokens(prompt, count, ends=())]
    steps = np.diff(moments) * 1000
    return steps[0], float(np.median(steps[1:]))


if __name__ == "__main__":
    if sys.argv[1:2] in (["--check"], ["--time"]) and sys.argv[2:]:
        sys.exit(f"run.py: {sys.argv[1]} has no arguments, but got {sys.argv[2]}.")
    if sys.argv[1:2] not in ([], ["--check"], ["--time"], ["--help"]) and sys.argv[1][:2] == "--":
        sys.exit(f"run.py: there is no option {sys.argv[1]}.")
    if sys.argv[1:] == ["--check"]:
        sys.exit(self_check.check(MANIFEST, onnxruntime.__version__, compare, exact=EXACT))
    if sys.argv[1:] not in (["-h"], ["--help"]) and not EXACT:
        self_check.first_run(MANIFEST, onnxruntime.__version__, compare)
    if sys.argv[1:] == ["--time"]:
        first, later = timed()
        print(
            f"{first:.1f} ms to the first token after a prompt of {CONDITIONS['sequence']}, then"
            f" {later:.2f} ms a token"
        )
    elif sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
    elif sys.argv[1:]:
        answer(as_prompt(" ".join(sys.argv[1:])))
    else:
        chat()
