"""The law of protocols: what is packaged can be read, and what is wrong with a site's own file is said in one line."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fetalstream.models.planes import Plane
from fetalstream.pipeline.cli.app import app
from fetalstream.pipeline.exam.protocol import ProtocolError, ScanProtocol, load_protocol, protocol_names
from fetalstream.pipeline.exam.quality import NAMES
from fetalstream.pipeline.settings import ConfigError, load_config

SITE = """
name: site
title: Our scan
items:
  - {name: heart, title: Heart, plane: heart, wanted: 2, quality: [sharpness, gain]}
  - {name: femur, title: Femur, plane: femur, hold_seconds: 1.0}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packaged_protocols_can_be_read_and_name_known_planes():
    assert protocol_names() == ["core_4", "isuog_midtrimester"]
    for name in protocol_names():
        protocol = load_protocol(name)
        assert protocol.name == name
        protocol.check(("background", "femur"))
    planes = {plane for item in load_protocol("isuog_midtrimester").items for plane in (item.plane, *item.or_planes)}
    assert planes == {*Plane, "bladder", "placenta"}


def test_a_sites_own_file_is_read(tmp_path: Path):
    protocol = load_protocol(written(tmp_path, SITE))
    heart, femur = protocol.items
    assert (heart.wanted, heart.quality, heart.hold_seconds) == (2, ("sharpness", "gain"), None)
    assert (femur.wanted, femur.quality, femur.hold_seconds) == (1, None, 1.0)


def test_quality_items_have_the_names_that_quality_gives_them():
    item = ScanProtocol.model_validate(
        {"name": "a", "title": "A", "items": [{"name": "f", "title": "F", "plane": "femur", "quality": list(NAMES)}]}
    ).items[0]
    assert item.quality == NAMES


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (SITE.replace("wanted: 2", "wanted: 0"), "items.0.wanted=0"),
        (SITE.replace("[sharpness, gain]", "[sharp]"), "items.0.quality.0='sharp'"),
        (SITE.replace("wanted", "number"), "items.0.number is not a key; allowed: name, title, plane"),
        (SITE.replace("title: Our scan", "titel: Our scan"), "title is missing"),
        (SITE.replace("name: femur", "name: heart"), "not twice: heart"),
        (SITE.replace("plane: femur", "plane: Femur!"), "items.1.plane='Femur!'"),
        ("name: site\ntitle: Ours\nitems: []\n", "items=[]"),
        ("- a\n- b\n", "the file holds keys and values, not list"),
        ("", "the file holds keys and values, not NoneType"),
        ("items: [", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line_that_names_it(tmp_path: Path, broken: str, said: str):
    path = written(tmp_path, broken)
    with pytest.raises(ProtocolError) as refusal:
        load_protocol(path)
    assert str(path) in str(refusal.value)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_protocol_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ProtocolError, match="neither a protocol \\(core_4, isuog_midtrimester\\) nor a readable file"):
        load_protocol("isuog")
    with pytest.raises(ConfigError, match=r"protocol='isuog': .*isuog_midtrimester"):
        load_config("live", assignments=["protocol=isuog"])


def test_a_plane_that_nobody_knows_is_refused_with_the_one_that_was_meant(tmp_path: Path):
    protocol = load_protocol(written(tmp_path, SITE.replace("plane: femur", "plane: femr")))
    with pytest.raises(ProtocolError, match="item 'femur': no plane is called 'femr'; did you mean 'femur'"):
        protocol.check(("background", "femur"))
    protocol.check(("background", "femr"))  # a site's own head may have labels of its own


@pytest.mark.parametrize(
    ("plane", "labels", "why"),
    [
        ("femur", ("background", "femur"), ""),
        ("heart", ("background", "lvot"), ""),  # a group, and one of its planes
        ("heart", ("background", "heart"), ""),
        ("lvot", ("background", "heart"), "not judged by this model: it tells heart only"),
        ("placenta", ("background", "femur"), "not judged by this model"),
    ],
)
def test_an_item_is_judged_where_a_label_counts_for_it(plane: str, labels: tuple[str, ...], why: str):
    text = f"name: a\ntitle: A\nitems: [{{name: x, title: X, plane: {plane}}}]"
    item = ScanProtocol.model_validate(yaml.safe_load(text)).items[0]
    assert item.why_not_judged(labels) == why


def test_a_record_belongs_to_the_words_of_the_protocol_and_not_to_its_place(tmp_path: Path):
    (tmp_path / "a").mkdir()
    one, same = written(tmp_path, SITE), written(tmp_path / "a", SITE)
    digests = [load_config("review", assignments=[f"protocol={path}"]).sha256 for path in (one, same)]
    written(tmp_path, SITE.replace("wanted: 2", "wanted: 3"))
    digests.append(load_config("review", assignments=[f"protocol={one}"]).sha256)
    assert digests[0] == digests[1] != digests[2]


def test_the_command_lists_and_shows_them():
    listed = CliRunner().invoke(app, ["protocols", "list"])
    assert listed.exit_code == 0
    assert "isuog_midtrimester" in listed.output
    shown = CliRunner().invoke(app, ["protocols", "show", "isuog_midtrimester"], env={"COLUMNS": "120"})
    assert shown.exit_code == 0
    rows = {line[:16].strip(): line.split()[-1] for line in shown.output.splitlines() if line.split()[-1:]}
    assert rows["Femur"] == "yes"
    assert rows["Placenta"] == "no"
