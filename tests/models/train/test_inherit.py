from pathlib import Path

import torch
from torch import nn

from fetalstream.models.compact_net import EMBEDDING_DIM, CompactNet, standardise
from fetalstream.models.sononet import CLASSES, SonoNet16, normalise, read_network
from fetalstream.models.train.inherit import NEAREST, inherit, settle
from fetalstream.models.train.stream import LABELS

NAMES = [name for _, name in CLASSES]


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 224, 224, generator=torch.Generator().manual_seed(seed)) * 200


def student_of(teacher: SonoNet16) -> tuple[CompactNet, nn.Linear]:
    torch.manual_seed(0)
    network, head = CompactNet(norm=True).eval(), nn.Linear(EMBEDDING_DIM, len(LABELS))
    inherit(network, head, teacher)
    return network, head


def test_at_birth_the_student_says_what_the_teacher_says(teacher_file: Path):
    teacher = read_network(teacher_file)
    network, head = student_of(teacher)
    with torch.inference_mode():
        theirs = teacher.classify(teacher(normalise(pictures(2)))).mean((2, 3))
        ours = head(network(standardise(pictures(2)))[0])
    for column, label in enumerate(LABELS):
        if label not in NEAREST:
            torch.testing.assert_close(ours[:, column], theirs[:, NAMES.index(label)], rtol=1e-3, atol=1e-3)


def test_what_the_teacher_cannot_tell_apart_starts_behind_its_nearest(teacher_file: Path):
    network, head = student_of(read_network(teacher_file))
    with torch.inference_mode():
        logits = head(network(standardise(pictures(1)))[0])[0]
    for label, nearest in NEAREST.items():
        assert logits[LABELS.index(label)] < logits[LABELS.index(nearest)]


def test_settling_changes_no_output_and_gives_kernels_of_usual_size(teacher_file: Path):
    network, _ = student_of(read_network(teacher_file))
    with torch.inference_mode():
        before = network(standardise(pictures(2, seed=1)))[0]
        settle(network, standardise(pictures(4)))
        after = network(standardise(pictures(2, seed=1)))[0]
    torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-3)
    with torch.inference_mode():
        settled = standardise(pictures(4))
        first = network.stages[0][0].conv(settled)  # pyright: ignore[reportIndexIssue, reportCallIssue, reportAttributeAccessIssue]
    torch.testing.assert_close(first.std((0, 2, 3)), torch.ones(16), rtol=1e-2, atol=1e-2)
