"""How much memory a process of a benchmark took."""

import os
import resource
import subprocess
from typing import Any


def ended(process: "subprocess.Popen[Any]") -> float:
    """Wait for a process to end well and return its peak memory in MB.

    Linux counts from what the parent held when the child began: raises RuntimeError where that
    hides the child's own peak, and when the process ends with anything but 0.
    """
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    if usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        raise RuntimeError("the benchmark holds more memory than what it measures")
    return usage.ru_maxrss / 1024
