"""``python -m actionunits`` is ``au``."""

from actionunits.cli.main import run

if __name__ == "__main__":
    run()
