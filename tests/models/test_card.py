"""The model card speaks of the file that is shipped, and of no other."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from safetensors import safe_open

from fetalstream.models.compact import EMBEDDED
from fetalstream.models.files import sha256_of

ROOT = Path(__file__).parents[2]
CARD = EMBEDDED.with_name("compact.md").read_text(encoding="utf-8")
PLAIN = " ".join(CARD.split())


@pytest.fixture(scope="module")
def metadata() -> dict[str, str]:
    with safe_open(EMBEDDED, framework="pt") as file:
        return file.metadata()


def test_it_names_the_shipped_file_by_its_hash():
    assert re.findall(r"sha256 `([0-9a-f]{64})`", CARD) == [sha256_of(EMBEDDED)]


def test_it_tells_the_recipe_and_temperature_that_the_file_tells(metadata: dict[str, str]):
    assert metadata["recipe"] in PLAIN
    assert f"temperature {float(metadata['temperature']):.3f}" in PLAIN


def test_it_lists_the_labels_of_the_file_in_their_order(metadata: dict[str, str]):
    (listed,) = re.findall(r"^Labels: (.*?)\.$", CARD, flags=re.MULTILINE | re.DOTALL)
    assert [label.strip(" `\n") for label in listed.split(",")] == json.loads(metadata["labels"])


def test_it_gives_the_number_of_parameters():
    with safe_open(EMBEDDED, framework="pt") as file:
        count = sum(file.get_tensor(key).numel() for key in file.keys())  # noqa: SIM118 - not a dictionary
    assert f"{count:,} parameters" in PLAIN


def test_nothing_was_left_to_fill_in():
    assert "@" not in CARD
    assert "Research use only. Not a medical device." in PLAIN


@pytest.mark.parametrize("work", ["SonoNet-weights", "HC18", "FETAL_PLANES_DB", "ITKPOCUS"])
def test_every_work_it_is_made_from_is_named_in_card_and_notice(work: str):
    assert work in CARD
    assert work in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_the_notice_travels_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["license-files"]) >= {"LICENSE", "NOTICE"}
