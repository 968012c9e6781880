"""The law of reports as a user makes them: with a review, later, elsewhere, and of patients."""

import json
import subprocess
import sys
from pathlib import Path

import av
import pydicom
import pytest
from pydicom.examples import get_path

from fetalstream.sources import Frame
from fetalstream.sources.phantom import PhantomSource

COMMAND = [sys.executable, "-m", "fetalstream"]
PATIENT = ("DOE", "JANE", "MRN4711", "19840512")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=240)
    assert "Traceback" not in done.stderr
    return done


def write_scan(path: Path, seconds: float = 3.0) -> Path:
    phantom = PhantomSource(seed=21, seconds=seconds, width_px=400, height_px=300, screen=True, realtime=False)
    phantom.open()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 400, 300, "yuv420p"
        for item in phantom.items():
            if isinstance(item, Frame):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(item.picture.rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_report_is_made_with_the_review_and_again_later_wherever_the_cine_is_now(tmp_path: Path):
    scan, out = write_scan(tmp_path / "scan.mp4"), tmp_path / "out"
    store, lines = tmp_path / "events.db", tmp_path / "all.jsonl"
    sinks = f"sinks=[{{kind: store, path: '{store}'}}, {{kind: jsonl, path: '{lines}'}}]"
    done = run("review", scan, "--out", out, "--report", "--set", sinks)
    assert done.returncode == 0, done.stderr
    assert str(out / "scan" / "report.html") in done.stdout
    assert (out / "index.html").is_file()
    first = (out / "scan" / "report.html").read_bytes()
    assert b'"strip":{"cells":[[0,' in first
    assert json.loads((out / "scan" / "summary.json").read_text())["cine"]["sha256"].encode() in first

    # The configuration's sinks were told the same as the study's own record.
    assert lines.read_bytes() == (out / "scan" / "events.jsonl").read_bytes()
    assert "scan" in run("store", "list", store).stdout

    (out / "scan" / "report.html").unlink()
    assert run("report", out).returncode == 0  # the cine is where it was
    assert (out / "scan" / "report.html").read_bytes() == first

    moved = scan.rename(tmp_path / "elsewhere.mp4")
    done = run("report", out)
    assert done.returncode == 0
    assert "warning: scan: no pictures: the cine was not found where it lay" in done.stderr
    assert b'"strip":null' in (out / "scan" / "report.html").read_bytes()
    done = run("report", out, "--cines", moved)
    assert (done.returncode, done.stderr) == (0, "")
    assert (out / "scan" / "report.html").read_bytes() == first


def test_the_cine_of_a_review_that_failed_is_remembered_like_any_other(tmp_path: Path):
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    (pictures / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    done = run("review", pictures, "--out", out)
    assert done.returncode == 1
    assert "not one picture of pictures could be read" in done.stderr
    done = run("report", out)
    assert (done.returncode, done.stderr) == (0, "")
    page = (out / "pictures" / "report.html").read_text()
    assert "was not found" not in page
    assert "The review did not reach the end of the cine: failed: not one picture" in page


def test_a_report_on_one_study_keeps_the_index_and_its_link_to_it(tmp_path: Path):
    scan, out = write_scan(tmp_path / "scan.mp4", seconds=1.0), tmp_path / "out"
    assert run("review", scan, "--out", out).returncode == 0
    done = run("report", out / "scan")
    assert done.stdout.count("\n") == 1  # no index was made before, none is now
    assert not (out / "index.html").exists()
    assert 'href="../index.html"' not in (out / "scan" / "report.html").read_text()

    assert run("report", out).returncode == 0
    whole = (out / "scan" / "report.html").read_bytes()
    index = (out / "index.html").read_bytes()
    (out / "index.html").write_bytes(index.replace(b"scan/report.html", b""))
    assert run("report", out / "scan").returncode == 0
    assert (out / "scan" / "report.html").read_bytes() == whole
    assert (out / "index.html").read_bytes() == index

    (out / "index.html").write_text("<title>Somebody's own page</title>")
    assert run("report", out / "scan").returncode == 0
    assert (out / "index.html").read_text() == "<title>Somebody's own page</title>"
    assert b'href="../index.html"' not in (out / "scan" / "report.html").read_bytes()


def test_what_a_review_captured_is_in_its_report_and_in_later_ones(tmp_path: Path):
    scan, out = write_scan(tmp_path / "scan.mp4", seconds=6.0), tmp_path / "out"
    shots = tmp_path / "shots"
    done = run("review", scan, "--out", out, "--report", "--set", f"capture.folder={shots}")
    assert done.returncode == 0, done.stderr
    stills = sorted((shots / "scan").glob("*.png"))
    assert stills
    first = (out / "scan" / "report.html").read_text()
    for still in stills:
        assert f'<p class="file">{still.name}</p>' in first
    assert run("report", out).returncode == 0  # they are where they went
    assert (out / "scan" / "report.html").read_text() == first

    moved = shots.rename(tmp_path / "elsewhere")
    done = run("report", out)
    assert "warning: scan: captures are not shown: the folder of captures was not found" in done.stderr
    assert "<video" not in (out / "scan" / "report.html").read_text()
    done = run("report", out, "--captures", moved)
    assert (done.returncode, done.stderr) == (0, "")
    assert (out / "scan" / "report.html").read_text() == first


def test_what_a_live_run_captured_is_in_its_report_wherever_it_went(tmp_path: Path):
    scan, out, shots = "phantom://?seed=7&seconds=5&screen=1&realtime=0", tmp_path / "out", tmp_path / "shots"
    every_frame = ("--set", "flow.policy=block", "--set", "sinks=[]", "--headless")
    done = run("live", scan, "--out", out, "--capture", shots, *every_frame)
    assert done.returncode == 0, done.stderr
    (still,) = shots.glob("phantom-7-*/*.png")
    done = run("report", out)
    assert (done.returncode, done.stderr) == (0, "")
    page = (out / "report.html").read_text()
    assert f'<p class="file">{still.name}</p>' in page
    assert "<video" in page


def test_a_record_that_cannot_be_read_is_named_and_the_others_are_reported_on(tmp_path: Path):
    scan, out = write_scan(tmp_path / "scan.mp4", seconds=1.0), tmp_path / "out"
    assert run("review", scan, "--out", out).returncode == 0
    assert not (out / "scan" / "report.html").exists()
    (out / "torn").mkdir()
    (out / "torn" / "events.jsonl").write_text("no event\n")
    done = run("report", out)
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "torn/events.jsonl" in error
    assert (out / "scan" / "report.html").is_file()
    assert "torn" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "nowhere"], "'nowhere' is not a folder"),
        (["report", "."], "'.' holds no review"),
        (["review", "x.mp4", "--out", "out", "--set", "sinks=[{kind: kafka}]"], "sinks"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


def test_no_patient_is_in_the_report_of_a_dicom_cine(tmp_path: Path):
    cine = pydicom.dcmread(str(get_path("ybr_color")))
    cine.PatientName, cine.PatientID, cine.PatientBirthDate = "DOE^JANE", "MRN4711", "19840512"
    (tmp_path / "DOE_JANE").mkdir()
    cine.save_as(tmp_path / "DOE_JANE" / "JANE.dcm")
    out = tmp_path / "out"
    done = run("review", tmp_path / "DOE_JANE", "--out", out, "--report")
    assert done.returncode == 0, done.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["events.jsonl", "index.html", "report.html", "summary.json"]
    written = "".join(f"{path.relative_to(out)} {path.read_text()}" for path in files)
    again = run("report", out)
    assert "no pictures" not in again.stderr  # found by what this installation remembers, outside the record
    said = done.stdout + done.stderr + again.stdout + again.stderr
    assert [word for word in PATIENT if word in (written + said).replace(str(tmp_path), "")] == []
