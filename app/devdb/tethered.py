"""Owns the step between our process and a server's: become its account, ask the kernel to end us with our owner, and turn into it.

Run as a script, never imported: `python -I -S tethered.py OWNER SIGNAL UID GID PROGRAM [ARGUMENT…]`; a UID of -1 stays who we
are. It is a program of its own because a function run between fork and exec may deadlock when the owner has threads.

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
    # A shell has what it starts in the background ignore SIGINT and SIGQUIT, and all that this starts does so, too. A server that has not
    # yet set handlers of its own would run on.
    set_signal(signal, SIG_DFL)
    # After the change of account, which would undo it. Other systems than Linux have no such thing: there the next start clears up.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        # The owner may have ended before the line above; then no signal will ever come.
        if os.getppid() != owner:
            sys.exit(1)
    os.execv(sys.argv[5], sys.argv[5:])  # nosec B606 # noqa: S606 - the caller chose the program, and no shell is wanted
