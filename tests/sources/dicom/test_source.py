"""A cine as a source: the contract, what a patient may expect, and memory."""

import re
import shutil
import stat
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pydicom
import pytest

from fetalstream.sources import Frame, SourceError, SourceState, StateChange
from fetalstream.sources.dicom import DicomSource, find_cines, from_uri
from fetalstream.sources.uri import parse_uri

GREY = np.zeros((24, 32), np.uint8)


def test_items_start_with_running_and_end_with_ended(real_cine: Path, read: Callable):
    items = read(real_cine).items
    assert items[0] == StateChange(SourceState.RUNNING)
    assert items[-1] == StateChange(SourceState.ENDED)


def test_it_is_opened_before_it_is_read_and_read_once(real_cine: Path):
    source = DicomSource(real_cine)
    with pytest.raises(SourceError, match="opened before it is read"):
        source.items()
    source.open()
    source.items()
    with pytest.raises(SourceError, match="read once"):
        source.items()


def test_closing_ends_the_reading_soon_also_at_its_own_pace(make_cine: Callable[..., Path]):
    source = DicomSource(make_cine([GREY] * 50, FrameTime=5000), realtime=True)
    source.open()
    threading.Timer(0.1, source.close).start()
    began = time.monotonic()
    last = list(source.items())[-1]
    assert time.monotonic() - began < 2
    assert last == StateChange(SourceState.ENDED, "closed before its end")


def test_realtime_keeps_the_cines_pace(make_cine: Callable[..., Path], read: Callable):
    began = time.monotonic()
    assert len(read(make_cine([GREY] * 6, FrameTime=50), realtime=True).frames) == 6
    assert time.monotonic() - began >= 0.25


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no descriptors")
def test_no_descriptor_stays_open(make_cine: Callable[..., Path], read: Callable):
    path = make_cine([GREY] * 3)
    read(path)
    before = psutil.Process().num_fds()
    for _ in range(5):
        read(path)
        DicomSource(path).open()
        source = DicomSource(path)
        source.open()
        source.close()
    assert psutil.Process().num_fds() <= before


# What a patient may expect.


def everything_said(path: Path) -> str:
    """Whatever leaves the reader in words, over a whole life."""
    said: list[str] = []
    source = DicomSource(path)
    said.append(repr(source))
    try:
        said.append(repr(source.open()))
        said += [repr(item) for item in source.items()]
        said.append(repr(source))
        source.items()
    except SourceError as error:
        said.append(str(error))
    return "\n".join(said)


CASES = ["whole", "cut short", "no pixels", "wrong class", "not DICOM", "missing", "folder"]


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_the_patient_comes_out_not_even_the_files_name(
    case: str, make_cine: Callable[..., Path], secrets: tuple[str, ...], tmp_path: Path
):
    path = make_cine([GREY] * 4, name="DOE_JANE_19840512.dcm", Modality="CT" if case == "wrong class" else "US")
    if case == "wrong class":
        data = path.read_bytes().replace(b"1.2.840.10008.5.1.4.1.1.3.1", b"1.2.840.10008.5.1.4.1.1.2\0\0")
        path.write_bytes(data)
    elif case == "cut short":
        path.write_bytes(path.read_bytes()[:-1000])
    elif case == "no pixels":
        path.write_bytes(path.read_bytes()[:1000])
    elif case == "not DICOM":
        path.write_bytes(b"DOE^JANE" * 100)
    elif case in ("missing", "folder"):
        path.unlink()
        if case == "folder":
            path.mkdir()
    said = everything_said(path)
    assert said.count("\n") >= 1
    assert [secret for secret in secrets if secret in said] == []
    assert "1.2.826" not in said  # UIDs are traceable


