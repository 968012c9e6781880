"""FetalStream: real-time fetal ultrasound video analysis around FetalCLIP. Research use only.

The repository root is this package: ``sources``, ``models``, ``sinks`` and ``pipeline`` stand where a reader looks for
them, and are installed as ``fetalstream.sources`` and so on (see ``[tool.setuptools]`` in ``pyproject.toml``).
Nothing heavy is imported here, so that ``fetalstream --help`` answers at once.
"""

__all__ = ["FetalStreamError", "__version__"]

__version__ = "0.1.0"


class FetalStreamError(Exception):
    """Root of every error this package raises on purpose.

    Its message is one line that repeats the value it choked on and says what was allowed; the commands print it
    without a traceback.
    """
