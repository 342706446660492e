"""The category tree: its data, its versions, and what the process remembers of it."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import connection, transaction
from django.utils import timezone, translation

from tests.commands import printed
from tickets import catalogue
from tickets.management.commands.load_categories import FIRST_EFFECTIVE_FROM
from tickets.models import Category, CategoryVersion
from tickets.models.category import DisposalClass, ResponseClass
from tickets.parties import PARTIES, PLACE_PARTIES, split
from workflow import versions

GROUPS = ["SV", "PK", "CL", "RP", "EL", "UT", "FS", "EV", "TR", "NB", "IL", "GR"]


@pytest.fixture(autouse=True)
def nothing_remembered():
    catalogue.forget()
    yield
    catalogue.forget()


@pytest.fixture(scope="module")
def rows():
    return catalogue.read_file()


@pytest.fixture
def nothing_loaded(db):
    """The tests' catalogue is published, so it takes SQL to be without it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tickets_category; DELETE FROM tickets_categoryversion")


@pytest.fixture
def version(nothing_loaded):
    return catalogue.load(
        catalogue.read_file(), source="categories.csv", at=timezone.now(), effective_from=FIRST_EFFECTIVE_FROM
    )


@pytest.fixture
def draft(version):
    return version.copy_as_draft()


# What the file says


def test_the_file_has_twelve_groups_and_seventy_leaves(rows):
    assert len(rows) == 70
    assert list(dict.fromkeys(row.group for row in rows)) == GROUPS
    assert len({row.code for row in rows}) == len({row.external_code for row in rows}) == 70


def test_codes_run_on_within_their_group_and_six_digit_codes_rise(rows):
    for before, after in pairwise(rows):
        assert before.external_code < after.external_code
        if before.group == after.group:
            assert int(after.code[2:]) == int(before.code[2:]) + 1
    assert all(re.fullmatch(r"\d{6}", row.external_code) for row in rows)


def test_a_group_has_one_name_in_each_language(rows):
    assert len({(row.group, row.group_zh, row.group_en) for row in rows}) == 12


def test_every_category_reads_in_chinese_and_in_english(rows):
    for row in rows:
        assert re.search(r"[\u4e00-\u9fff]", row.name_zh), row.code
        assert row.name_en.isascii(), row.code
        assert row.name_en[0].isupper(), row.code
    assert len({row.name_zh for row in rows}) == len({row.name_en for row in rows}) == 70


def test_every_class_and_every_party_is_known(rows):
    for row in rows:
        assert row.disposal_class in DisposalClass.values, row.code
        assert row.response_class in ResponseClass.values, row.code
        assert {row.lead, *row.co_parties} <= PARTIES, row.code


def test_every_class_is_used_and_defined_for_something(rows):
    # Working days are there for streets that measure by them; that a fault is complex is said of a ticket.
    others = {"W1", "W3", "W5", "W15", "LIGHT-IX", "LIGHT-OX"}
    assert {row.disposal_class for row in rows} == set(DisposalClass.values) - others
    assert {row.response_class for row in rows} == set(ResponseClass.values)


def test_a_party_key_is_a_part_at_a_place_or_a_kind_with_a_function():
    for party in PARTIES:
        kind, function = split(party)
        assert bool(function) != (party in PLACE_PARTIES)
        assert party == (f"{kind}:{function}" if function else kind)


def test_urgent_is_what_cannot_wait_two_hours_or_needs_somebody_on_site_in_minutes(rows):
    for row in rows:
        assert row.urgent == (row.disposal_class in {"IMM", "H2"} or row.response_class in {"IMM", "R15M", "R30M"}), (
            row.code
        )


def test_what_concerns_the_fire_line_and_people_in_a_lift_is_urgent(rows):
    fire = {row.code for row in rows if "hotline:emergency_119" in {row.lead, *row.co_parties}}
    assert fire == {"EL01", "UT04", "FS04"}
    assert {row.code for row in rows if row.urgent} == {
        *fire, "RP01", "RP03", "RP08", "UT01", "UT03", "UT06", "TR02", "NB05"
    }  # fmt: skip


def test_a_committee_coordinates_disputes_first_and_never_what_is_urgent(rows):
    coordinated = {row.code for row in rows if row.route == "coordinated"}
    assert coordinated == {
        "SV01", "SV02", "SV03", "SV05", "PK01", "PK02", "PK03", "PK04", "CL06", "RP02", "RP10", "EL03", "EV04"
    }  # fmt: skip
    assert not any(row.urgent for row in rows if row.route == "coordinated")
    assert all(row.route == "coordinated" for row in rows if row.lead == "committee")


