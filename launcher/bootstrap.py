"""From a bare Python to Linli's virtual environment, then on to the command that was asked for.

What is fetched goes into `.venv` and `.local`; a Python and caches that the person has already are used where they are.

Standard library only, and the syntax of Python 3.9: this file runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCAL = PROJECT / ".local"
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = PROJECT / "requirements" / "dev.txt"
UV_LOCK = PROJECT / "requirements" / "uv.txt"
UV_VERSION = "0.13.9"
# Any of these runs Linli; `.python-version` names the one that it is tested with, and that is fetched where there is none.
PYTHONS = ">=3.12,<3.15"
ENTERED = "import sys; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 15))"
HOW_TO_GET_PYTHON = """\
Install one, and try again:
  Debian 13, Ubuntu 24.04 and later   apt install python3 python3-venv
  macOS with Homebrew                 brew install python@{wanted}
  anywhere, with pyenv                pyenv install {wanted}, then pyenv global {wanted}
or name a mirror of GitHub's python-build-standalone releases:
  export UV_PYTHON_INSTALL_MIRROR=https://mirror.example/python-build-standalone"""
HOW_TO_GET_PACKAGES = """\
Is a package registry within reach? A mirror of PyPI is named by
  export PIP_INDEX_URL=https://mirror.example/simple UV_DEFAULT_INDEX=https://mirror.example/simple"""


class Stuck(Exception):
    """The environment cannot be made; the words say what the person at the terminal can do."""


def main(arguments: list[str]) -> None:
    """Make `.venv` as the lock says, then become `python -m <arguments>` in it."""
    os.chdir(PROJECT)
    LOCAL.mkdir(exist_ok=True)
    check_owner(LOCAL)
    with open(LOCAL / "bootstrap.lock", "w") as lock:
        # Two commands in a fresh clone at once: the second waits for the first one's environment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not up_to_date():
            build()
    os.execv(str(PYTHON), [str(PYTHON), "-m", *arguments])


def fingerprint() -> str:
    """What the environment is made from: the lock and the version of Python."""
    wanted = LOCK.read_bytes() + (PROJECT / ".python-version").read_bytes()
    return hashlib.sha256(wanted).hexdigest()


def up_to_date() -> bool:
    """Whether `.venv` was made from this very lock, and its Python still starts."""
    stamp = VENV / "linli.stamp"
    if not stamp.is_file() or stamp.read_text() != fingerprint():
        return False
    return works([str(PYTHON), "-c", ""])


def check_owner(place: Path) -> None:
    """Raise Stuck where a directory of ours is there and cannot be written, as after a run as root."""
    if place.exists() and not os.access(place, os.W_OK | os.X_OK):
        raise Stuck(
            f"{place} belongs to somebody else (a run as root, perhaps).\n"
            f"Give it back with `sudo chown -R $(id -un) {place}`, or remove it, and try again."
        )


def build() -> None:
    """Get uv, a Python as `.python-version` says, and every package of the lock, each checked by its hash."""
    check_owner(VENV)
    uv = find_uv()
    environment = dict(os.environ, VIRTUAL_ENV=str(VENV))
    if environment.get("CI"):
        environment.setdefault("UV_PYTHON_DOWNLOADS", "never")
    keep_within(environment, "UV_CACHE_DIR", [uv, "cache", "dir"])
    if not right_python():
        make_venv(uv, environment)
    say("Installing packages …")
    sync = [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", str(PYTHON), str(LOCK)]
    if subprocess.run(sync, env=environment).returncode:
        raise Stuck(f"The packages could not be installed; the lines above say why.\n{HOW_TO_GET_PACKAGES}")
    (VENV / "linli.stamp").write_text(fingerprint())


def make_venv(uv: str, environment: dict[str, str]) -> None:
    """Make `.venv` with the Python that `.python-version` names, else with another of PYTHONS on this machine, else fetch the first."""
    wanted = (PROJECT / ".python-version").read_text().strip()
    find = [uv, "python", "find", "--no-python-downloads", "--system"]
    there = (found for asked in (wanted, PYTHONS) if (found := (output([*find, asked], environment) or "").strip()))
    python = next(there, "")
    if python:
        say(f"Making .venv with {python} …")
    else:
        say(f"There is no Python 3.12, 3.13 or 3.14 on this machine. Fetching {wanted} …")
        environment.setdefault("UV_PYTHON_INSTALL_DIR", str(LOCAL / "python"))
    made = subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python or wanted, str(VENV)], env=environment)
    if made.returncode:
        if python:
            raise Stuck(f"{python} cannot make .venv; the lines above say why.")
        raise Stuck(
            f"There is no Python 3.12, 3.13 or 3.14 on this machine, and {wanted} could not (or may not) be fetched.\n"
            + HOW_TO_GET_PYTHON.format(wanted=wanted)
        )


