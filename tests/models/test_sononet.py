from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fetalstream.models.encoder import ModelError
from fetalstream.models.sononet import CLASSES, STAGES, load_sononet, normalise, read_network

from .sonofile import write_sononet

SCREEN_BOX = (81, 115, 874, 734)


@pytest.mark.data
def test_its_own_examples_are_all_named_rightly(weights_dir: Path, data_dir: Path):
    model = load_sononet(weights_dir / "SonoNet16.npz")
    names = dict(CLASSES)
    paths = sorted((data_dir / "sononet_examples").glob("*.png"))
    pictures = [np.asarray(Image.open(path).convert("L").crop(SCREEN_BOX)) for path in paths]
    scores = model.planes(model.encoder.encode([model.encoder.prepare(picture) for picture in pictures]))
    said = [scores.labels[column] for column in scores.scores.argmax(axis=1)]
    assert len(said) >= 11
    assert said == [names[path.stem] for path in paths]


def test_the_folded_network_gives_what_convolution_and_batch_norm_give(tmp_path: Path):
    path = write_sononet(tmp_path / "w.npz")
    network = read_network(path)
    arrays = [torch.from_numpy(array) for array in np.load(path).values()]
    x = torch.randn(2, 1, 64, 96, generator=torch.Generator().manual_seed(0))
    given, expected = network.classify(network(x)).mean((2, 3)), x
    widths = [*(w for stage in STAGES for w in stage), 64, len(CLASSES)]
    pooled_after = {1, 3, 6, 9}
    for number in range(len(widths)):
        kernel, beta, gamma, mean, inverse_std = arrays[5 * number : 5 * number + 5]
        expected = torch.nn.functional.conv2d(expected, kernel, padding=kernel.shape[-1] // 2)
        shape = (1, -1, 1, 1)
        expected = (expected - mean.view(shape)) * (gamma * inverse_std).view(shape) + beta.view(shape)
        expected = expected if number == len(widths) - 1 else expected.relu()
        expected = torch.nn.functional.max_pool2d(expected, 2) if number in pooled_after else expected
    torch.testing.assert_close(given, expected.mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_the_head_on_the_pooled_embedding_gives_the_mean_of_the_class_map(tmp_path: Path):
    path = write_sononet(tmp_path / "w.npz")
    model, network = load_sononet(path), read_network(path)
    pixels = np.random.default_rng(1).integers(0, 256, (300, 400), dtype=np.uint8)
    prepared = model.encoder.prepare(pixels)
    assert prepared.shape == (1, 224, 288)
    with torch.inference_mode():
        maps = network.classify(network(normalise(prepared[None].float())))
    wanted = maps.mean((2, 3)).softmax(dim=1)[0]
    scores = model.planes(model.encoder.encode([prepared]))
    for column, (_, name) in enumerate(CLASSES):
        assert scores.scores[0, scores.labels.index(name)] == pytest.approx(float(wanted[column]), abs=1e-5)


def test_gain_and_offset_do_not_change_what_it_sees():
    pictures = torch.rand(1, 1, 8, 8) * 100
    torch.testing.assert_close(normalise(pictures), normalise(pictures * 2 + 10), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"leave_out": "arr_74"}, "lacks 'arr_74"),
        ({"misshape": "arr_5"}, r"arr_5 is \(15, 16, 3, 3\), SonoNet16 has \(16, 16, 3, 3\)"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, change: dict[str, str], complaint: str):
    path = write_sononet(tmp_path / "w.npz", **change)
    with pytest.raises(ModelError, match=complaint) as caught:
        load_sononet(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"text, not weights", b"PK\x03\x04torn"])
def test_what_is_no_npz_is_refused_by_name(tmp_path: Path, content: bytes):
    path = tmp_path / "w.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.npz"):
        load_sononet(path)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path):
    path = tmp_path / "w.npz"
    np.savez(path, arr_0=np.array([object()], dtype=object))
    with pytest.raises(ModelError, match="SonoNet16 file"):
        load_sononet(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(ModelError, match=r"nowhere\.npz"):
        load_sononet(tmp_path / "nowhere.npz")
