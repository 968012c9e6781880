"""The training run: an endless stream of views, the teacher beside the student, checkpoints to go on from."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..compact_net import EMBEDDING_DIM, INHERITED_DIM, CompactNet, standardise
from ..device import pick_dtype
from ..encoder import ModelError
from .inherit import inherit, settle
from .losses import feature_loss, label_loss, map_loss, membership, teacher_loss
from .pictures import Example, PhantomMaker, Split
from .stream import LABELS, View, ViewMaker
from .teacher import Teacher, stack_greys

_NEW_FACTOR = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run, wholly.

    Attributes:
        steps: batches.
        batch: views per step.
        rate: peak learning rate of AdamW for what is inherited (a cosine to 2 % of it); new parts learn faster.
        early_share: after this share of the run the first two stages rest, after five times as much the third too.
        still_share: last share of the run in which batch norm keeps its figures, as it will in use.
        seed: of everything random.
        checkpoint_every: steps between checkpoints.
        workers: processes that make views.
        first_look: views from which batch norm gets its first figures.
    """

    steps: int = 2000
    batch: int = 32
    rate: float = 3e-4
    early_share: float = 0.1
    still_share: float = 0.3
    seed: int = 0
    checkpoint_every: int = 100
    workers: int = 1
    first_look: int = 160


Report = Callable[[int, Mapping[str, float]], None]
"""Steps done and running losses: called after every step."""


class Student(nn.Module):
    """Network and classes, as they are trained."""

    def __init__(self) -> None:
        super().__init__()
        self.network = CompactNet(norm=True)
        self.head = nn.Linear(EMBEDDING_DIM, len(LABELS))


class _Batches(Dataset[list[View]]):
    """Number of a step -> its views."""

    def __init__(self, maker: ViewMaker, *, first: int, last: int, batch: int) -> None:
        self._maker, self._first, self._last, self._batch = maker, first, last, batch

    def __len__(self) -> int:
        return self._last - self._first

    def __getitem__(self, index: int) -> list[View]:
        start = (self._first + index) * self._batch
        return [self._maker(number) for number in range(start, start + self._batch)]