def keep_within(environment: dict[str, str], name: str, asking: list[str]) -> None:
    """Have the directory `name` lie in `.local`, unless the person named another or already has the one that `asking` tells."""
    told = (output(asking) or "").strip()
    if not environment.get(name) and not (told and os.path.isdir(told)):
        environment[name] = str(LOCAL / name.lower().replace("_", "-"))


def right_python() -> bool:
    """Whether `.venv` exists and runs a Python that runs Linli."""
    return works([str(PYTHON), "-c", ENTERED])


def find_uv() -> str:
    """The pinned uv: installed before, by pip, by a throw-away virtual environment, or on the PATH already."""
    target = LOCAL / "uv"
    for own in (target / "bin" / "uv", target / "venv" / "bin" / "uv"):
        if is_pinned(str(own)):
            return str(own)
    say(f"Getting uv {UV_VERSION} …")
    shutil.rmtree(target, ignore_errors=True)
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", str(UV_LOCK)]
    if works([sys.executable, "-m", "pip", "--version"]):
        if run([sys.executable, "-m", "pip", *install, "--target", str(target)]) and is_pinned(str(target / "bin/uv")):
            return str(target / "bin" / "uv")
    elif works([sys.executable, "-m", "venv", "--clear", str(target / "venv")]):
        if run([str(target / "venv/bin/python"), "-m", "pip", *install]) and is_pinned(str(target / "venv/bin/uv")):
            return str(target / "venv" / "bin" / "uv")
    else:
        on_path = shutil.which("uv")
        if on_path and is_pinned(on_path):
            return on_path
        raise Stuck(
            f"{sys.executable} has neither pip nor venv, so uv cannot be installed.\n"
            f"Install one of them (on Debian and Ubuntu: apt install python3-venv),\n"
            f"or uv {UV_VERSION} itself, and try again."
        )
    on_path = shutil.which("uv")
    if on_path and is_pinned(on_path):
        return on_path
    raise Stuck(f"uv could not be installed; the lines above say why.\n{HOW_TO_GET_PACKAGES}")


def is_pinned(uv: str) -> bool:
    """Whether the program `uv` exists and is the pinned version."""
    return os.path.exists(uv) and (output([uv, "--version"]) or "").startswith(f"uv {UV_VERSION}")


def output(command: list[str], environment: dict[str, str] | None = None) -> str | None:
    """What `command` prints, or None where it does not run."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def works(command: list[str]) -> bool:
    """Whether `command` runs and succeeds; what it prints is nobody's business."""
    return output(command) is not None


def run(command: list[str]) -> bool:
    """Run pip's `command` in sight of the person; whether it succeeded."""
    # Its warning about root does not apply: nothing outside the project is written.
    environment = dict(os.environ, PIP_ROOT_USER_ACTION="ignore")
    keep_within(environment, "PIP_CACHE_DIR", [command[0], "-m", "pip", "cache", "dir"])
    return subprocess.run(command, env=environment).returncode == 0


def say(words: str) -> None:
    """Tell the person at the terminal what goes on; what the command prints may be read by a program."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Stuck as stuck:
        sys.exit(f"\n{stuck}")
    except OSError as error:
        sys.exit(f"\n{error.filename or PROJECT} cannot be used: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)
