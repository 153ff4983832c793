"""The check of a user's model before a trial is queued: a program without arguments.

It reads a `ModelRef` as JSON from stdin and prints {"problems": [sentence, ...]} as the last line
of stdout. `sources/check.py` starts it. To add a check that needs the loaded model, add the import
name of a module with the function of `ModelCheck` to `CHECKS`.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any, Protocol, cast

from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.decoder.support import check_supported
from paretoscope.models.pretrained import trained
from paretoscope.models.tokenizer import check_inputs, own_tokenizer, tokenizer_json
from paretoscope.sources.ref import ModelRef

CHECKS: tuple[str, ...] = ("paretoscope.graphs.check",)
"""Modules with further checks, by import name, because their folders may import this one."""


class ModelCheck(Protocol):
    """A module of `CHECKS`."""

    def problems(self, ref: ModelRef, model: PreTrainedModel, /) -> list[str]:
        """What is wrong with the model, one sentence each: what, where, what to do.

        `model` is in fp32 and eval mode, and must not be changed.
        """
        ...


def check_model(ref: ModelRef) -> list[str]:
    """All problems of a model: those of its weights, else of its config, tokenizer and `CHECKS`."""
    try:
        model = trained(ref)
    except ModelError as error:
        return [str(error)]
    except MemoryError:
        return [f'"{ref.name}" needs more memory in fp32 than is free; free some memory.']
    found: list[str] = []
    try:
        if ref.architecture == "decoder":
            check_supported(model.config)
        rows = len(cast(Any, model.get_input_embeddings()).weight)
        own = own_tokenizer(ref)
        check_inputs(ref, own)
        tokenizer_json(ref, own, rows)
    except ModelError as error:
        found.append(str(error))
    for name in CHECKS:
        found += cast(ModelCheck, import_module(name)).problems(ref, model)
    return found


def main() -> None:
    problems = check_model(ModelRef.model_validate_json(sys.stdin.read()))
    print(json.dumps({"problems": problems}))


if __name__ == "__main__":
    main()
