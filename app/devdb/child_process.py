"""Owns the start of a child process that ends with its parent: changes the account, sets the signal, and executes the program.

A script, never imported: `python -I -S child_process.py OWNER SIGNAL UID GID PROGRAM [ARGUMENT…]`. A UID of -1 keeps the account.
It is a program of its own: a function that runs between fork and exec can deadlock if the parent has threads.

Source: prctl(2), PR_SET_PDEATHSIG; POSIX, "Signals and Error Handling" of asynchronous lists.
"""

import ctypes
import os
import sys
from signal import SIG_DFL
from signal import signal as set_signal

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    owner, signal, uid, gid = (int(each) for each in sys.argv[1:5])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # A shell lets background processes ignore SIGINT and SIGQUIT, and their children inherit that. A server without its own handlers yet
    # would then not end.
    set_signal(signal, SIG_DFL)
    # Set after the change of account, which clears it. Only Linux has it: on other systems the next start ends the orphaned server.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        # If the parent ended before the line above, no signal will come.
        if os.getppid() != owner:
            sys.exit(1)
    os.execv(sys.argv[5], sys.argv[5:])  # nosec B606 # noqa: S606 - the caller chose the program, and no shell is wanted
