"""``python -m modfix``."""

from modfix.cli import main

if __name__ == "__main__":
    main()