def test_a_reply_shows_cleaning_and_repair_in_a_picture_but_not_a_quarrel(rows):
    demanded = {row.code for row in rows if row.after_photo}
    assert {"CL01", "CL03", "RP04", "RP07", "FS01", "GR02", "PK05"} <= demanded
    assert not demanded & {"SV01", "SV02", "PK02", "NB02", "EL01", "UT03", "FS04", "RP10"}


@pytest.mark.parametrize(
    ("code", "lead", "co_parties"),
    [
        ("CL01", "provider", ["section:property"]),
        ("EL01", "maintainer:lift", ["provider", "hotline:emergency_119"]),
        ("FS04", "hotline:emergency_119", ["provider"]),
        ("NB02", "residents_committee", ["provider", "department:police"]),
        ("PK03", "committee", ["section:property", "title_holder", "provider"]),
        ("SV06", "section:property", ["emergency_provider", "department:housing", "department:police"]),
        ("TR01", "department:traffic_police", ["section:safety", "department:transport"]),
        ("UT04", "utility:gas", ["hotline:emergency_119", "provider"]),
    ],
)
def test_the_law_s_words_for_parties_became_keys(rows, code, lead, co_parties):
    row = next(row for row in rows if row.code == code)
    assert (row.lead, row.co_parties) == (lead, co_parties)


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("provider,committee section:property", "provider,committee section:nobody", 2, "co_parties"),
        ("provider,committee section:property", "provider,committee committee", 2, None),
        ("D7,C4H", "D8,C4H", 2, "disposal_class"),
        ("D7,C4H", "D7,R9H", 2, "response_class"),
        ("coordinated,no,no", "coordinated,maybe,no", 2, "urgent"),
        ("coordinated,no,no", "sideways,no,no", 2, "route"),
        ("code,group,", "code,grp,", 1, "group"),
        ("Poor property service", "", 2, "name_en"),
        ("Poor property service", "Poor\x07 property service", 2, "name_en"),
        ("Poor property service", "\u200b\u3164", 2, "name_en"),
        ("Poor property service", "Poor property service" * 40, 2, "name_en"),
        ("Fee or disclosure dispute", "Fee\x00", 3, "name_en"),
        ("Poor property service,", "Poor property service,,", 2, None),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_row_and_column(nothing_loaded, tmp_path, old, new, row, column):
    path = tmp_path / "changed.csv"
    text = catalogue.FILE.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    column_zh, column_en = (f"“{column}”列", f", column {column!r}") if column else ("", "")
    for language, where in (
        ("zh-hans", f"changed.csv 第 {row} 行{column_zh}："),
        ("en", f"changed.csv, row {row}{column_en}: "),
    ):
        with pytest.raises(CommandError) as refusal:
            printed("load_categories", "--file", str(path), "--language", language)
        assert str(refusal.value).startswith(where)
        said = str(refusal.value).removeprefix(where)
        assert said
        assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (language == "zh-hans"), said
    assert not CategoryVersion.objects.exists()


def test_a_file_that_is_no_text_is_refused(nothing_loaded, tmp_path):
    path = tmp_path / "changed.csv"
    for content in (
        b"code,group\n\xff\xfe,x\n",
        b"",
        b'code,group\n"x',
        catalogue.FILE.read_bytes().replace(b"Poor", b"\xed\xa0\x80"),
    ):
        path.write_bytes(content)
        with pytest.raises(CommandError, match=r"changed\.csv, row 1"):
            printed("load_categories", "--file", str(path))
    assert not CategoryVersion.objects.exists()


def test_texts_of_a_file_are_read_as_texts_are_everywhere(tmp_path):
    path = tmp_path / "changed.csv"
    text = catalogue.FILE.read_text(encoding="utf-8")
    path.write_text(text.replace("Poor property service", "Poor\u200b  property\u202e service "), encoding="utf-8")
    assert catalogue.read_file(path)[0].name_en == "Poor property service"


# Loading


def changed_file(tmp_path):
    path = tmp_path / "changed.csv"
    path.write_text(
        catalogue.FILE.read_text(encoding="utf-8").replace("Overflowing bins", "Bins that overflow"), encoding="utf-8"
    )
    return path


def test_loading_twice_leaves_one_version(nothing_loaded):
    assert "v1: 70 categories" in printed("load_categories")
    assert "nothing to do" in printed("load_categories")
    assert CategoryVersion.objects.count() == 1
    assert Category.objects.count() == 70


def test_a_changed_file_makes_no_version_unless_asked(nothing_loaded, tmp_path):
    printed("load_categories")
    assert "--new-version" in printed("load_categories", "--file", str(changed_file(tmp_path)))
    assert CategoryVersion.objects.count() == 1


