"""``fetalstream doctor``: would a live run work on this machine, with this source and this configuration?"""

from .examine import examine
from .finding import Finding, Status
from .report import report, works

__all__ = ["Finding", "Status", "examine", "report", "works"]