def test_a_name_stands_for_study_and_cine_and_is_the_same_every_time(make_cine: Callable[..., Path], home: Path):
    one, other = make_cine([GREY], name="one.dcm"), make_cine([GREY], name="other.dcm", SOPInstanceUID="1.2.3.4")
    infos = [DicomSource(path).open() for path in (one, one, other)]
    assert re.fullmatch(r"us-[0-9a-f]{12}-[0-9a-f]{12}", infos[0].name)
    assert infos[0] == infos[1]
    assert infos[0].name != infos[2].name
    assert infos[0].name.rpartition("-")[0] == infos[2].name.rpartition("-")[0]
    salt = home / "study-salt"
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600
    assert salt.stat().st_size == 32


def test_another_installation_gives_another_name(
    make_cine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    path = make_cine([GREY])
    here = DicomSource(path).open().name
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "elsewhere"))
    assert DicomSource(path).open().name != here


def test_a_home_that_cannot_be_written_stops_nobody(
    make_cine: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "file" / "home"))
    assert DicomSource(make_cine([GREY])).open().name.startswith("us-")


# How it is named.


def test_a_dicom_file_is_known_by_suffix_or_preamble(make_cine: Callable[..., Path], tmp_path: Path):
    path = make_cine([GREY])
    bare = path.rename(tmp_path / "IM0001")
    assert parse_uri(str(bare)).kind == "dicom"
    assert parse_uri(f"dicom:{bare}").kind == "dicom"
    other = tmp_path / "notes"
    other.write_text("DICM")
    assert parse_uri(str(other)).kind == "file"


@pytest.mark.parametrize("form", ["{}", "dicom:{}", "dicom:{}?realtime=0", "dicom://{}"])
def test_uris(form: str, make_cine: Callable[..., Path]):
    source = from_uri(form.format(make_cine([GREY] * 2)))
    assert source.open().frame_count == 2
    source.close()


def test_pictures_of_other_devices_are_refused_unless_asked_for(package_file: Callable[[str], Path], read: Callable):
    path = package_file("CT_small.dcm")
    with pytest.raises(SourceError, match=r"is no ultrasound picture .*1\.2\.840\.10008\.5\.1\.4\.1\.1\.2"):
        read(path)
    assert from_uri(f"dicom:{path}?any_class=1").open().width_px == 128


def test_a_folders_cines_are_found_in_order_and_what_is_none_is_passed_over(
    make_cine: Callable[..., Path], package_file: Callable[[str], Path], tmp_path: Path
):
    for number in (10, 9, 1):
        make_cine([GREY] * 3, name=f"IM{number}")
    make_cine([GREY], name="still.dcm")
    make_cine([GREY] * 3, name="uncounted", NumberOfFrames=0)
    for name in ("CT_small.dcm", "reportsi.dcm", "DICOMDIR-empty.dcm"):
        shutil.copy(package_file(name) if "DIR" not in name else package_file(f"dicomdirtests/{name}"), tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    assert [path.name for path in find_cines(tmp_path)] == ["IM1", "IM9", "IM10", "uncounted"]
    assert len(find_cines(tmp_path, min_frames=1)) == 5


def test_a_damaged_file_counts_as_a_cine_so_that_it_is_not_passed_over_in_silence(
    make_cine: Callable[..., Path], tmp_path: Path
):
    path = make_cine([GREY] * 3)
    path.write_bytes(path.read_bytes()[:700])
    (tmp_path / "empty.dcm").touch()
    assert [path.name for path in find_cines(tmp_path)] == ["cine.dcm", "empty.dcm"]


# Memory.


def test_a_long_cine_decodes_in_flat_memory(
    make_cine: Callable[..., Path], jpeg: Callable[..., bytes], pictures: Callable
):
    (picture,) = pictures(1, rows=240, columns=320, colour=True)
    colour = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "YBR_FULL_422"}
    path = make_cine(compressed=[jpeg(picture)] * 300, Rows=240, Columns=320, **colour)
    read_to_its_end(path)  # what is loaded once does not count
    tracemalloc.start()
    try:
        assert read_to_its_end(path) == 300
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10 * picture.nbytes


def read_to_its_end(path: Path) -> int:
    source = DicomSource(path)
    source.open()
    frames = 0
    for item in source.items():
        if isinstance(item, Frame):
            frames += bool(item.picture.rgb.any())
    return frames


