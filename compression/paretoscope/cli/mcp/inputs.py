"""The inputs of the tools, with the descriptions that an agent reads."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from paretoscope.recipes.file import shipped_recipes
from paretoscope.tasks.ref import DataOptions
from paretoscope.trials.request import Conditions, Protocol


class Input(BaseModel):
    """Fields of an input; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid")


class LatencyConditions(Input):
    """Under which conditions the latency is measured."""

    batch: Annotated[int, Field(description="requests in a batch")] = 1
    sequence: Annotated[int, Field(description="tokens per request, or of the prompt")] = 32
    threads: Annotated[int, Field(description="threads of the runtime")] = 2

    def conditions(self) -> Conditions:
        return Conditions.model_validate(self.model_dump())


class DataFile(Input):
    """How a data file is read."""

    text_column: Annotated[str | None, Field(description="default: guessed by name")] = None
    label_column: Annotated[str | None, Field(description="default: guessed by name")] = None
    encoding: str = "utf-8"
    delimiter: Annotated[
        str | None, Field(description="one character between columns; default: guessed")
    ] = None
    unlabelled: Annotated[
        str | None, Field(description="file of further texts, for recipes that train on them")
    ] = None
    max_length: Annotated[
        int | None, Field(description="longest text in tokens; longer ones are truncated")
    ] = None
    labels: Annotated[
        tuple[str, ...] | None, Field(description="in the order of the model's outputs")
    ] = None
    split_column: Annotated[
        str | None, Field(description="names the split of each row; default: split by hash")
    ] = None
    group_column: Annotated[str | None, Field(description="rows of a group stay in one split")] = (
        None
    )
    drop_missing: Annotated[bool, Field(description="drop rows without a label")] = False

    def options(self) -> DataOptions:
        return DataOptions.model_validate(self.model_dump())


class Limits(Input):
    """Limits of a recommendation; one that is null does not apply."""

    max_drop: Annotated[
        float | None, Field(description="points of accuracy, or per cent of perplexity")
    ] = None
    max_latency_ms: Annotated[
        float | None, Field(description="median; time per token for language models")
    ] = None
    max_size_mb: float | None = None


Model = Annotated[
    str,
    Field(description="a built-in name, an absolute path of a folder or GGUF file, or a hub id"),
]
GivenTask = Annotated[
    str | None,
    Field(description="a built-in task or the absolute path of a data file (default: the model's)"),
]
GivenRecipe = Annotated[
    dict[str, Any] | str | None,
    Field(
        description=(
            'fields of a recipe, such as {"stages": [{"kind": "prune-structure", "target": "ffn",'
            ' "ratio": 0.5, "retrain_epochs": 2}, {"kind": "quantize", "scheme": "int8-dynamic"}]},'
            " the path of a YAML or JSON file, or one of the shipped recipes"
            f" ({', '.join(shipped_recipes())}); without one the original is measured"
        )
    ),
]
GivenConditions = Annotated[
    LatencyConditions | None, Field(description="conditions of the latency")
]
GivenProtocol = Annotated[Protocol, Field(description="standard measures longer than quick")]
GivenLimits = Annotated[Limits | None, Field(description="limits of the recommendation")]
GivenData = Annotated[DataFile | None, Field(description="how a data file is read")]
Trial = Annotated[str, Field(description="id of a trial, or at least its first 4 characters")]
