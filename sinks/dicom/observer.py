"""Who observed: this program. Nobody has verified it."""

from highdicom.sr import (
    AlgorithmIdentification,
    DeviceObserverIdentifyingAttributes,
    ObserverContext,
)
from pydicom.sr.codedict import codes

from ... import __version__
from ..record import ModelRef
from .header import DEVICE_UID, MANUFACTURER


def observer_context() -> ObserverContext:
    """The program as a device (TID 1002, 1004)."""
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=DEVICE_UID,
            name=f"fetalstream {__version__}",
            manufacturer_name=MANUFACTURER,
            model_name="fetalstream",
        ),
    )


def algorithm(model: ModelRef, *, config_sha256: str = "") -> AlgorithmIdentification:
    """Name, version and the very weights of a model (TID 4019)."""
    parameters = [f"weights sha256 {model.sha256}"]
    if config_sha256:
        parameters.append(f"configuration sha256 {config_sha256}")
    return AlgorithmIdentification(name=model.name, version=model.version, parameters=parameters)
