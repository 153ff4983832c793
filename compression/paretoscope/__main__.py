"""`python -m paretoscope` is the `paretoscope` command."""

from paretoscope.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
