"""The measurements run from end to end; what they measure at such a size says nothing."""

import json
import os
import subprocess
import sys

from launcher.family import PROJECT


def test_the_bench_measures_every_operation_on_what_it_says(tmp_path):
    figures = tmp_path / "figures.json"
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", "bench.http", "--sizes", "200", "--clients", "1", "--seconds", "0.2", "--json", figures],
        cwd=PROJECT, env=kept | {"LINLI_LOCAL_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["operation"]: row for row in json.loads(figures.read_text())["rows"]}
    # What writes comes last, so that lists are read at the size that is said.
    assert list(rows)[-2:] == ["move", "file"]
    assert {status[0] for row in rows.values() for status in row["statuses"]} == {"2"}
    reads = [row for name, row in rows.items() if name not in ("move", "file")]
    assert all(row["before"] == row["after"] for row in reads)
    assert all(200 <= row["before"]["stored"] <= 210 and row["before"]["open"] >= 100 for row in reads)
    assert rows["file"]["after"]["stored"] > rows["file"]["before"]["stored"]
