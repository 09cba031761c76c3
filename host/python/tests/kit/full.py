"""A disk that is full, for what this process writes."""

from __future__ import annotations

import resource
import signal
from pathlib import Path


class FullDisk:
    """No file of this process grows beyond the size that the largest of these files has.

    Permissions do not stop the administrator, whom tests often run as, so the system is asked to refuse.
    """

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None
        self._signal: object = None

    def fill(self, folders: list[Path]) -> None:
        sizes = [path.stat().st_size for folder in folders for path in folder.glob("*.jsonl")]
        if self._before is None:
            self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
            # Else the first byte too many ends the process.
            self._signal = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes, default=0), self._before[1]))

    def free(self) -> None:
        if self._before is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
            signal.signal(signal.SIGXFSZ, self._signal)  # type: ignore[arg-type]
            self._before = None


