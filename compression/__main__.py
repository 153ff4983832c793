"""`python -m compression` is the `paretoscope` command."""

from compression.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
