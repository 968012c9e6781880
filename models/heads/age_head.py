"""The age head: embeddings of heads in, ages out; without a pixel spacing it refuses and says so."""

from pathlib import Path

import torch

from ..encoder import Features
from .age_decoder import AgeDecoder
from .age_text import AgeTexts, prompt_spacing
from .gestational_age import NO_SPACING, Age, NoAge, zero_shot_days
from .head_file import ForeignHeadError
from .zero_shot import LOGIT_SCALE

NOT_YET = "the sentences for this pixel spacing are being embedded"


class AgeHead:
    """Ages of pictures that show a head; which pictures do is for the plane head to say.

    Args:
        texts: the sentences of each spacing.
        decoder: fitted on the answers to these sentences by these weights; None answers by the published rule.

    Raises:
        ForeignHeadError: the decoder belongs to other weights or other sentences.
    """

    def __init__(self, texts: AgeTexts, *, decoder: AgeDecoder | None = None) -> None:
        if decoder is not None and decoder.encoder.sha256 != texts.identity.sha256:
            raise ForeignHeadError(f"the age decoder was fitted on other weights ({decoder.encoder.name})")
        if decoder is not None and decoder.prompts_sha256 != texts.templates.sha256:
            raise ForeignHeadError("the age decoder was fitted on the answers to other sentences")
        self.texts = texts
        self.decoder = decoder

    @classmethod
    def load(cls, texts: AgeTexts, decoder: Path) -> "AgeHead":
        """With the decoder of a file."""
        sentences = texts.templates.sha256
        return cls(texts, decoder=AgeDecoder.load(decoder, encoder=texts.identity, prompts_sha256=sentences))

    @torch.no_grad()
    def __call__(
        self, features: Features, *, spacing_mm: float | None, width_px: int, height_px: int, wait: bool = True
    ) -> list[Age | NoAge]:
        """Features of b pictures of one size and one spacing -> b answers.

        Args:
            features: as the encoder gives them.
            spacing_mm: millimetres per pixel of the picture as the source gave it; None when nobody knows.
            width_px, height_px: size of that picture.
            wait: False never waits for the text tower: until a new spacing is embedded the answer is `NOT_YET`.
        """
        count = len(features.embedding)
        if spacing_mm is None:
            return [NoAge(reason=NO_SPACING)] * count
        spacing = prompt_spacing(spacing_mm, width_px=width_px, height_px=height_px)
        table = self.texts.table(spacing) if wait else self.texts.soon(spacing)
        if table is None:
            return [NoAge(reason=NOT_YET)] * count
        scores = LOGIT_SCALE * features.unit().float() @ table.to(features.embedding.device).T
        similarity = scores.cpu().numpy()
        if self.decoder is not None:
            return self.decoder(similarity)
        return [Age(days=float(days)) for days in zero_shot_days(similarity)]
