"""Run a module in this process and end with it when whoever started the process is gone.

Started as `python -m ml.tether MODULE [ARGUMENT ...]` with a pipe as standard input that only the
starter holds open. Its end, however it came, closes the pipe, and the whole process group is
killed: nothing that was started from here outlives the worker that wanted it. On Linux the kernel
is asked for the same, so that code which never lets a thread run cannot escape either.
"""

import ctypes
import os
import runpy
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _kill_group_at_end_of_input() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Tie this process to its starter, then run the module under its own name."""
    if os.getpgrp() != os.getpid():
        os.setsid()  # never kill the group of a shell that tries this by hand
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_kill_group_at_end_of_input, name="tether", daemon=True).start()
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
