"""`python -m hsikit` is the same as `hsikit`."""

import sys

from hsikit.cli import main

if __name__ == "__main__":
    if not sys.flags.safe_path:  # Python puts the current folder first; last, no file there stands for a library
        sys.path.append(sys.path.pop(0))
    sys.exit(main())
