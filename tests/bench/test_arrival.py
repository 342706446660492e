"""What happens arrives though everything dies on the way; and one who loses, repeats or renames is found out."""

import json
import os
import subprocess
import sys

from launcher.family import PROJECT


def scene(tmp_path, name, *options):
    """The row of a small scene, and the exit code."""
    figures = tmp_path / "figures.json"
    kept = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", "bench.arrival", name, "--pause", "0.05", "--json", figures, *options],
        cwd=PROJECT, env=kept | {"LINLI_LOCAL_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert figures.exists(), done.stdout + done.stderr
    (row,) = json.loads(figures.read_text())["rows"]
    return row, done.returncode


def test_in_chaos_nothing_is_lost_and_what_comes_twice_has_the_same_key(tmp_path):
    row, code = scene(tmp_path, "chaos", "--tickets", "8", "--followers", "4", "--every", "0.7", "--takes", "2")
    assert (row["broken"], code) == ([], 0)
    assert row["due"] == row["arrived"] > 300
    assert {"worker", "beat", "postman 1", "postman 2", "Valkey", "PostgreSQL"} <= set(row["kills"])
    assert sum(number for attempts, number in row["attempts"].items() if int(attempts) > 1) > 10


def test_a_careless_postman_is_found_out(tmp_path):
    row, code = scene(tmp_path, "calm", "--tickets", "3", "--followers", "2", "--postman", "tests.bench.careless")
    assert code != 0
    broken = " ".join(row["broken"])
    assert "deliveries that were lost" in broken
    assert "keys that no delivery has" in broken
    assert f"{row['repeats']} repeats" in broken
