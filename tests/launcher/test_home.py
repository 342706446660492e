import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from launcher import home as homes
from launcher.family import PROJECT, Trouble
from tests.launcher.conftest import environment

URLS = {"DATABASE_URL": "postgres://linli@/linli?host=%2Frun", "REDIS_URL": "unix:///run/valkey.sock"}
WEB = "http://127.0.0.1:8123"


@pytest.fixture
def usual(tmp_path, monkeypatch) -> Path:
    """The home that is used where none is named."""
    monkeypatch.setenv("LINLI_LOCAL_DIR", str(tmp_path / "usual"))
    return tmp_path / "usual"


@contextlib.contextmanager
def served(path: Path):
    """A launcher that runs on `path`: this very process."""
    with homes.open_home(path):
        homes.note(path, URLS, WEB)
        if path != homes.default():
            homes.note_elsewhere(path)
        yield


def manage(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "launcher.manage", *arguments]
    return subprocess.run(asked, cwd=PROJECT, env=environment(at), capture_output=True, text=True)


def test_the_server_on_the_usual_home_is_found_on_whatever_port(usual):
    assert homes.running() is None
    with served(usual):
        assert homes.running() == homes.Running(usual, URLS, WEB)
        assert manage("address", at=usual).stdout == f"{WEB}\n"
    assert homes.running() is None


def test_a_server_on_another_home_is_found_without_being_named(usual, tmp_path):
    other = tmp_path / "other"
    with served(other):
        found = homes.running()
        assert found is not None
        assert (found.home, found.web) == (other, WEB)
        assert manage("address", at=usual).stdout == f"{WEB}\n"
        assert manage("address", "--home", str(other), at=usual).stdout == f"{WEB}\n"
    assert homes.running() is None


def test_of_several_servers_one_must_be_named(usual, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    with served(one), served(other):
        with pytest.raises(Trouble, match="Several servers run"):
            homes.running()
        assert homes.running(one) == homes.Running(one, URLS, WEB)
        said = manage("showmigrations", at=usual)
        assert said.returncode == 1
        assert "--home DIRECTORY" in said.stderr
        assert "Traceback" not in said.stderr
    with served(one), served(usual):
        assert homes.running() == homes.Running(usual, URLS, WEB)


def test_what_a_killed_launcher_left_behind_is_no_server(usual):
    usual.mkdir()
    homes.note(usual, URLS, WEB)
    (usual / "lock").write_text("1")
    assert homes.running() is None
    for command in (["address"], ["token", "resident"], ["showmigrations"]):
        said = manage(*command, at=usual)
        assert said.returncode == 1
        assert len(said.stderr.splitlines()) == 1
        assert "start `make run`" in said.stderr


def test_half_a_file_of_addresses_is_never_there(usual):
    usual.mkdir()
    homes.note(usual, URLS)
    (usual / f"{homes.ADDRESSES}.new").write_text('{"urls": {"DATABASE')
    with homes.open_home(usual):
        assert homes.running() == homes.Running(usual, URLS, "")


# As root everything is imported, and then the rights are given up: nobody may not read root's Python.
AS_NOBODY = """
import os, sys
import launcher.check, launcher.manage, launcher.run
os.setegid(65534)
os.seteuid(65534)
entry = sys.argv.pop(1)
sys.exit(launcher.manage.main(sys.argv[1:]) if entry == "manage" else getattr(launcher, entry).main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory that belongs to somebody else")
@pytest.mark.parametrize("entry", [["run", "--no-demo"], ["manage", "showmigrations"], ["manage", "address"]])
def test_a_directory_of_somebody_elses_is_one_sentence(entry):
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        home = Path(directory)
        home.chmod(0o755)
        (home / "lock").touch(0o600)
        asked = [sys.executable, "-c", AS_NOBODY, *entry]
        refused = subprocess.run(asked, cwd=PROJECT, env=environment(home), capture_output=True, text=True)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1, said
    assert f"{home}/lock belongs to somebody else" in said or f"{home}/log belongs to somebody else" in said, said
    assert len(said.strip().splitlines()) == 1, said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "/srv/x"), "/srv/x belongs to somebody else"),
        (NotADirectoryError(20, "Not a directory", "/srv/x"), "/srv/x cannot be used: Not a directory."),
        (OSError(28, "No space left on device"), "cannot be used: No space left on device."),
    ],
)
def test_what_the_file_system_refuses_is_said_in_words(tmp_path, error, words):
    with pytest.raises(Trouble, match=words), homes.in_words(tmp_path):
        raise error
