"""`python -m hsikit` is the same as `hsikit`."""

import sys

from hsikit.cli import main

if __name__ == "__main__":
    sys.exit(main())
