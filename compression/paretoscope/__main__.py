"""`python -m paretoscope` is the `paretoscope` command."""

from paretoscope.cli.parser import main

if __name__ == "__main__":
    raise SystemExit(main())
