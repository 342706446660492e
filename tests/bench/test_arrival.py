"""What happens arrives though everything dies on the way; and one who loses, repeats or renames is found out."""

from tests.bench.measuring import measured


def scene(tmp_path, name, *options):
    """The row of a small scene, and the exit code."""
    (row,), code = measured(tmp_path, "bench.arrival", name, "--pause", "0.05", *options)
    return row, code


def test_in_chaos_nothing_is_lost_and_what_comes_twice_has_the_same_key(tmp_path):
    row, code = scene(
        tmp_path, "chaos", "--tickets", "8", "--followers", "4", "--every", "1.4", "--kills", "12", "--takes", "2"
    )
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
