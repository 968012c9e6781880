"""The folder for what is fetched or computed once: weights and text embeddings."""

import os
from pathlib import Path


def home() -> Path:
    """``$FETALSTREAM_HOME``, else ``~/.cache/fetalstream``; asked anew each time, created by whoever writes."""
    return Path(os.environ.get("FETALSTREAM_HOME") or Path.home() / ".cache" / "fetalstream")
