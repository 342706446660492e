"""The health probe of a container: `python -m config.probe web|pulse`; exit code 0 where all is well.

`web` asks this container's web server for `/healthz`; `pulse` looks at the pulse of this container's worker or beat. Neither
looks at another container's process.
"""

import http.client
import os
import sys

from django.conf import settings

from config import pulse

PORT = 8000


def web(host: str, port: int = PORT) -> bool:
    """Whether the web server on this machine can serve; it is addressed by `host`, one of the names it answers to."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def beating(file: str) -> bool:
    """Whether the process that touches `file` did so lately."""
    age = pulse.age(file) if file else None
    return age is not None and age <= pulse.STALE


def main(what: str) -> bool:
    """Ask for `what`."""
    if what == "web":
        # ".example.org" means any name below it; "*" means any name.
        name = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
        return web("localhost" if name == "*" else name.removeprefix("."))
    return beating(settings.PULSE_FILE)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(0 if main(sys.argv[1]) else 1)
