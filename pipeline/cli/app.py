"""The ``fetalstream`` command."""


def main() -> None:
    """Entry point (the commands follow)."""
