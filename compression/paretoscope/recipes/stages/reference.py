"""Reference points: classifiers that are not transformers, for the question "why not that?"."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from paretoscope.recipes.stages.stage import Stage, Strategy

Features = Literal["tf-idf", "token-embeddings"]
LABELS: dict[Features, str] = {"tf-idf": "TF-IDF", "token-embeddings": "Token embeddings"}
"""Short names by features."""


class Reference(Stage, frozen=True):
    """Logistic regression on fixed features, fitted on the training split in place of the model.

    The features are computed from the tokens of the model's own tokenizer: TF-IDF of single tokens
    and pairs (Salton and Buckley 1988, doi:10.1016/0306-4573(88)90021-0), or the mean of the
    model's word embeddings (Iyyer et al. 2015, doi:10.3115/v1/P15-1162). It must be the only stage.
    """

    strategy: ClassVar[Strategy] = "reference"
    title: ClassVar[str] = "Reference point"
    module: ClassVar[str] = "paretoscope.references.fit"

    kind: Literal["reference"] = "reference"
    features: Annotated[
        Features,
        Field(
            description=(
                "tf-idf: single tokens and pairs of tokens that at least two training texts have,"
                " weighted by TF-IDF; token-embeddings: mean of the model's word embeddings"
            )
        ),
    ] = "tf-idf"

    def essentials(self) -> tuple[str, ...]:
        return ("features",)

    def in_words(self) -> str:
        """
        >>> Reference().in_words(), Reference(features="token-embeddings").in_words()
        ('TF-IDF + logistic regression', 'token embeddings + logistic regression')
        """
        label = LABELS[self.features]
        name = label if self.features == "tf-idf" else label[0].lower() + label[1:]
        return f"{name} + logistic regression"
