"""The command line: ``python -m hexgate_host policy validate policy.yaml``."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the program ``hexgate`` with the arguments of this process."""
    # While the program runs, Python cannot act on signals: the system does.
    for name in ("SIGINT", "SIGPIPE"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
    return _native.command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
