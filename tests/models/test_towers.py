"""Both towers of a small CLIP model against plain open_clip. Random weights: this proves plumbing, not quality."""

from pathlib import Path
from typing import cast

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fetalstream.models.clip_model import load_clip_model
from fetalstream.models.device import cpu_has_bfloat16
from fetalstream.models.encoder import Features, ModelError
from fetalstream.models.files import MisfitError, load_state_dict, sha256_of
from fetalstream.models.heads.probe import ProbeHead
from fetalstream.models.heads.zero_shot import RejectRule
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.towers import Architecture, Towers, load_towers
from fetalstream.models.trust import trust

SENTENCES = ["the four chambers of a heart", "a thigh", "menus and text"]


@pytest.fixture
def towers(tiny: Architecture, tiny_weights: Path) -> Towers:
    return load_towers(tiny, tiny_weights, device="cpu", dtype="float32")


def plain(architecture: Architecture, weights: Path) -> open_clip.CLIP:
    architecture.build()  # tells open_clip the name
    return cast("open_clip.CLIP", open_clip.create_model(architecture.name, pretrained=str(weights)).eval())


def pictures(count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (40, 50, 3) if n % 2 else (40, 50), dtype=np.uint8) for n in range(count)]


@torch.no_grad()
def test_both_towers_give_what_plain_open_clip_gives(towers: Towers, tiny: Architecture, tiny_weights: Path) -> None:
    reference = plain(tiny, tiny_weights)
    prepared = [towers.image.prepare(picture) for picture in pictures(3)]
    mean, std = (torch.tensor(triple)[:, None, None] for triple in (tiny.spec.mean, tiny.spec.std))
    batch = torch.stack([(picture.float() / 255 - mean) / std for picture in prepared])
    embedding = towers.image.encode(prepared).embedding
    torch.testing.assert_close(embedding, reference.encode_image(batch), atol=1e-5, rtol=1e-5)
    tokens = open_clip.get_tokenizer(tiny.name)(SENTENCES)
    torch.testing.assert_close(towers.text.encode_text(SENTENCES), reference.encode_text(tokens), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_padding_behind_the_longest_sentence_is_not_computed(
    towers: Towers, tiny: Architecture, tiny_weights: Path
) -> None:
    reference, sentences = plain(tiny, tiny_weights), ["a thigh!", "! ! !", "a heart"]
    seen: list[int] = []
    layer = cast("nn.Module", towers.text._model.get_submodule("transformer"))
    layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    given = towers.text.encode_text(sentences)
    tokens = open_clip.get_tokenizer(tiny.name)(sentences)
    torch.testing.assert_close(given, reference.encode_text(tokens), atol=1e-5, rtol=1e-5)
    assert seen == [5]
    longer = towers.text.encode_text(SENTENCES)
    wanted = reference.encode_text(open_clip.get_tokenizer(tiny.name)(SENTENCES))
    torch.testing.assert_close(longer, wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_sentences_are_cut_into_batches_without_a_trace(towers: Towers) -> None:
    many = [f"{sentence} {number}" for number in range(40) for sentence in SENTENCES]
    together = towers.text.encode_text(many)
    assert together.shape == (120, 16)
    torch.testing.assert_close(together[70:71], towers.text.encode_text(many[70:71]), atol=1e-5, rtol=1e-5)


def test_a_picture_gets_the_same_embedding_alone_and_in_any_company(towers: Towers) -> None:
    prepared = [towers.image.prepare(picture) for picture in pictures(5)]  # grey and colour mixed
    together = towers.image.encode(prepared).embedding
    alone = torch.cat([towers.image.encode([picture]).embedding for picture in prepared])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_embeddings_can_train_a_probe(towers: Towers) -> None:
    embedding = towers.image.encode([towers.image.prepare(pictures(1)[0])]).embedding
    layer = nn.Linear(16, 2)
    layer(embedding).sum().backward()
    assert layer.weight.grad is not None


def test_the_identity_names_the_bytes_of_the_file(towers: Towers, tiny_weights: Path) -> None:
    assert towers.image.identity == ModelIdentity(name="tiny", sha256=sha256_of(tiny_weights), version="1")


def test_the_image_tower_outlives_the_file_and_the_text_tower(
    tiny: Architecture, tiny_weights: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(tiny_weights.read_bytes())
    image = load_towers(tiny, weights, device="cpu", dtype="float32").image
    prepared = [image.prepare(picture) for picture in pictures(2)]
    before = image.encode(prepared).embedding
    weights.write_bytes(bytes(weights.stat().st_size))  # a mapped tensor would now be zero
    assert torch.equal(image.encode(prepared).embedding, before)


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_a_cast_tower_computes_in_its_dtype_and_answers_in_float32(
    dtype: str, tiny: Architecture, tiny_weights: Path, towers: Towers
) -> None:
    small = load_towers(tiny, tiny_weights, device="cpu", dtype=dtype).image  # pyright: ignore[reportArgumentType]
    assert small.dtype == (torch.float32 if dtype == "auto" and not cpu_has_bfloat16() else torch.bfloat16)
    prepared = [towers.image.prepare(picture) for picture in pictures(3)]
    embedding = small.encode(prepared).embedding
    assert embedding.dtype == torch.float32
    alike = torch.cosine_similarity(embedding, towers.image.encode(prepared).embedding)
    assert float(alike.min()) > 0.999


def _state(weights: Path, **changes: Tensor | None) -> dict[str, Tensor]:
    state = load_state_dict(weights)
    for name, tensor in changes.items():
        key = name.replace("__", ".")
        state.pop(key)
        if tensor is not None:
            state[key] = tensor
    return state


def test_a_scale_of_one_number_is_taken_with_or_without_a_dimension(
    tiny: Architecture, tiny_weights: Path, tmp_path: Path
) -> None:
    torch.save(_state(tiny_weights, logit_scale=torch.ones(1)), tmp_path / "scale.pt")
    load_towers(tiny, tmp_path / "scale.pt")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visual__proj": None}, r"does not fit TinyCLIP \(\d+ tensors\): 1 missing \(visual.proj\)"),
        ({"visual__proj": torch.zeros(64, 8)}, r"1 of another shape \(visual.proj is \(64, 8\), not \(64, 16\)\)"),
    ],
    ids=["missing", "misshapen"],
)
def test_weights_that_do_not_fit_are_refused_by_what_does_not_fit(
    changes: dict[str, Tensor | None], message: str, tiny: Architecture, tiny_weights: Path, tmp_path: Path
) -> None:
    torch.save(_state(tiny_weights, **changes), tmp_path / "wrong.pt")
    with pytest.raises(MisfitError, match=message):
        load_towers(tiny, tmp_path / "wrong.pt")


def test_weights_that_changed_since_they_were_trusted_are_refused(
    tiny: Architecture, tiny_weights: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(tiny_weights.read_bytes())
    trust(weights, sha256_of(weights))
    load_towers(tiny, weights)
    torch.save(_state(tiny_weights, logit_scale=torch.zeros(())), weights)
    with pytest.raises(ModelError, match="has changed since it was first trusted"):
        load_towers(tiny, weights)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.yaml"
    path.write_text("heart: [a heart]\nfemur: [a thigh]\nbackground: [menus]\n")
    return path


def test_a_model_without_a_probe_is_zero_shot(
    tiny: Architecture, tiny_weights: Path, prompts: Path, tmp_path: Path
) -> None:
    model = load_clip_model(
        tiny, tiny_weights, device="cpu", dtype="float32", prompts=prompts, rule=RejectRule(), probe=None,
        cache=tmp_path / "text",
    )  # fmt: skip
    assert model.planes.labels == ("background", "heart", "femur")
    scores = model.planes(model.encoder.encode([model.encoder.prepare(picture) for picture in pictures(2)]))
    assert scores.scores.shape == (2, 3)
    assert len(list((tmp_path / "text").iterdir())) == 1


def test_a_model_with_a_probe_reads_no_prompts(tiny: Architecture, tiny_weights: Path, tmp_path: Path) -> None:
    identity = ModelIdentity(name="tiny", sha256=sha256_of(tiny_weights))
    probe = ProbeHead(torch.zeros(2, 16), torch.zeros(2), labels=("femur", "background"), encoder=identity)
    probe.save(tmp_path / "probe.safetensors")
    model = load_clip_model(
        tiny, tiny_weights, device="cpu", dtype="float32", prompts="no such file", rule=RejectRule(),
        probe=tmp_path / "probe.safetensors", cache=tmp_path / "text",
    )  # fmt: skip
    assert model.planes.labels == ("background", "femur")
    assert model.planes(Features(embedding=torch.zeros(1, 16))).scores.tolist() == [[0.5, 0.5]]
    assert not (tmp_path / "text").exists()
