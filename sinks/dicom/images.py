"""Pictures as DICOM objects: which kind, why, and what is said of them.

- A still of a captured screen or stream is a **Secondary Capture**: no scanner made that object, its geometry and
  settings were lost on the way, and this kind says so.
- A still of a frame of a DICOM cine is an **Ultrasound Image**, derived from that frame, which it names: the cine was
  ultrasound from a scanner, and its scale still holds.
- A clip is an **Ultrasound Multi-frame Image**, derived and secondary: the multi-frame kinds of Secondary Capture are
  shown as a stack by most viewers, this one is played, at its own pace.

Pixels are those of the capture, bit by bit. Stills are not compressed, clips without loss (JPEG-LS) or not at all; that
the source, or the clip's own video, had been compressed with loss is said (Lossy Image Compression): once lossy, always
lossy (PS3.3, C.7.6.1.1.5).
"""

from typing import Any

from highdicom import SOPClass
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import (
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from ..sidecar import Sidecar
from .codes import PAIRED, SOURCE_IMAGE, code_item, plane_code, site_code
from .header import RESEARCH_USE, equipment, finish
from .identity import Filing, base_arguments, digest_of
from .pixels import Clip, Stored
from .uids import derived_uid

STILLS_SERIES, CLIPS_SERIES = 9101, 9102
_TWO_DIMENSIONAL, _TISSUE, _CENTIMETRES = 1, 1, 3
_FRAME_TIME, _FRAME_TIME_VECTOR = 0x00181063, 0x00181065
_SAME_STEP_SECONDS = 0.002
"""Steps between frames that differ by less are one step: containers round times."""


def still_object(capture: Sidecar, stored: Stored, filed: Filing, *, number: int) -> Dataset:
    """The picture of a capture.

    Args:
        capture: what is known of it.
        stored: its pixels.
        filed: whose it is.
        number: Instance Number, from 1.
    """
    source = capture.source_dicom
    kind = SecondaryCaptureImageStorage if source is None else UltrasoundImageStorage
    still = _image(capture, stored, filed, kind=kind, number=number, series=STILLS_SERIES, what="captured pictures")
    if source is None:
        still.ConversionType = "SYN" if capture.source.startswith("phantom:") else "DV"
        if capture.spacing_mm is not None:
            still.PixelSpacing = [_decimal(capture.spacing_mm)] * 2
            still.PixelSpacingCalibrationType = "GEOMETRY"
            still.PixelSpacingCalibrationDescription = "Told by the source of the stream"
    else:
        still.SourceImageSequence = [_source_item(capture)]
        still.DerivationDescription = "One frame of the source cine"
        _add_region(still, capture.spacing_mm)
    return still


def clip_object(capture: Sidecar, clip: Clip, filed: Filing, *, number: int) -> Dataset:
    """The clip of a capture; the arguments are as those of `still_object`."""
    span = capture.clip
    assert span is not None
    cine = _image(
        capture,
        clip.stored,
        filed,
        kind=UltrasoundMultiFrameImageStorage,
        number=number,
        series=CLIPS_SERIES,
        what="captured clips",
    )
    cine.NumberOfFrames = clip.stored.frames
    steps = [later - earlier for earlier, later in zip(clip.times_seconds, clip.times_seconds[1:], strict=False)]
    if steps and max(steps) - min(steps) > _SAME_STEP_SECONDS:
        cine.FrameIncrementPointer = _FRAME_TIME_VECTOR
        cine.FrameTimeVector = [_decimal(1000 * step) for step in (0.0, *steps)]
    else:
        cine.FrameIncrementPointer = _FRAME_TIME
        cine.FrameTime = _decimal(1000 * (sum(steps) / len(steps) if steps else 1 / span.fps))
    cine.CineRate = cine.RecommendedDisplayFrameRate = max(1, round(span.fps))
    if span.still_number is not None:
        cine.RepresentativeFrameNumber = span.still_number
    if clip.lossy_method is not None:
        cine.LossyImageCompression = "01"
        cine.LossyImageCompressionMethod = clip.lossy_method
        cine.LossyImageCompressionRatio = _decimal(clip.lossy_ratio)
    cine.DerivationDescription = "Frames around a captured picture"
    if capture.source_dicom is not None:
        cine.SourceImageSequence = [_source_item(capture, frame=False)]
    _add_region(cine, capture.spacing_mm)
    return cine


def _image(
    capture: Sidecar, stored: Stored, filed: Filing, *, kind: str, number: int, series: int, what: str
) -> Dataset:
    """What stills and clips have in common."""
    content = digest_of([capture.capture_id, capture.stream, capture.plane, capture.spacing_mm, capture.masked])
    image: Any = SOPClass(
        series_instance_uid=derived_uid(filed.root, "series", capture.stream, what),
        series_number=series,
        sop_instance_uid=derived_uid(filed.root, str(kind), content, stored.sha256),
        sop_class_uid=kind,
        instance_number=number,
        modality="US",
        transfer_syntax_uid=stored.syntax,
        series_description=f"FetalStream: {what} (research use)",
        **base_arguments(filed),
        **equipment(),
    )
    finish(image, filed, wall_time=capture.wall_time, masked=capture.masked)
    plane = plane_code(capture.plane)
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.ImageComments = f"{plane.meaning}. {RESEARCH_USE}"
    image.BurnedInAnnotation = "NO" if capture.masked else "YES"
    if capture.lossy:
        image.LossyImageCompression = "01"
    image.PatientOrientation = None
    image.ViewCodeSequence = [code_item(plane)]
    site = site_code(capture.plane)
    if site is not None:
        image.AnatomicRegionSequence = [code_item(site)]
    if site is None or site.value in PAIRED:
        image.Laterality = None  # left or right is unknown, and DICOM wants that said
    _add_pixels(image, stored)
    return image


def _add_pixels(image: Any, stored: Stored) -> None:
    image.SamplesPerPixel = stored.samples
    image.PhotometricInterpretation = "MONOCHROME2" if stored.samples == 1 else "RGB"
    if stored.samples == 3:
        image.PlanarConfiguration = 0
    else:
        image.WindowCenter, image.WindowWidth = "128", "256"  # else viewers stretch it as they like
    image.Rows, image.Columns = stored.rows, stored.columns
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = stored.data
    image["PixelData"].VR = "OB"


def _add_region(image: Any, spacing_mm: float | None) -> None:
    """Its scale, as ultrasound says it: a region, here all of the picture."""
    if spacing_mm is None:
        return
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = _TWO_DIMENSIONAL, _TISSUE, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = image.Columns - 1, image.Rows - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = _CENTIMETRES
    region.PhysicalDeltaX = region.PhysicalDeltaY = spacing_mm / 10
    image.SequenceOfUltrasoundRegions = [region]


def _source_item(capture: Sidecar, *, frame: bool = True) -> Dataset:
    source = capture.source_dicom
    assert source is not None
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
    if frame and source.frame_number is not None:
        item.ReferencedFrameNumber = source.frame_number
    item.PurposeOfReferenceCodeSequence = [code_item(Code(*SOURCE_IMAGE[:3]))]
    return item


def _decimal(value: float) -> str:
    """A number in the 16 characters that DICOM gives it."""
    return f"{value:.10g}"[:16]
