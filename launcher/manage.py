"""`make manage ARGS='command …'`: a command of manage.py on the server that `make run` runs in another terminal.

`make demo`, `make token` and `make address` come here, too.
"""

import argparse
import os
import sys
from pathlib import Path

from launcher import home as homes
from launcher.family import PROJECT, Trouble

NOTHING_RUNS = "Nothing runs here: start `make run` in another terminal, or set DATABASE_URL and REDIS_URL."
# These speak to no server of ours; the settings want some.
ALONE = frozenset({"demo", "draw_states"})
UNUSED = {"DATABASE_URL": "postgres://unused/linli", "REDIS_URL": "redis://unused"}


def main(arguments: list[str]) -> None:
    """Become `manage.py <arguments>` with the environment of the running server, or with the person's own."""
    asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    asked.add_argument("--home", type=Path)
    options, command = asked.parse_known_args(arguments)
    name = command[0] if command else ""
    try:
        running = homes.running(options.home)
    except Trouble as trouble:
        sys.exit(str(trouble))
    if name == "address":
        if running is None or not running.web:
            sys.exit("No web server runs here yet: start `make run` in another terminal, and wait until it says so.")
        sys.stdout.write(f"{running.web}\n")
        return
    named = {name: os.environ[name] for name in UNUSED if os.environ.get(name)}
    urls = (dict(running.urls) if running else {}) | named
    if name in ALONE:
        urls = UNUSED | urls
    if len(urls) < len(UNUSED):
        sys.exit(NOTHING_RUNS)
    if name == "demo" and running and running.web and not any(one.startswith("--url") for one in command):
        command += ["--url", running.web]
    home = running.home if running else options.home or homes.default()
    environment = {"LINLI_ENV": "development"} | os.environ | urls | {"LINLI_LOCAL_DIR": str(home.absolute())}
    os.execve(sys.executable, [sys.executable, str(PROJECT / "manage.py"), *command], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
