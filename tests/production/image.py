"""The image that the Dockerfile describes, made in a directory without a container engine.

The Dockerfile's own instructions run in their order. Paths of the image (`/srv`, `/opt`) lie below a directory instead, and two things
stand in for the base image: a virtual environment for its Python, and nothing at all for the account that `useradd` makes.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from launcher import bootstrap
from launcher.family import PROJECT

SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
# What says where packages come from, on a machine that has a mirror or a proxy.
_REGISTRY = re.compile(r"(PIP|UV|SSL|REQUESTS)_\w+|(HTTPS?|ALL|NO)_PROXY|HOME", re.IGNORECASE)
# The caches of this machine serve, so that a second build fetches nothing.
_CACHES = {"PIP_NO_CACHE_DIR", "UV_NO_CACHE"}


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The Dockerfile's instructions, each with its arguments, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


@dataclass
class Image:
    """A directory that holds what the image would hold, and the environment and command that it ends with."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    directory: Path = Path()
    steps: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        """`text` with the image's absolute paths lying below the root."""
        return re.sub(r"(?<![\w./-])/(srv|opt|tmp)\b", rf"{self.root}/\1", text)

    @property
    def python(self) -> Path:
        """The Python that has the production packages and no others."""
        return self.root / "opt" / "venv" / "bin" / "python"

    @property
    def project(self) -> Path:
        """Where the project's files are."""
        return self.root / "srv" / "linli"


def registry() -> dict[str, str]:
    """The environment in which packages come from where this machine gets them, and from its caches."""
    kept = {name: value for name, value in os.environ.items() if _REGISTRY.fullmatch(name)}
    bootstrap.keep_within(kept, "UV_CACHE_DIR", [bootstrap.find_uv(), "cache", "dir"])
    bootstrap.keep_within(kept, "PIP_CACHE_DIR", [sys.executable, "-m", "pip", "cache", "dir"])
    # uv passes over the Python of a virtual environment: a machine's own has none around it.
    return kept | {"UV_PYTHON": os.path.realpath(sys.executable)}


def build(root: Path, source: Path = PROJECT) -> Image:
    """Do what the Dockerfile in `source` says."""
    base = root / "base"
    image = Image(root)
    kept = registry()
    subprocess.run([bootstrap.find_uv(), "venv", "--quiet", "--seed", base], env=os.environ | kept, check=True)
    for place in ("srv", "opt", "tmp"):
        (root / place).mkdir(parents=True)
    for word, rest in instructions((source / "Dockerfile").read_text()):
        if word == "FROM":
            image.environment = {"PATH": f"{base / 'bin'}:{os.defpath}"}
            image.directory = root
        elif word == "ENV":
            given = dict(part.split("=", 1) for part in shlex.split(rest))
            given = {name: image.inside(value) for name, value in given.items() if name not in _CACHES}
            given["PATH"] = given.get("PATH", "$PATH").replace("$PATH", image.environment["PATH"])
            image.environment |= given
        elif word == "WORKDIR":
            image.directory = Path(image.inside(rest))
            image.directory.mkdir(parents=True, exist_ok=True)
        elif word == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for name in sources:
                copy(source, name, image.directory / target / (Path(name).name if target.endswith("/") else ""))
        elif word == "RUN":
            run(image, rest, kept)
        elif word == "CMD":
            image.command = json.loads(image.inside(rest))
        else:
            # What an engine does alone: the account, the port, the probe; and what the first stage made is there already.
            assert word in {"COPY", "USER", "EXPOSE", "HEALTHCHECK"}, word
    return image


def run(image: Image, script: str, given: Mapping[str, str]) -> None:
    """Run one RUN instruction."""
    script = image.inside(re.sub(r"^useradd\b", "true", script).replace("--owner linli", ""))
    image.steps.append(script)
    environment = {**given, **image.environment}
    done = subprocess.run(["sh", "-euc", script], cwd=image.directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def copy(source: Path, name: str, target: Path) -> None:
    """Copy a file or a directory of the project as far as .dockerignore lets it go to the builder."""
    ignored = (source / ".dockerignore").read_text().split()
    assert f"!{name}" in ignored, name
    patterns = [pattern.removeprefix("**/") for pattern in ignored if pattern.startswith("**/")]

    def left_out(_: str, names: list[str]) -> set[str]:
        return {each for each in names if any(fnmatch.fnmatch(each, pattern) for pattern in patterns)}

    target.parent.mkdir(parents=True, exist_ok=True)
    if (source / name).is_dir():
        shutil.copytree(source / name, target, ignore=left_out, dirs_exist_ok=True)
    else:
        shutil.copy(source / name, target)


def services(image: Image, given: Mapping[str, str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """The command and the environment of each of our services in docker-compose.yml, with `given` as the file `.env`."""

    def filled(text: str) -> str:
        def value(found: re.Match[str]) -> str:
            name, rule, words = found.groups()
            assert given.get(name) or rule == ":-", f"{name}: {words}"
            return given.get(name) or words

        return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, text)

    found = {}
    for name, service in SERVICES.items():
        if service["image"] == "linli":
            # Each container has a /tmp of its own.
            shared, own = str(image.root / "tmp"), str(image.root / "tmp" / name)
            Path(own).mkdir(exist_ok=True)
            environment = {key: image.inside(filled(str(value))) for key, value in service["environment"].items()}
            environment = {key: value.replace(shared, own) for key, value in environment.items()}
            command = [image.inside(part) for part in service.get("command", image.command)]
            command = [part.replace(shared, own) for part in command]
            found[name] = command, {**image.environment, **environment}
    return found
