"""Makes calls with free names that become protected ones while somebody looks at them: `attack.py KIND ROUNDS EITHER SECONDS`.

Prints how many calls went through, how many were refused, and how many protected names were made.
"""

import ctypes
import errno
import mmap
import os
import signal
import sys
import threading
import time

KIND = sys.argv[1]
ROUNDS, EITHER, SECONDS = map(int, sys.argv[2:])
# Where the machine is busy, at the latest.
PATIENCE = 120
LIBRARY = ctypes.CDLL(None, use_errno=True)
WRITE = os.O_WRONLY | os.O_CREAT
# As long as each other: whatever of them is read at any moment is one name.
FREE, PROTECTED = b".plain", b".envrc"
AT_CWD, EXCHANGE = -100, 2

through = refused = broken = 0
stop = False


def result(value):
    """Counts what came of a call."""
    global through, refused
    if value >= 0:
        through += 1
    elif ctypes.get_errno() in (errno.EPERM, errno.EACCES):
        refused += 1
    return value


def look(protected):
    """Whether a protected name has been made. It is removed, for the next round."""
    global broken
    if os.path.lexists(protected):
        broken += 1
        os.unlink(protected)


def flip_in_process(flip):
    """Changes something of this process in another thread."""

    def work():
        while not stop:
            flip()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    sys.setswitchinterval(1e-5)


def flip_beside(flip):
    """Changes something in another process. It ends with this one."""
    pid = os.fork()
    if pid == 0:
        while True:
            flip()
    return pid


def memory():
    """The text of a path in memory that another process writes."""
    page = mmap.mmap(-1, mmap.PAGESIZE)
    page[:7] = FREE + b"\0"

    def flip():
        page[:6] = PROTECTED
        page[:6] = FREE

    name = (ctypes.c_char * mmap.PAGESIZE).from_buffer(page)
    return flip_beside(flip), ctypes.byref(name)


def removed(name):
    try:
        os.unlink(name)
    except OSError:
        pass


def main():
    global stop
    begun = time.monotonic()
    beside = None
    if KIND == "memory":
        beside, name = memory()

        def attempt():
            opened = result(LIBRARY.open(name, WRITE, 0o644))
            if opened >= 0:
                os.close(opened)
            look(PROTECTED)
            removed(FREE)

    elif KIND == "memory-of-a-target":
        beside, name = memory()
        calls = [
            lambda: LIBRARY.rename(b"from", name),
            lambda: LIBRARY.link(b"from", name),
            lambda: LIBRARY.symlink(b"from", name),
        ]
        turn = 0

        def attempt():
            nonlocal turn
            if not os.path.exists("from"):
                open("from", "w").close()
            result(calls[turn % len(calls)]())
            turn += 1
            look(PROTECTED)
            removed(FREE)

    elif KIND in ("link", "link-from-outside"):
        if KIND == "link":
            exchange = lambda: LIBRARY.renameat2(AT_CWD, b"here", AT_CWD, b"there", EXCHANGE)
            beside = flip_beside(exchange)

        def attempt():
            opened = result(LIBRARY.open(b"here/pre-commit", WRITE, 0o644))
            if opened >= 0:
                os.close(opened)
            look(".git/hooks/pre-commit")
            removed("free/pre-commit")

    elif KIND in ("descriptor", "folder"):
        free, hooks = os.open("free", os.O_RDONLY), os.open(".git/hooks", os.O_RDONLY)
        root = os.getcwd()
        if KIND == "descriptor":
            os.dup2(free, 50)
            flip_in_process(lambda: (os.dup2(hooks, 50), os.dup2(free, 50)))
            at = 50
        else:
            os.chdir(free)
            flip_in_process(lambda: (os.fchdir(hooks), os.fchdir(free)))
            at = AT_CWD

        def attempt():
            opened = result(LIBRARY.openat(at, b"pre-commit", WRITE, 0o644))
            if opened >= 0:
                os.close(opened)
            look(root + "/.git/hooks/pre-commit")
            removed(root + "/free/pre-commit")

    else:
        sys.exit("no such kind")
    rounds = 0
    while True:
        attempt()
        rounds += 1
        passed = time.monotonic() - begun
        seen = broken or min(through, refused) >= EITHER
        if passed > PATIENCE or (seen and (rounds >= ROUNDS or passed > SECONDS)):
            break
    stop = True
    if beside:
        os.kill(beside, signal.SIGKILL)
        os.waitpid(beside, 0)
    print(through, refused, broken)


main()
