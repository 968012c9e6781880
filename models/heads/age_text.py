"""What the age head is told: sentences for each of 175 days and each pixel spacing, embedded once and kept.

The score of a day is the mean over templates of 100 * cosine. A mean of cosines is the cosine's numerator with the mean
of the unit sentences, so a table of 175 rows per spacing says all that 5 x 175 sentences say, and one picture costs one
small matrix product. A new spacing (the depth knob) costs 875 sentences once; `AgeTexts.soon` embeds them beside the
stream, and the disk remembers them for the next.
"""

import hashlib
import json
import math
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from threading import Event, Lock
from typing import cast

import torch
import yaml
from einops import reduce
from torch import Tensor
from torch.nn.functional import normalize

from ..encoder import ModelError, TextEncoder
from ..outputs import ModelIdentity
from ..text_cache import embed_texts
from .gestational_age import AGE_DAYS

BUILT_IN = "gestational_age"
_FIELDS = ("{weeks}", "{days}", "{spacing}")
_PROMPT_SIDE_PX = 224
_TABLES_KEPT = 64


def prompt_spacing(spacing_mm: float, *, width_px: int, height_px: int) -> str:
    """mm per pixel of the source -> what the sentences say: that of the padded picture at 224 px, two decimals.

    The 224 is that of the published prompts, whatever size a model's own input has.

    Raises:
        ModelError: a spacing that is no length, or a picture without size.
    """
    if not (math.isfinite(spacing_mm) and spacing_mm > 0):
        raise ModelError(f"a pixel spacing is a length above 0 mm, not {spacing_mm}")
    if width_px < 1 or height_px < 1:
        raise ModelError(f"a picture has a width and a height, not {width_px} x {height_px} px")
    return f"{max(width_px, height_px) / _PROMPT_SIDE_PX * spacing_mm:.2f}"


class AgeTemplates:
    """Sentences with places for {weeks}, {days} and {spacing}."""

    def __init__(self, templates: Sequence[str], *, name: str) -> None:
        for template in templates:
            if missing := [field for field in _FIELDS if field not in template]:
                raise ModelError(f"{name}: {template[:60]!r} lacks {', '.join(missing)}")
            try:
                template.format(weeks=14, days=0, spacing="0.10")
            except (KeyError, IndexError, ValueError) as error:
                allowed = ", ".join(_FIELDS)
                raise ModelError(f"{name}: {template[:60]!r} has places other than {allowed}") from error
        if not templates:
            raise ModelError(f"{name} holds no sentence")
        self.templates = tuple(templates)

    @property
    def sha256(self) -> str:
        """Of the sentences: a decoder fitted on the answers to others means nothing."""
        return hashlib.sha256(json.dumps(self.templates).encode()).hexdigest()

    def sentences(self, spacing: str) -> list[list[str]]:
        """For each template 175 of them, day by day."""
        return [
            [template.format(weeks=day // 7, days=day % 7, spacing=spacing) for day in map(int, AGE_DAYS)]
            for template in self.templates
        ]


def load_age_templates(source: str | Path = BUILT_IN) -> AgeTemplates:
    """ "gestational_age", or a YAML or JSON file that lists sentences.

    Raises:
        ModelError: one line that names the file and what was expected.
    """
    try:
        text = (
            files("fetalstream.configs").joinpath("prompts", f"{BUILT_IN}.yaml").read_text(encoding="utf-8")
            if source == BUILT_IN
            else Path(source).read_text(encoding="utf-8")
        )
        content: object = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"age prompts are {BUILT_IN} or a file, not {str(source)!r} ({type(error).__name__})"
        ) from error
    except yaml.YAMLError as error:
        raise ModelError(f"{source} is neither YAML nor JSON: {' '.join(str(error).split())}") from error
    lines = cast("list[object]", content) if isinstance(content, list) else []
    if not lines or not all(isinstance(line, str) for line in lines):
        raise ModelError(f"{source} is a list of sentences with {', '.join(_FIELDS)}, not {str(content)[:60]!r}")
    return AgeTemplates(cast("list[str]", lines), name=str(source))


class AgeTexts:
    """The table of each spacing: in memory, else on disk, else from the text tower.

    Args:
        templates: the sentences.
        tower: the text tower; asked only for spacings that no cache holds.
        folder: of the cache on disk, by default ``text`` in `home`.
    """

    def __init__(self, templates: AgeTemplates, tower: TextEncoder, *, folder: Path | None = None) -> None:
        self.templates = templates
        self._tower = tower
        self._folder = folder
        self._tables: OrderedDict[str, Tensor] = OrderedDict()
        self._coming: dict[str, Future[Tensor]] = {}
        self._worker: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._tower_lock = Lock()
        self._closed = Event()

    @property
    def identity(self) -> ModelIdentity:
        """Of the weights that speak."""
        return self._tower.identity

    def table(self, spacing: str) -> Tensor:
        """-> (175 d), means of unit sentences, themselves shorter than 1. Waits for the text tower if it must.

        Raises `ModelError` when the text tower fails, or when `close` interrupts it.
        """
        if (table := self._known(spacing)) is not None:
            return table
        with self._tower_lock:
            if (table := self._known(spacing)) is None:
                table = mean_over_templates([self._embedded(own) for own in self.templates.sentences(spacing)])
                with self._lock:
                    self._tables[spacing] = table
                    if len(self._tables) > _TABLES_KEPT:
                        self._tables.popitem(last=False)
        return table

    def _embedded(self, sentences: list[str]) -> Tensor:
        """One template's, from the cache or the tower: what a closed stream leaves half done is not done again."""
        if self._closed.is_set():
            raise ModelError("the sentences were not needed any more")
        try:
            return embed_texts(self._tower, sentences, folder=self._folder)
        except RuntimeError as error:  # such as an accelerator whose memory is full
            raise ModelError(f"the text tower failed: {' '.join(str(error).split())[:200]}") from error

    def soon(self, spacing: str) -> Tensor | None:
        """-> (175 d) if it is there; else None, and it is being made beside the caller. Never waits.

        Raises `ModelError` once when the text tower has failed; the next call asks it again.
        """
        if (table := self._known(spacing)) is not None:
            return table
        with self._lock:
            coming = self._coming.get(spacing)
            if coming is None:
                self._worker = self._worker or ThreadPoolExecutor(
                    max_workers=1, thread_name_prefix="age-texts", initializer=_leave_cores_to_the_stream
                )
                self._coming[spacing] = self._worker.submit(self.table, spacing)
                return None
        if not coming.done():
            return None
        with self._lock:
            self._coming.pop(spacing, None)
        return coming.result()

    def close(self) -> None:
        """Gives up what has not begun, and what has after the template it is at. Waits for nothing."""
        self._closed.set()
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)

    def _known(self, spacing: str) -> Tensor | None:
        with self._lock:
            if (table := self._tables.get(spacing)) is not None:
                self._tables.move_to_end(spacing)
                self._coming.pop(spacing, None)
            return table


def mean_over_templates(sentences: Sequence[Tensor]) -> Tensor:
    """(175 d) for each template -> (175 d): normalised, averaged, *not* normalised again."""
    return reduce(torch.stack([normalize(own.float(), dim=-1) for own in sentences]), "t n d -> n d", "mean")


def _leave_cores_to_the_stream() -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
