"""The live page: what a browser beside the ultrasound machine shows. Needs the extra ``ui`` once it is opened."""

from .sink import Dashboard
from .status import About, Status, Wanted

__all__ = ["About", "Dashboard", "Status", "Wanted"]
