import os
import subprocess
import sys

import pytest

from launcher import account, home, servers
from launcher.family import PROJECT, Family, Trouble
from launcher.run import server_urls


def test_servers_named_by_the_environment_are_used_and_none_is_started(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@db.example/linli")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example/0")
    with home.open_home(tmp_path) as opened, Family() as family, server_urls(opened, family) as urls:
        assert urls == {"DATABASE_URL": "postgres://somebody@db.example/linli", "REDIS_URL": "redis://cache.example/0"}
        assert family.children == []


def test_a_database_of_another_major_version_is_refused_and_left_alone(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    with home.open_home(tmp_path) as opened, Family() as family:
        place = servers.ServerPlace(opened, tmp_path, None)
        with pytest.raises(Trouble, match="holds the data of PostgreSQL 17, and this Linli brings PostgreSQL 18"):
            servers.initdb(family, place)
        assert family.children == []
    assert [file.name for file in (tmp_path / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_home_in_use_is_refused(tmp_path):
    with home.open_home(tmp_path), pytest.raises(Trouble, match=f"process {os.getpid()}"), home.open_home(tmp_path):
        pytest.fail("the home was opened twice")


def test_sockets_move_to_a_short_directory_where_the_path_is_too_long(tmp_path):
    deep = tmp_path / ("x" * 90)
    with home.open_home(deep) as opened, home.socket_directory(opened, None) as sockets:
        assert len(str(sockets)) < 40
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()
    with home.open_home(tmp_path) as opened, home.socket_directory(opened, None) as sockets:
        assert sockets == tmp_path / "run"


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root can become somebody else")
def test_the_account_of_the_servers_passes_a_closed_directory_and_may_not_write_there(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    readable = closed / "readable"
    readable.write_text("words")
    readable.chmod(0o644)
    chosen = account.for_servers(readable)
    assert chosen is not None
    assert chosen.uid != 0
    script = f"test -r {readable} && cat {readable} && ! touch {closed}/written 2>/dev/null && id -u"
    done = subprocess.run(["sh", "-c", script], preexec_fn=chosen.become, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"words{chosen.uid}\n")
    assert closed.stat().st_mode & 0o777 == 0o700


def test_bootstrap_is_written_in_the_syntax_of_python_3_9():
    compile_old = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 9))"
    subprocess.run([sys.executable, "-c", compile_old, PROJECT / "launcher" / "bootstrap.py"], check=True)
