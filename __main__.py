"""``python -m fetalstream``: the same as the ``fetalstream`` command."""

from fetalstream.pipeline.cli.app import main

if __name__ == "__main__":
    main()
