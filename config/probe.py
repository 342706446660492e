"""The health probe of a container: `python -m config.probe web|heartbeat`; exit code 0 where all is well.

`web` asks this container's web server for `/healthz`; `heartbeat` asks Redis for the age of the last heartbeat.
"""

import http.client
import os
import sys

from config import heartbeat

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


def beating() -> bool:
    """Whether a worker wrote its heartbeat lately, which takes beat, broker and worker."""
    age = heartbeat.age()
    return age is not None and age <= heartbeat.STALE


def main(what: str) -> bool:
    """Ask for `what`."""
    if what == "web":
        # ".example.org" means any name below it; "*" means any name.
        name = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
        return web("localhost" if name == "*" else name.removeprefix("."))
    return beating()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(0 if main(sys.argv[1]) else 1)
