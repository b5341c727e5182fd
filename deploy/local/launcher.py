"""Becomes another program that does not outlive whoever started it. Run as a script, before the program.

    python -I -S launcher.py PARENT_PID SIGNAL USER COMMAND...

The kernel sends SIGNAL when the parent dies, even by `kill -9`. USER is `-` or, as root, the account to run
as. Setting this up in a fresh process keeps the parent free to have threads (a `preexec_fn` forbids them).
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def become(user: str) -> None:
    """Gives up root for good."""
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def main(parent: int, death_signal: int, user: str, command: list[str]) -> None:
    if user != "-":
        become(user)
    if sys.platform == "linux":  # after become(): a change of user clears it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the kernel was told
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
