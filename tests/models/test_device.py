"""Where a model runs, and in which numbers."""

import pytest
import torch

from fetalstream.models.device import cpu_has_bfloat16, pick_device, pick_dtype
from fetalstream.models.encoder import ModelError

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


def test_auto_takes_cuda_where_there_is_one() -> None:
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "device is auto, cpu, cuda, cuda:N or mps, not 'gpu'"),
        ("", "not ''"),
        ("cuda:99", "there is no device 'cuda:99' here; there is: 1 cpu"),
        ("cpu:1", "there is no device 'cpu:1' here"),
        ("meta", "there is no device 'meta' here"),
    ],
)
def test_a_device_that_is_not_there_is_refused_with_what_is_there(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        pick_device(name)


@pytest.mark.parametrize(
    ("name", "device", "expected"),
    [
        ("auto", CUDA, torch.float16),
        ("auto", MPS, torch.float32),
        ("float32", CUDA, torch.float32),
        ("bfloat16", CPU, torch.bfloat16),
        ("float16", CPU, torch.float16),
    ],
)
def test_auto_is_fast_and_a_name_is_taken_at_its_word(name: str, device: torch.device, expected: torch.dtype) -> None:
    assert pick_dtype(name, device) == expected  # pyright: ignore[reportArgumentType]


def test_auto_on_a_cpu_is_bfloat16_only_in_hardware() -> None:
    assert pick_dtype("auto", CPU) == (torch.bfloat16 if cpu_has_bfloat16() else torch.float32)


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(ModelError, match="dtype is auto, float32, bfloat16, float16, not 'int8'"):
        pick_dtype("int8", CPU)  # pyright: ignore[reportArgumentType]
