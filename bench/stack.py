"""The processes of a measurement: Linli's own, Valkey and PostgreSQL. Each can be killed at any time."""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.ground import Ground
from launcher import servers
from launcher.family import SERVERS, Child
from launcher.run import celery_commands

VALKEY, POSTGRESQL = "Valkey", "PostgreSQL"


@dataclass
class Stack:
    """The processes. `kills` counts killed processes, `falls` processes that ended by themselves and were restarted.

    `postman` is a module that delivers in place of the postmen.
    """

    ground: Ground
    environment: Mapping[str, str]
    postmen: int = 2
    postman: str | None = None
    running: dict[str, Child] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    falls: Counter[str] = field(default_factory=Counter)

    @property
    def apps(self) -> tuple[str, ...]:
        """The names of Linli's own processes."""
        return ("worker", "beat", *(f"postman {number + 1}" for number in range(self.postmen)))

    def start(self, name: str) -> None:
        """Start one of the apps."""
        kind = name.split()[0]
        celery = [sys.executable, "-m", "celery", "--app", "config.celery", "--quiet"]
        command = [*celery, *celery_commands(self.ground.home)[kind]]
        if kind == "postman":
            command += ["--hostname", f"{name.replace(' ', '')}@%h"]
            if self.postman:
                command = [sys.executable, "-m", self.postman]
        log = self.ground.home.logs / f"{name}-{self.kills[name] + self.falls[name]}.log"
        self.running[name] = self.ground.family.start(name, command, environment=self.environment, log=log)

    def start_all(self) -> None:
        """Start all apps."""
        for name in self.apps:
            self.start(name)

    def replace(self, name: str) -> None:
        """Kill an app, Valkey or a process of PostgreSQL's, and let it come back."""
        if name == VALKEY:
            self._replace_valkey()
        elif name == POSTGRESQL:
            self._replace_walwriter()
        else:
            self.kill(name)
            self.start(name)

    def tend(self) -> None:
        """Restart processes that ended by themselves, as a process manager does."""
        for name, child in list(self.running.items()):
            if child.process.poll() is not None:
                self.ground.family.finish(child)
                self.falls[name] += 1
                self.start(name)

    def kill(self, name: str) -> None:
        """Kill an app and all its children with SIGKILL."""
        self.kills[name] += 1
        self.ground.family.put_down(self.running.pop(name))

    def kill_all(self) -> None:
        """The power fails."""
        for name in list(self.running):
            self.kill(name)

    def _replace_valkey(self) -> None:
        """It comes back with nothing of what it knew."""
        family, home = self.ground.family, self.ground.home
        child = next(one for one in family.children if one.name == VALKEY)
        family.put_down(child)
        self.kills[VALKEY] += 1
        for kept in (home.path / "valkey").iterdir():
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        family.start(
            VALKEY,
            child.process.args,  # type: ignore[arg-type]
            environment=servers.ENVIRONMENT,
            log=child.log,
            stage=SERVERS,
            account=servers.account_for(home.path),
        )

    def _replace_walwriter(self) -> None:
        """PostgreSQL cuts off everybody, and recovers from its log."""
        from django.db import Error, connection  # noqa: PLC0415 - Django is set up only now

        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
            os.kill(cursor.fetchone()[0], signal.SIGKILL)
        self.kills[POSTGRESQL] += 1
        end = time.monotonic() + servers.PATIENCE
        while time.monotonic() < end:
            connection.close()
            time.sleep(0.1)
            with contextlib.suppress(Error):
                connection.ensure_connection()
                return
        raise SystemExit("PostgreSQL has not come back.")
