import pytest

from launcher import template
from launcher.family import PROJECT


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """The kept database lies in a directory of the test's own."""
    monkeypatch.setenv("LINLI_LOCAL_DIR", str(tmp_path / "local"))
    home = tmp_path / "home"
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("18")
    (home / template.PEOPLE).write_text("people")
    return home


@pytest.mark.parametrize("pattern", template.MADE_OF)
def test_the_database_is_made_of_files_that_there_are(pattern):
    assert any(PROJECT.glob(pattern))


def test_the_kept_database_is_laid_into_a_new_home(elsewhere, tmp_path):
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert not template.restore(fresh)
    assert not list(fresh.iterdir())
    template.keep(elsewhere)
    assert template.restore(fresh)
    assert (fresh / "postgres" / "PG_VERSION").read_text() == "18"
    assert (fresh / template.PEOPLE).read_text() == "people"


def test_tests_lay_the_kept_database_that_they_are_told_of_into_a_home(elsewhere, tmp_path, monkeypatch):
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    monkeypatch.delenv(template.KEPT, raising=False)
    assert not template.restore_named(fresh)
    assert not list(fresh.iterdir())
    template.keep(elsewhere)
    monkeypatch.setenv(template.KEPT, str(template.kept_database()))
    assert template.restore_named(fresh)
    assert (fresh / "postgres" / "PG_VERSION").read_text() == "18"


def test_a_database_that_was_made_of_something_else_is_not_used_and_does_not_stay(elsewhere, tmp_path, monkeypatch):
    template.keep(elsewhere)
    changed = tmp_path / "project"
    (changed / "community").mkdir(parents=True)
    (changed / "community" / "demo.py").write_text("# another street")
    monkeypatch.setattr(template, "PROJECT", changed)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert not template.restore(fresh)
    template.keep(elsewhere)
    assert template.restore(fresh)
    assert len(list((tmp_path / "local" / "template").iterdir())) == 1
