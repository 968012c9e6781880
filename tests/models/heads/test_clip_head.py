"""The law of the heart head: what is saved is what is loaded, for its own encoder and its own clips only."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.clip_answer import Calibration
from fetalstream.models.heads.clip_head import EMBEDDED, ClipHead, ClipRecipe, find_head
from fetalstream.models.heads.clip_nets import NET_KINDS, NetKind, build_net
from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.models.heads.head_file import ForeignHeadError
from fetalstream.models.outputs import ModelIdentity

ENCODER = ModelIdentity(name="grey", sha256="a" * 64)
TIMING = ClipTiming(frames=6, seconds=0.6, stride_seconds=0.2)
DIM = 5


def head(kind: NetKind = "conv", *, members: int = 3) -> ClipHead:
    torch.manual_seed(3)
    nets = [build_net(kind, dim=DIM, width=8) for _ in range(members)]
    return ClipHead(
        nets,
        recipe=ClipRecipe(
            net=kind, dim=DIM, width=8, timing=TIMING, encoder=ENCODER, normal="normal", affected=("defect",),
            patients=40, clips=120, trained_on="invented hearts",
        ),
        calibration=Calibration(slope=1.5, offset=0.2, prevalence=0.4, threshold=0.3, max_spread=2.0, max_distance=3.0),
        centre=torch.linspace(-1, 1, 2 * DIM).reshape(2, DIM),
        scale=torch.full((2, DIM), 2.0),
        seen=np.arange(16, dtype=np.uint8).reshape(2, 8),
    )  # fmt: skip


def clips(count: int = 4) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, TIMING.frames, DIM)).astype(np.float32)


@pytest.mark.parametrize("kind", NET_KINDS)
def test_what_is_saved_is_what_is_loaded(kind: NetKind, tmp_path: Path):
    saved = head(kind)
    saved.save(tmp_path / "head.safetensors")
    loaded = ClipHead.load(tmp_path / "head.safetensors", encoder=ENCODER)
    assert loaded.recipe == saved.recipe
    assert loaded.calibration == saved.calibration
    assert np.array_equal(loaded.seen, saved.seen)
    assert len(loaded.identity.sha256) == 64
    assert np.allclose(loaded.logits(clips()), saved.logits(clips()), atol=5e-3)  # half precision on disk


@pytest.mark.parametrize("kind", NET_KINDS)
def test_a_clip_is_judged_alike_alone_and_in_company(kind: NetKind):
    subject, several = head(kind), clips(7)
    alone = np.concatenate([subject.logits(several[i : i + 1]) for i in range(7)], axis=1)
    assert np.allclose(subject.logits(several), alone, atol=1e-5)


def test_attention_reads_frames_in_any_order_and_the_convolution_hears_the_order():
    shuffled = clips()[:, [3, 1, 5, 0, 2, 4]]
    assert np.allclose(head("attention").logits(clips()), head("attention").logits(shuffled), atol=1e-5)
    assert np.allclose(head("mean").logits(clips()), head("mean").logits(shuffled), atol=1e-5)
    assert not np.allclose(head("conv").logits(clips()), head("conv").logits(shuffled), atol=1e-3)


def test_the_mean_probe_is_one_linear_layer_on_the_mean_embedding():
    net = build_net("mean", dim=DIM)
    weight, bias = (parameter.detach().numpy() for parameter in net.parameters())
    said = net(torch.from_numpy(clips())).detach().numpy()
    assert np.allclose(said, clips().mean(axis=1) @ weight[0] + bias[0], atol=1e-5)


def test_distance_is_one_for_the_usual_and_grows_with_strangeness():
    subject = head()
    usual = np.broadcast_to((torch.linspace(-1, 1, 2 * DIM)[DIM:] + 2.0).numpy(), (1, TIMING.frames, DIM))
    assert subject.distance(usual.astype(np.float32)) == pytest.approx([1.0])
    assert (subject.distance(clips() + 50) > 10 * subject.distance(clips())).all()


def test_a_head_that_cannot_be_written_is_told_and_harms_no_other(tmp_path: Path):
    with pytest.raises(ModelError, match=r"nowhere/head\.safetensors cannot be written"):
        head().save(tmp_path / "nowhere" / "head.safetensors")
    (tmp_path / "head.safetensors").mkdir()
    with pytest.raises(ModelError, match=r"head\.safetensors cannot be written"):
        head().save(tmp_path / "head.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["head.safetensors"]


def test_another_encoder_is_refused_by_name(tmp_path: Path):
    head().save(tmp_path / "head.safetensors")
    with pytest.raises(ForeignHeadError, match=r"trained on grey \(sha256 aaaaaaaaaaaa\), not on compact"):
        ClipHead.load(tmp_path / "head.safetensors", encoder=ModelIdentity(name="compact", sha256="b" * 64))


@pytest.mark.parametrize("shape", [(4, 5, DIM), (4, TIMING.frames, 4), (0, TIMING.frames, DIM), (TIMING.frames, DIM)])
def test_clips_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ModelError, match=r"reads clips \(n 6 5\) of grey"):
        head().logits(np.zeros(shape, dtype=np.float32))


def test_embeddings_that_are_no_numbers_are_refused():
    broken = clips()
    broken[0, 0, 0] = np.nan
    with pytest.raises(ModelError, match="finite"):
        head().logits(broken)


def spoilt(path: Path, **changes: str) -> Path:
    with safe_open(path, framework="pt") as file:
        metadata, tensors = dict(file.metadata()), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata | changes)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "fetalstream.probe"}, "of kind 'fetalstream.probe'"),
        ({"format_version": "9"}, "format '9'"),
        ({"recipe": "{}"}, "damaged heart head"),
        ({"calibration": '{"slope": "steep"}'}, "damaged heart head"),
        ({"members": "4"}, "does not fit a heart head"),
        ({"encoder_sha256": "c" * 64}, "trained on grey"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(changes: dict[str, str], message: str, tmp_path: Path):
    path = tmp_path / "head.safetensors"
    head().save(path)
    with pytest.raises(ModelError, match=message) as caught:
        ClipHead.load(spoilt(path, **changes), encoder=ENCODER)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"not a head at all"])
def test_a_file_that_is_none_is_told_by_name(content: bytes | None, tmp_path: Path):
    path = tmp_path / "head.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"head\.safetensors"):
        ClipHead.load(path, encoder=ENCODER)


def test_a_recipe_must_say_what_it_was_trained_on():
    with pytest.raises(ModelError, match="says what it was trained on"):
        replace(head().recipe, trained_on="")


def test_the_embedded_head_goes_by_its_name():
    assert find_head("phantom") == EMBEDDED
    assert find_head("heads/own.safetensors") == Path("heads/own.safetensors")
