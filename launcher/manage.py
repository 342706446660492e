"""`make manage ARGS='command …'`: a command of manage.py on the server that `make run` runs in another terminal."""

import json
import os
import sys

from launcher import home as homes
from launcher.family import PROJECT


def main(arguments: list[str]) -> None:
    """Become `manage.py <arguments>` with the environment of the running server, or with the person's own."""
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
    home = homes.default()
    if len(urls) < 2:
        try:
            urls = json.loads((home / homes.ADDRESSES).read_text()) | urls
        except FileNotFoundError:
            sys.exit("Nothing runs here: start `make run` in another terminal, or set DATABASE_URL and REDIS_URL.")
    environment = {"LINLI_ENV": "development"} | os.environ | urls | {"LINLI_LOCAL_DIR": str(home)}
    os.execve(sys.executable, [sys.executable, str(PROJECT / "manage.py"), *arguments], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