def test_a_changed_file_makes_a_version_when_asked(nothing_loaded, tmp_path):
    printed("load_categories")
    tomorrow = timezone.now() + timedelta(days=1)
    printed(
        "load_categories",
        "--file",
        str(changed_file(tmp_path)),
        "--new-version",
        "--effective-from",
        tomorrow.isoformat(),
    )
    catalogue.forget()
    assert catalogue.current(timezone.now()).leaf("CL03").name_en == "Overflowing bins"
    assert catalogue.current(tomorrow).leaf("CL03").name_en == "Bins that overflow"
    assert catalogue.current(tomorrow).number == 2


def test_a_new_version_needs_a_date_that_is_not_past(nothing_loaded, tmp_path):
    printed("load_categories")
    path = str(changed_file(tmp_path))
    with pytest.raises(CommandError, match="effective-from"):
        printed("load_categories", "--file", path, "--new-version")
    with pytest.raises(CommandError):
        printed("load_categories", "--file", path, "--new-version", "--effective-from", "2021-01-01T00:00:00+08:00")
    with pytest.raises(CommandError):
        printed("load_categories", "--file", path, "--new-version", "--effective-from", "2999-01-01T00:00:00")
    assert CategoryVersion.objects.count() == 1


def test_a_file_that_is_absent_is_an_error_and_loads_nothing(nothing_loaded, tmp_path):
    with pytest.raises(CommandError):
        printed("load_categories", "--file", str(tmp_path / "absent.csv"))
    assert not CategoryVersion.objects.exists()


# Versions


def changes():
    return list(Category.objects.order_by("id").values()), list(CategoryVersion.objects.order_by("id").values())


@pytest.mark.parametrize(
    "write",
    [
        lambda version, leaf: version.save(),
        lambda version, leaf: version.delete(),
        lambda version, leaf: CategoryVersion.objects.update(notes="改"),
        lambda version, leaf: CategoryVersion.objects.filter(number=1).delete(),
        lambda version, leaf: leaf.save(),
        lambda version, leaf: leaf.delete(),
        lambda version, leaf: version.categories.update(name_zh="改"),
        lambda version, leaf: version.categories.all().delete(),
        lambda version, leaf: Category.objects.filter(code="CL03").update(name_zh="改"),
        lambda version, leaf: Category.objects.bulk_create(
            [Category(version=version, code="CL99", external_code="039900")]
        ),
        lambda version, leaf: Category(version=version, code="CL99", external_code="039900").save(),
        lambda version, leaf: version.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1)),
    ],
)
def test_a_published_version_refuses_every_change(version, write):
    before = changes()
    leaf = version.categories.get(code="CL03")
    leaf.name_zh = "改"
    with pytest.raises(ValidationError), transaction.atomic():
        write(version, leaf)
    assert changes() == before


def test_a_copy_read_before_publication_cannot_change_it_afterwards(draft):
    leaf = draft.categories.get(code="CL03")
    stale = CategoryVersion.objects.get(pk=draft.pk)
    draft.publish(at=timezone.now(), effective_from=timezone.now() + timedelta(days=1))
    before = changes()
    for late in (leaf, stale):
        with pytest.raises(ValidationError), transaction.atomic():
            late.save()
    assert changes() == before


def test_a_category_cannot_be_carried_out_of_a_published_version(version, draft):
    leaf = version.categories.get(code="CL03")
    leaf.version, leaf.code, leaf.external_code = draft, "CL99", "039900"
    with pytest.raises(ValidationError):
        leaf.save()
    assert version.categories.count() == 70


def test_only_publishing_publishes(nothing_loaded):
    with pytest.raises(ValidationError):
        CategoryVersion(number=1, source="x", effective_from=timezone.now(), published_at=timezone.now()).save()
    assert not CategoryVersion.objects.exists()


def test_a_draft_copies_everything_and_can_be_edited(version, draft):
    assert draft.number == 2
    assert draft.published_at is None
    assert not catalogue.differs(list(draft.categories.all()), version)
    leaf = draft.categories.get(code="CL03")
    leaf.disposal_class = "D7"
    leaf.save()
    draft.categories.filter(code="GR03").delete()
    assert version.categories.get(code="CL03").disposal_class == "H24"
    assert (version.categories.count(), draft.categories.count()) == (70, 69)


def test_a_draft_can_be_dropped(version, draft):
    draft.delete()
    assert list(CategoryVersion.objects.all()) == [version]
    assert Category.objects.count() == 70


