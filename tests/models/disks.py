"""A disk that is full, for one process: files cannot grow beyond a size."""

import resource
import subprocess
import sys


def run_on_a_full_disk(code: str, *, most_file_bytes: int) -> subprocess.CompletedProcess[str]:
    """Runs Python code that can write only so many bytes into any one file."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))

    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, preexec_fn=limit)