def test_iterating_converts_no_pixels(real_cine: Path, monkeypatch: pytest.MonkeyPatch):
    from fetalstream.sources.dicom import colour

    def refuse(*_: object) -> None:
        raise AssertionError("converted although nobody asked")

    monkeypatch.setattr(colour.Colouring, "_convert", refuse)
    source = DicomSource(real_cine)
    source.open()
    assert sum(isinstance(item, Frame) for item in source.items()) == 30


def test_the_package_is_importable_without_pydicom():
    code = (
        "import sys; sys.modules['pydicom'] = None\n"
        "import fetalstream.sources, fetalstream.sources.uri\n"
        "from fetalstream.pipeline import plugins\n"
        "try: plugins.load('sources', 'dicom')\n"
        "except plugins.PluginError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "fetalstream[dicom]" in done.stdout


def test_results_can_point_back_into_the_cine(
    make_cine: Callable[..., Path], jpeg: Callable[..., bytes], read: Callable
):
    good = jpeg(np.full((48, 64), 90, np.uint8))
    path = make_cine(compressed=[good, good[:200], good[:200], good], SeriesInstanceUID="1.2.3", FrameTime=50)
    cine = read(path)
    assert cine.info.dicom.series_instance_uid == "1.2.3"
    assert cine.info.dicom.sop_class_uid == "1.2.840.10008.5.1.4.1.1.3.1"
    assert "1.2.3" not in repr(cine.info)
    # The second and the third cannot be decoded: the file's own count goes on, the stream's does not.
    assert [(frame.index, frame.dicom_number) for frame in cine.frames] == [(0, 1), (1, 4)]


@pytest.mark.parametrize(
    ("said", "syntax", "lossy"),
    [
        (None, "1.2.840.10008.1.2.1", False),
        ("00", "1.2.840.10008.1.2.1", False),
        ("01", "1.2.840.10008.1.2.1", True),  # it was, before somebody unpacked it
        (None, "1.2.840.10008.1.2.4.50", True),
        ("00", "1.2.840.10008.1.2.4.50", True),  # no baseline JPEG is without loss
        (None, "1.2.840.10008.1.2.4.80", False),
        (None, "1.2.840.10008.1.2.4.91", True),
        ("00", "1.2.840.10008.1.2.4.91", False),
    ],
)
def test_a_cine_tells_whether_it_was_compressed_with_loss(
    said: str | None, syntax: str, lossy: bool, make_cine: Callable[..., Path], jpeg: Callable[..., bytes]
):
    tag = {} if said is None else {"LossyImageCompression": said}
    pictures = {"frames": [GREY]} if syntax.endswith("1.2.1") else {"compressed": [jpeg(GREY)]}
    source = DicomSource(make_cine(**pictures, syntax=syntax, **tag))
    assert source.open().is_lossy is lossy
    source.close()


def test_a_frame_is_found_by_its_time(make_cine: Callable[..., Path]):
    source = DicomSource(make_cine([GREY] * 4, FrameTime=33.3333))
    with pytest.raises(SourceError, match="is opened before"):
        source.number_at(0.0)
    source.open()
    assert [source.number_at(round(index * 0.0333333, 3)) for index in range(4)] == [1, 2, 3, 4]
    for elsewhere in (-0.0333333, 0.016, 0.032, 4 * 0.0333333):
        with pytest.raises(SourceError, match="no frame of it is at"):
            source.number_at(elsewhere)
    source.close()


@pytest.mark.filterwarnings("error:.*JANE")
@pytest.mark.parametrize("uid", ["", "JANE DOE", "1..2", "1." * 40], ids=["none", "a name", "no UID", "too long"])
def test_a_cine_without_proper_uids_is_read_but_cannot_be_pointed_into(
    uid: str, make_cine: Callable[..., Path], read: Callable
):
    path = make_cine([GREY], SeriesInstanceUID="1.2.3")
    changed = pydicom.dcmread(path)
    changed[0x0020000E]._value = uid
    changed.save_as(path)
    cine = read(path)
    assert len(cine.frames) == 1
    assert cine.info.dicom is None
