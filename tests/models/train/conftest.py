"""A data folder of a few invented pictures in the layouts of the real ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ..sonofile import write_sononet

HEADER = "Image_name;Patient_num;Plane;Brain_plane;Operator;US_Machine;Train \n"
PLANES = ("Fetal brain", "Fetal abdomen", "Fetal femur", "Fetal thorax", "Maternal cervix", "Other")


def write_picture(path: Path, seed: int) -> None:
    """A dark picture with one bright ellipse."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(seed).integers(0, 40, (90, 120), dtype=np.uint8)
    cv2.ellipse(picture, (60, 45), (20 + seed % 20, 15), 0, 0, 360, 220, 2)
    assert cv2.imwrite(str(path), picture)


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten patients of planes with two pictures each, six heads."""
    folder = tmp_path_factory.mktemp("data")
    lines = [HEADER]
    for number in range(20):
        plane, patient = PLANES[number // 2 % len(PLANES)], number // 2
        brain = "Trans-thalamic" if plane == "Fetal brain" else "Not A Brain"
        lines.append(f"Patient{number:05d};{patient};{plane};{brain};Op. 1;Aloka;1 \n")
        write_picture(folder / "planes" / "Images" / f"Patient{number:05d}.png", number)
    (folder / "planes" / "FETAL_PLANES_DB_data.csv").write_text("".join(lines))
    for name in ("001_HC", "002_HC", "002_2HC", "003_HC", "004_HC", "005_HC"):
        write_picture(folder / "hc18" / "images" / f"{name}.png", 7)
    return folder


@pytest.fixture(scope="session")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SonoNet16 with random weights."""
    return write_sononet(tmp_path_factory.mktemp("teacher") / "SonoNet16.npz")
