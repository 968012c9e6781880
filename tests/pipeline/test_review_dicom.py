"""The law of reviewing DICOM: folders as archives write them, and no patient in anything that is written or said."""

import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.examples import get_path

from fetalstream.models.testing import grey_model
from fetalstream.pipeline.review import find_studies, review_study
from fetalstream.pipeline.settings import load_config
from fetalstream.sources import SourceError

PATIENT = ("DOE", "JANE", "MRN4711", "19840512")
FRAMES = 30


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


def write_cine(path: Path, instance: str = "1.2.3.4") -> Path:
    """A real cine, with a patient who must never come out."""
    cine = pydicom.dcmread(str(get_path("ybr_color")))
    cine.PatientName, cine.PatientID, cine.PatientBirthDate = "DOE^JANE", "MRN4711", "19840512"
    cine.SOPInstanceUID = instance
    path.parent.mkdir(parents=True, exist_ok=True)
    cine.save_as(path)
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Cines without suffixes, and what else lies in a study."""
    folder = tmp_path / "DOE_JANE"
    write_cine(folder / "IM10", "1.2.3.10")
    write_cine(folder / "IM9", "1.2.3.9")
    write_cine(folder / "later" / "IM1.dcm", "1.2.3.1")
    package = Path(pydicom.__file__).parent / "data" / "test_files"
    for other in ("reportsi.dcm", "CT_small.dcm", "dicomdirtests/DICOMDIR-empty.dcm"):
        shutil.copy(package / other, folder)
    (folder / "notes.txt").write_text("nothing")
    return folder


def test_a_folders_cines_are_reviewed_and_nothing_else(study: Path):
    found = find_studies([study])
    assert [one.path.name for one in found] == ["IM9", "IM10", "IM1.dcm"]
    assert len({one.name for one in found}) == 3
    assert all(one.name.startswith("us-") for one in found)


def test_no_patient_is_in_what_is_written_or_said(study: Path, tmp_path: Path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "fetalstream", "review", str(study), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["events.jsonl"] * 3 + ["summary.json"] * 3
    written = "".join(f"{path.relative_to(out)} {path.read_text()}" for path in files)
    assert f'"frames_read": {FRAMES}' in written
    assert [word for word in PATIENT if word in written + done.stdout + done.stderr] == []


def test_a_cine_that_cannot_be_read_is_refused_without_its_name(tmp_path: Path):
    broken = tmp_path / "DOE_JANE.dcm"
    broken.write_bytes(write_cine(tmp_path / "whole").read_bytes()[:5000])
    (found,) = find_studies([broken])
    with pytest.raises(SourceError, match="DICOM file #") as refusal:
        review_study(found, config=load_config("review"), model=grey_model(), out=tmp_path / "out")
    assert "DOE" not in found.name + str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_two_copies_of_one_cine_get_two_folders(tmp_path: Path):
    one, other = find_studies([write_cine(tmp_path / name) for name in ("a", "b")])
    assert other.name == f"{one.name}-2"
