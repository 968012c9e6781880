import pytest
import torch

from fetalstream.models.sononet import CLASSES
from fetalstream.models.train.losses import feature_loss, label_loss, map_loss, membership, teacher_loss
from fetalstream.models.train.stream import LABELS

NAMES = [name for _, name in CLASSES]


def logits_for(**values: float) -> torch.Tensor:
    logits = torch.zeros(1, len(LABELS))
    for label, value in values.items():
        logits[0, LABELS.index(label)] = value
    return logits


def mask(*labels: str) -> torch.Tensor:
    return torch.tensor([[label in labels for label in LABELS]])


def test_every_label_belongs_to_one_class_of_the_teacher():
    table = membership()
    assert torch.equal(table.sum(dim=1), torch.ones(len(LABELS)))
    assert table[LABELS.index("transthalamic"), NAMES.index("transventricular")] == 1
    assert table[LABELS.index("cervix"), NAMES.index("background")] == 1


def test_where_everything_is_allowed_the_label_says_nothing():
    assert float(label_loss(torch.randn(1, len(LABELS)), mask(*LABELS))) == pytest.approx(0, abs=1e-6)


def test_any_allowed_label_satisfies():
    heart = mask("four_chamber", "lvot", "rvot", "three_vessel")
    right, wrong = label_loss(logits_for(lvot=12), heart), label_loss(logits_for(femur=12), heart)
    assert float(right) < 0.01
    assert float(wrong) > 5


def test_agreement_with_the_teacher_costs_nothing():
    teacher = torch.randn(1, len(CLASSES), generator=torch.Generator().manual_seed(0))
    wanted = (teacher / 2).softmax(dim=1) @ membership().T  # each label gets its class's share ...
    logits = 2 * (wanted / membership().sum(dim=0)[membership().argmax(dim=1)]).log()  # ... divided among its labels
    assert float(teacher_loss(logits, teacher, mask(*LABELS), membership())) == pytest.approx(0, abs=1e-4)


def test_the_teacher_is_not_heard_on_what_the_label_rules_out():
    teacher = torch.full((1, len(CLASSES)), -5.0)
    teacher[0, NAMES.index("background")] = 9  # it overlooks the femur
    known = teacher_loss(logits_for(femur=9), teacher, mask("femur"), membership())
    unknown = teacher_loss(logits_for(femur=9), teacher, mask(*LABELS), membership())
    assert float(known) == pytest.approx(0, abs=1e-4)
    assert float(unknown) > 1


def test_gradients_stay_finite_when_the_teacher_is_certain():
    teacher = torch.full((1, len(CLASSES)), -80.0)
    teacher[0, 0] = 80
    logits = logits_for(femur=50).requires_grad_()
    teacher_loss(logits, teacher, mask(*LABELS), membership()).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_features_are_compared_in_units_of_their_spread():
    assert float(feature_loss(torch.zeros(1, 2), torch.tensor([[2.0, 20.0]]), torch.tensor([2.0, 20.0]))) == 1.0


def test_maps_are_compared_where_both_look_at_the_same_place():
    ramp = torch.linspace(0, 1, 56).expand(1, 1, 56, 56)
    window = torch.tensor([[0.25, 0.25, 0.75, 0.75]])
    inside = torch.nn.functional.interpolate(ramp[..., 14:42, 14:42], size=(14, 18), mode="bilinear")
    near = map_loss(ramp, inside, window, torch.ones(1))
    far = map_loss(ramp, inside, torch.tensor([[0.0, 0.0, 0.5, 0.5]]), torch.ones(1))
    assert float(near) < 1e-4
    assert float(far) > 0.05
