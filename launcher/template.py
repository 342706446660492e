"""The database that the tests copy: the schema, the reference data and the demo street.

Making it takes ten seconds, more than most selections of tests do. It is kept for as long as what it is made of stays the same.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from launcher import home as homes
from launcher.family import PROJECT

MADE_OF = (
    "*/migrations/*.py",
    "tests/**/migrations/*.py",
    "*/data/**/*.*",
    "*/management/commands/load_*.py",
    "community/demo.py",
    "tickets/catalogue.py",
    "tickets/clerks.py",
    "*/service_level.py",
    "*/models/service_level*.py",
    "workflow/calendar*.py",
    "workflow/levels.py",
    "workflow/notice.py",
    # Which apps there are, those of packages too; and which versions of these.
    "config/settings.py",
    "requirements/production.txt",
    "launcher/prepare.py",
    "launcher/servers.py",
    "tests/settings.py",
    "tests/passwords.py",
    "requirements/dev.txt",
)
"""What the rows and the tables come from."""
PEOPLE = "people.txt"
KEPT = "LINLI_KEPT_DATABASE"
"""Where in the environment the tests name the kept database, for servers of their own to begin with rather than with nothing."""


def digest() -> str:
    """A digest of all that the database is made of."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in MADE_OF for path in PROJECT.glob(pattern)}):
        content = path.read_bytes()
        found.update(f"{path.relative_to(PROJECT)} {len(content)}\n".encode() + content)
    return found.hexdigest()


def kept_database() -> Path:
    """Where the current database is kept, if it is."""
    return homes.default() / "template" / digest()


def restore(home: Path) -> bool:
    """Lay the kept database into `home`, on which no server runs. False where there is none that is current."""
    kept = kept_database()
    if not kept.is_dir():
        return False
    _lay(kept, home)
    return True


def restore_named(home: Path) -> bool:
    """Lay the kept database that the environment names into `home`. False where it names none."""
    named = os.environ.get(KEPT)
    if not named:
        return False
    _lay(Path(named), home)
    return True


def keep(home: Path) -> None:
    """Keep the database in `home`, whose servers have stopped, and no older one."""
    kept = kept_database()
    parent, half = kept.parent, kept.with_suffix(".new")
    shutil.rmtree(parent, ignore_errors=True)
    half.mkdir(parents=True)
    _lay(home, half)
    half.rename(kept)


def _lay(source: Path, target: Path) -> None:
    for name in ("postgres", PEOPLE):
        # With its owner, which PostgreSQL insists on.
        subprocess.run(["/bin/cp", "-Rp", source / name, target / name], check=True)
