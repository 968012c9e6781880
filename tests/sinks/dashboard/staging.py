"""The scenes of benchmarks/page_states.py, which are no package: photographs and tests show the same states."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_FOLDER = str(Path(__file__).parents[3] / "benchmarks")
sys.path.insert(0, _FOLDER)
try:
    page_states: Any = import_module("page_states")
finally:
    sys.path.remove(_FOLDER)
