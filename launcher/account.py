"""An unprivileged account for the servers when Linli is started by root: PostgreSQL refuses to run as root.

Nothing outside the project is changed. Where the account may not pass a directory above the project (a clone in root's
home), its processes keep one single capability of root's on Linux: CAP_DAC_READ_SEARCH, to read and search; or
CAP_DAC_OVERRIDE, where a strict umask (077) closed the packages themselves, or the container grants no other.
"""

import ctypes
import os
import pwd
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_CAPBSET_READ, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 23, 28, 47, 2
# Without it access(2), which initdb asks, answers as if the capability were not there.
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the servers; `capability` is the one that is kept, or None."""

    name: str
    uid: int
    gid: int
    capability: int | None = None

    def become(self) -> None:
        """Turn the calling process (a child before exec) into this account. Raises OSError where it cannot."""
        os.setgroups([])
        os.setgid(self.gid)
        if self.capability is None:
            os.setuid(self.uid)
            return
        _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
        os.setuid(self.uid)
        header, one = _Header(CAPABILITY_VERSION_3, 0), 1 << self.capability
        sets = (_Sets * 2)(_Sets(one, one, one), _Sets(0, 0, 0))
        if _libc is None or _libc.capset(ctypes.byref(header), ctypes.byref(sets)):
            raise OSError(ctypes.get_errno(), "capset")
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, self.capability)

    def own(self, directory: Path) -> None:
        """Give `directory`, which is the project's own, to this account alone."""
        os.chown(directory, self.uid, self.gid)


def for_servers(*paths: Path) -> Account | None:
    """The account for the servers, which must reach each of `paths`; None where the caller is not root.

    The project's owner where that is somebody else than root, else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    owner = Path(__file__).stat().st_uid
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    if all(reaches(account, path) for path in paths):
        return account
    closed = any(not may(account, path) for path in paths)
    for capability in (CAP_DAC_OVERRIDE,) if closed else (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if LINUX and _libc is not None and _libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            return Account(account.name, account.uid, account.gid, capability)
    raise PermissionError(
        f"PostgreSQL does not run as root, and the account {account.name!r} may not enter {paths[0]}. "
        "Clone Linli into a directory that everybody may enter, or start it as an ordinary user."
    )


def reaches(account: Account, path: Path) -> bool:
    """Whether the account may use `path` and search every directory above it."""
    path = path.resolve()
    return all(may(account, place) for place in (path, *path.parents))


def may(account: Account, path: Path) -> bool:
    """Whether owner and mode of `path` allow the account to search it (a directory), run it (a program) or read it."""
    status = path.stat()
    wanted = 0o1 if status.st_mode & 0o100 else 0o4
    return bool(status.st_mode & (wanted << 6 if status.st_uid == account.uid else wanted))


def die_with_parent(parent: int, number: int) -> None:
    """Have the kernel send signal `number` to the calling process when its parent `parent` dies (Linux only)."""
    if LINUX:
        _prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _prctl(option: int, first: int, second: int = 0) -> None:
    if _libc is None or _libc.prctl(option, first, second, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option})")