def test_publishing_a_draft_needs_a_date_after_now_and_after_every_published_version(version, draft):
    now = timezone.now()
    for too_early in (now - timedelta(seconds=1), FIRST_EFFECTIVE_FROM):
        with pytest.raises(ValidationError):
            draft.publish(at=now, effective_from=too_early)
    draft.publish(at=now, effective_from=now + timedelta(days=2))
    third = draft.copy_as_draft()
    with pytest.raises(ValidationError):
        third.publish(at=now, effective_from=now + timedelta(days=1))
    assert CategoryVersion.objects.exclude(published_at=None).count() == 2


def test_a_draft_with_an_unknown_party_or_without_categories_is_not_published(draft):
    now = timezone.now()
    draft.categories.filter(code="CL03").update(lead="section:nobody")
    with pytest.raises(ValidationError):
        draft.publish(at=now, effective_from=now + timedelta(days=1))
    draft.categories.all().delete()
    with pytest.raises(ValidationError):
        draft.publish(at=now, effective_from=now + timedelta(days=1))
    draft.refresh_from_db()
    assert draft.published_at is None


# What is remembered


def test_reading_the_catalogue_again_costs_no_statement(version, django_assert_num_queries):
    now = timezone.now()
    tree = catalogue.current(now)
    with django_assert_num_queries(0):
        again = catalogue.current(now)
        leaf = again.leaf("CL03")
        assert catalogue.leaf_by_id(leaf.id) is leaf
    assert again is tree


def test_a_list_of_a_version_s_leaves_costs_three_statements(version, django_assert_num_queries):
    ids = list(Category.objects.values_list("id", flat=True))
    with django_assert_num_queries(3):
        assert {catalogue.leaf_by_id(each).id for each in ids} == set(ids)


def test_which_version_is_current_is_asked_again_after_five_seconds(
    version, draft, monkeypatch, django_assert_num_queries, no_versions_read_by_the_clock
):
    monkeypatch.setattr(versions, "REREAD_SECONDS", no_versions_read_by_the_clock)
    now = timezone.now()
    later = now + timedelta(hours=1)
    clock = [1000.0]
    monkeypatch.setattr(versions.time, "monotonic", lambda: clock[0])
    assert catalogue.version_at(later) == version.pk
    draft.publish(at=now, effective_from=later)
    clock[0] += 4.9
    with django_assert_num_queries(0):
        assert catalogue.version_at(later) == version.pk
    clock[0] += 0.2
    with django_assert_num_queries(1):
        assert catalogue.version_at(later) == draft.pk
    assert catalogue.version_at(now) == version.pk


def test_a_version_holds_from_its_first_moment_and_not_before(version):
    assert catalogue.version_at(FIRST_EFFECTIVE_FROM) == version.pk
    with pytest.raises(catalogue.NoCatalogue):
        catalogue.version_at(FIRST_EFFECTIVE_FROM - timedelta(microseconds=1))


def test_an_empty_catalogue_is_not_remembered(nothing_loaded):
    with pytest.raises(catalogue.NoCatalogue):
        catalogue.current(timezone.now())
    catalogue.load(catalogue.read_file(), source="x", at=timezone.now(), effective_from=FIRST_EFFECTIVE_FROM)
    assert catalogue.current(timezone.now()).number == 1


def test_a_draft_is_read_anew_each_time(draft):
    assert catalogue.tree(draft.pk).leaf("CL03").name_en == "Overflowing bins"
    draft.categories.filter(code="CL03").update(name_en="Bins")
    leaf = catalogue.tree(draft.pk).leaf("CL03")
    assert leaf.name_en == "Bins"
    assert catalogue.leaf_by_id(leaf.id) == leaf


def test_the_tree_keeps_the_order_of_the_groups_and_of_the_leaves(version):
    tree = catalogue.current(timezone.now())
    assert [group.code for group in tree.groups] == GROUPS
    assert [leaf.code for leaf in tree.groups[2].leaves] == [f"CL0{n}" for n in range(1, 9)]


def test_a_leaf_and_its_group_speak_the_reader_s_language(version):
    leaf = catalogue.current(timezone.now()).leaf("EL01")
    with translation.override("zh-hans"):
        assert (str(leaf.name), str(leaf.group_name)) == ("电梯困人", "电梯")
    with translation.override("en"):
        assert (str(leaf.name), str(leaf.group_name)) == ("People trapped in a lift", "Lifts")


def test_an_unknown_code_or_id_is_its_own_error(version):
    with pytest.raises(catalogue.UnknownCategory):
        catalogue.current(timezone.now()).leaf("XX01")
    with pytest.raises(catalogue.UnknownCategory):
        catalogue.leaf_by_id(version.pk)
    with pytest.raises(catalogue.UnknownCategory):
        catalogue.tree(Category.objects.values_list("pk", flat=True)[0])