def _calm_worker(_: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _batches(maker: ViewMaker, settings: Settings, *, first: int, last: int) -> Iterator[list[View]]:
    dataset = _Batches(maker, first=first, last=last, batch=settings.batch)
    loader: DataLoader[list[View]] = DataLoader(
        dataset,
        batch_size=None,
        num_workers=settings.workers,
        worker_init_fn=_calm_worker,
        prefetch_factor=6 if settings.workers else None,
        collate_fn=_as_it_is,
        multiprocessing_context="spawn" if settings.workers else None,  # OpenCV and OpenMP do not survive a fork
    )
    return iter(loader)


def _as_it_is(views: list[View]) -> list[View]:
    return views


class Distillation:
    """A run that can stop and go on: its state is the checkpoint in ``out_dir``."""

    def __init__(
        self,
        examples: list[Example],
        teacher_path: Path,
        out_dir: Path,
        *,
        settings: Settings,
        phantom: PhantomMaker | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.device = torch.device(device)
        self.out_dir = out_dir
        # as in use: float16 has too narrow a range to train in
        self._low = torch.bfloat16 if pick_dtype("auto", self.device) is not torch.float32 else torch.float32
        self.teacher = Teacher(teacher_path, device=self.device, dtype=self._low)
        self.student = Student().to(self.device)
        self.student.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's own overload gap
        training = [example for example in examples if example.split is Split.TRAIN]
        self._maker = ViewMaker(training, phantom=phantom, seed=settings.seed)
        self._table = membership(self.device)
        network = self.student.network
        inherited = [*network.stages.parameters(), *network.squeeze.parameters()]
        new = [*network.context.parameters(), *self.student.head.parameters()]
        self._optimiser = torch.optim.AdamW([{"params": inherited}, {"params": new}], weight_decay=0.01)
        self.average = {key: value.detach().clone() for key, value in self.student.state_dict().items()}
        self._scales: dict[str, Tensor] = {}
        self.step = 0

    def run(self, report: Report, *, until: int | None = None) -> None:
        """Goes on from the checkpoint, if there is one, to the last step (or to ``until``)."""
        if self._checkpoint.exists():
            self._resume()
        else:
            self._make_folder()
            self._begin()
        last = min(until or self.settings.steps, self.settings.steps)
        losses: dict[str, float] = {}
        for views in _batches(self._maker, self.settings, first=self.step, last=last):
            for name, value in self._learn(views).items():
                losses[name] = value if name not in losses else 0.98 * losses[name] + 0.02 * value
            self.step += 1
            report(self.step, losses)
            if self.step % self.settings.checkpoint_every == 0 or self.step == last:
                self._save()

    def averaged(self) -> Student:
        """The student with its running-average weights, which do better than the last ones."""
        student = Student()
        student.load_state_dict(self.average)
        return student.eval()

    @property
    def _checkpoint(self) -> Path:
        return self.out_dir / "checkpoint.pt"

    def _make_folder(self) -> None:
        try:
            self.out_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"{self.out_dir} cannot be made a folder: {error.strerror}") from error

    def _begin(self) -> None:
        """The student takes over what the teacher has, and batch norm its figures on a first look at the views."""
        start = 10**9  # numbers far from the run's own, so that no view is met twice
        views = [self._maker(start + number) for number in range(self.settings.first_look)]
        opinion = self.teacher(stack_greys([view.teacher for view in views if view.teacher is not None]))
        self._scales = {
            "pooled": opinion.pooled.std(0).clamp_min(0.1 * opinion.pooled.std(0).mean()),
            "map": opinion.feature_map.std((0, 2, 3)).clamp_min(0.1 * opinion.feature_map.std()),
        }
        inherit(self.student.network, self.student.head, self.teacher.network)
        settle(self.student.network, self._input(views))
        self.average = {key: value.detach().clone() for key, value in self.student.state_dict().items()}
        self._save()

    def _learn(self, views: list[View]) -> dict[str, float]:
        progress = self.step / self.settings.steps
        self._set_modes(progress)
        rate = self.settings.rate * _cosine(progress, warm=0.03)
        for group, factor in zip(self._optimiser.param_groups, (1.0, _NEW_FACTOR), strict=True):
            group["lr"] = factor * rate
        taught = [i for i, view in enumerate(views) if view.teacher is not None]
        opinion = self.teacher(stack_greys([t for view in views if (t := view.teacher) is not None]))
        allowed = torch.from_numpy(np.stack([view.allowed for view in views])).to(self.device)
        windows = torch.tensor([views[i].window for i in taught], device=self.device)
        with self._autocast():
            embedding, squeezed = self.student.network.pool(self.student.network.trunk(self._input(views)))
        logits = self.student.head(embedding.float())
        parts = {
            "label": label_loss(logits, allowed).mean(),
            "teacher": teacher_loss(logits[taught], opinion.logits, allowed[taught], self._table).mean(),
            "feature": feature_loss(embedding[taught, :INHERITED_DIM], opinion.pooled, self._scales["pooled"]).mean(),
            "map": map_loss(squeezed[taught], opinion.feature_map, windows, self._scales["map"]).mean(),
        }
        loss = parts["label"] + parts["teacher"] + 0.5 * parts["feature"] + 0.5 * parts["map"]
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self._optimiser.step()
        self._follow(keep=min(0.998, (1 + self.step) / (10 + self.step)))
        return {name: float(part.detach()) for name, part in parts.items()}

    def _set_modes(self, progress: float) -> None:
        """What low layers see is the same for every picture: they settle first, and half of the work falls away."""
        self.student.train()
        resting = sum(progress >= self.settings.early_share * times for times in (1, 1, 5))
        self.student.network.stages[:resting].requires_grad_(False).eval()
        if progress >= 1 - self.settings.still_share:
            for module in self.student.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    @torch.no_grad()
    def _follow(self, keep: float) -> None:
        for key, value in self.student.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - keep)

    def _input(self, views: list[View]) -> Tensor:
        squares = stack_greys([view.student for view in views]).to(self.device, torch.float32)
        return standardise(squares).contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._low is torch.bfloat16)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "settings": json.dumps(asdict(self.settings)),
            "student": self.student.state_dict(),
            "average": self.average,
            "optimiser": self._optimiser.state_dict(),
            "scales": self._scales,
        }
        fresh = self._checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self._checkpoint)  # a run killed while writing keeps its last whole checkpoint

    def _resume(self) -> None:
        try:
            state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
            raise ModelError(f"{self._checkpoint} cannot be read; remove it to begin anew") from error
        settings = json.dumps(asdict(self.settings))
        if state["settings"] != settings:
            raise ModelError(
                f"{self._checkpoint} was made with {state['settings']}, not {settings}; use another folder"
            )
        self.student.load_state_dict(state["student"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.average, self._scales, self.step = state["average"], state["scales"], state["step"]


def _cosine(progress: float, *, warm: float) -> float:
    if progress < warm:
        return progress / warm + 1e-3
    return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * min(progress, 1.0))))
