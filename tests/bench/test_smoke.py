"""The measurements run from end to end; what they measure at such a size says nothing."""

import json

import pytest

from tests.bench.measuring import measured


def test_the_bench_measures_every_operation_on_what_it_says(tmp_path):
    written, code = measured(tmp_path, "bench.http", "--sizes", "200", "--clients", "1", "--seconds", "0.2")
    assert code == 0
    rows = {row["operation"]: row for row in written}
    # What writes comes last, so that lists are read at the size that is said.
    assert list(rows)[-2:] == ["move", "file"]
    assert all(0 < row["web_ms"] < 1000 and 0 <= row["database_ms"] < 1000 for row in rows.values())
    assert {status[0] for row in rows.values() for status in row["statuses"]} == {"2"}
    reads = [row for name, row in rows.items() if name not in ("move", "file")]
    assert all(row["before"] == row["after"] for row in reads)
    assert all(200 <= row["before"]["stored"] <= 210 and row["before"]["open"] >= 100 for row in reads)
    assert rows["file"]["after"]["stored"] > rows["file"]["before"]["stored"]


def test_the_bare_framework_runs_beside_this_code_also_with_statistics_of_a_smaller_table(tmp_path):
    short = ("--clients", "1", "--rounds", "1", "--seconds", "0.5", "--only", "list-street")
    written, code = measured(tmp_path, "bench.http", "--bare", "--stale", "--sizes", "120", "160", *short)
    assert code == 0
    assert [(row["size"], row["statistics"]) for row in written] == [(120, "fresh"), (160, "fresh"), (160, "stale")]
    assert all(
        row["ratios"]["bare"] == pytest.approx(row["cpu_ms"]["now"] / row["cpu_ms"]["bare"], rel=0.01)
        for row in written
    )


def test_every_page_of_the_console_is_measured_within_its_statements_and_bytes(tmp_path):
    few = ("--size", "200", "--requests", "1", "--polls", "2")
    together = ("--people", "4", "--every", "0.5", "--seconds", "2", "--filings", "2")
    written, code = measured(tmp_path, "bench.console", *few, *together)
    assert code == 0
    assert [row["page"] for row in written if row["statements"] > 12] == []
    assert [row["page"] for row in written if (row["first_load_bytes"] or 0) > 60_000] == []
    assert all(0 < row["web_ms"] < 1000 for row in written)
    report = json.loads((tmp_path / "figures.json").read_text())
    assert {status for row in report["polls"] for status in row["statuses"]} == {"304"}
    assert set(report["mixed"]["filings"]["statuses"]) == {"201"}
    assert set(report["mixed"]["polls, drawn anew"]["statuses"]) == {"200"}
