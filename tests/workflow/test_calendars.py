"""Calendars as rows: loaded, edited, published, and followed by the clocks that run."""

import itertools
import re
from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from casework import duties
from tests.tickets.story import assert_clocks_are_as_the_events_say
from tests.workflow.calendar_versions import publish
from tickets.kind import TICKETS
from tickets.models import Ticket, TicketClock, TicketEvent, TicketFiring
from workflow import calendars
from workflow.clocks import NEWEST_RULES, RULES
from workflow.models import CalendarDay, CalendarVersion, LastSweep
from workflow.models.calendars import working_hours
from workflow.moment import at
from workflow.notice import read_notice

pytestmark = pytest.mark.django_db
ZONE = "Asia/Shanghai"
VERSIONS = "admin:workflow_calendarversion_changelist"


@pytest.fixture(autouse=True)
def read_anew():
    """What a test publishes is remembered by no other."""
    calendars.forget()
    yield
    calendars.forget()


def test_the_first_calendar_reaches_to_the_next_year_and_says_which_is_estimated():
    known = calendars.calendar(calendars.newest(), ZONE)
    this = timezone.localdate().year
    years = CalendarVersion.objects.get(number=1).years.order_by("year").values_list("year", "estimated")
    assert [year for year, _ in years] == list(range(2019, this + 2))
    assert known.is_working(date(2026, 2, 14))
    assert not known.is_working(date(2026, 2, 17))
    for year in range(2019, this + 2):
        assert (year in known.estimated) == calendars.packaged(year)[1]
    # What no version covers is guessed at as well.
    assert this + 5 in known.estimated


def test_loading_twice_leaves_one_version():
    assert calendars.load(at=timezone.now(), zone=ZONE) is None
    assert CalendarVersion.objects.count() == 1


def test_a_published_calendar_is_changed_by_nobody():
    version = CalendarVersion.objects.get()
    with pytest.raises(ValidationError, match="已发布"):
        CalendarDay.objects.create(version=version, day=date(2026, 7, 1), name="庆典")
    with pytest.raises(ValidationError, match="已发布"):
        version.days.all().delete()
    with pytest.raises(ValidationError, match="已发布"):
        version.save()


def test_a_day_of_a_year_that_is_not_covered_is_refused():
    draft = CalendarVersion.objects.get().copy_as_draft()
    CalendarDay.objects.create(version=draft, day=date(2040, 1, 1), name="元旦")
    with pytest.raises(ValidationError, match="不含这一年"):
        draft.publish(at=timezone.now())
    assert calendars.newest() == 1


@pytest.mark.parametrize("text", ["", "9:00-12:00", "09:00-08:00", "09:00-12:00 11:00-18:00", "09:00-25:00", "上午"])
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValidationError, match="工作时间"):
        working_hours(text)


def test_the_alarm_for_the_next_year_begins_on_the_first_of_november():
    published = max(year for year in range(2019, 2035) if not calendars.packaged(year)[1])
    assert calendars.overdue_years(date(published, 10, 31)) == []
    assert calendars.overdue_years(date(published, 11, 1)) == [published + 1]
    assert calendars.overdue_years(date(published + 1, 1, 1)) == [published + 1]


def test_the_keeper_is_told_which_year_is_missing_and_where_there_is_no_calendar_at_all():
    published = max(year for year in range(2019, 2035) if not calendars.packaged(year)[1])
    assert calendars.notices(date(published, 10, 31)) == []
    (missing,) = calendars.notices(date(published, 11, 1))
    assert str(missing).startswith(f"{published + 1}年放假安排尚未录入")
    # Nobody may do so; a plain query asks nobody.
    QuerySet(CalendarVersion).update(published_at=None)
    calendars.forget()
    assert [str(one) for one in calendars.notices(date(published, 10, 31))] == ["尚未发布工作日历。"]


# Running clocks follow a new version; what was fired stays fired.


def test_running_clocks_are_measured_anew_and_fired_rungs_stay_fired(scene):
    early, late = scene.reach("in_progress"), scene.reach("replied")
    before = {one.pk: one for one in TicketClock.objects.live()}
    handle = next(one for one in before.values() if one.name == "handle")
    near = handle.due_at - (handle.due_at - handle.started_at) / 10
    with at(near):
        duties.sweep(TICKETS)
    fired = set(TicketFiring.objects.values_list("clock", "rung"))
    assert (handle.pk, "near") in fired
    # The last day of the disposal becomes a day off, and so do the two after it.
    last = handle.due_at.astimezone(timezone.get_fixed_timezone(480)).date() - timedelta(days=1)
    version = publish(2025, closed={last + timedelta(days=n): "调休" for n in range(3)})
    with at(near + timedelta(minutes=1)):
        swept = duties.follow_calendar(TICKETS)
    assert swept.subjects == 2
    moved = TicketClock.objects.get(pk=handle.pk)
    assert moved.calendar == version.number
    assert moved.due_at == handle.due_at + timedelta(days=3)
    assert Ticket.objects.get(pk=early).due_at == handle.due_at + timedelta(days=3)
    assert set(TicketFiring.objects.values_list("clock", "rung")) == fired
    event = TicketEvent.objects.filter(subject=early).latest("seq")
    assert (event.verb, event.visibility) == ("recalendar", "parties")
    assert event.data == {"calendar": version.number, RULES: NEWEST_RULES}
    # With a later due moment, the share that was fired is not fired again.
    with at(moved.due_at - timedelta(seconds=1)):
        duties.sweep(TICKETS)
    assert TicketFiring.objects.filter(clock=handle.pk).count() == 2
    for ticket in (early, late):
        assert_clocks_are_as_the_events_say(ticket)


def test_stopped_clocks_keep_the_calendar_by_which_they_were_measured(scene):
    ticket = scene.reach("closed")
    publish(2025, closed={date(2025, 6, 9): "调休"})
    with at(scene.now):
        duties.follow_calendar(TICKETS)
    stopped = TicketClock.objects.filter(subject=ticket, stopped_at__isnull=False)
    assert set(stopped.values_list("calendar", flat=True)) == {1}
    assert_clocks_are_as_the_events_say(ticket)


def test_clocks_that_are_held_are_measured_anew_as_well(scene):
    """A question holds the disposal; the day off that is published meanwhile counts when time goes on."""
    ticket = scene.reach("in_progress")
    scene.do("dispatcher", ticket, "ask", question="？")
    held = TicketClock.objects.live().get(subject=ticket, name="handle")
    assert held.running_since is None
    last = held.due_at.astimezone(timezone.get_fixed_timezone(480)).date() - timedelta(days=1)
    version = publish(2025, closed={last: "调休"})
    with at(scene.now):
        duties.follow_calendar(TICKETS)
    measured = TicketClock.objects.get(pk=held.pk)
    assert (measured.calendar, measured.running_since, measured.fire_at) == (version.number, None, None)
    assert measured.due_at == held.due_at + timedelta(days=1)
    assert_clocks_are_as_the_events_say(ticket)


def test_a_calendar_is_followed_once(scene):
    scene.reach("in_progress")
    publish(2025, closed={date(2025, 6, 9): "调休"})
    assert duties.follow_calendar(TICKETS).subjects == 1
    assert duties.follow_calendar(TICKETS).subjects == 0
    assert LastSweep.objects.get(name=duties.calendar_sweep(TICKETS)).version == calendars.newest()


# The office's way.


@pytest.fixture
def office(client):
    client.force_login(
        get_user_model().objects.create_superuser("13900000009", name="管理员", password="linli-tests-1")
    )
    return client


def inline(prefix: str, rows: list[dict]) -> dict[str, str]:
    form = {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": str(len(rows))}
    for number, row in enumerate(rows):
        form |= {f"{prefix}-{number}-{name}": str(value) for name, value in row.items()}
    return form


def page_of(draft: CalendarVersion, **fields: str) -> dict[str, str]:
    """The form of a draft as a browser would send it back."""
    years = [
        {"id": one.pk, "version": draft.pk, "year": one.year, "source": one.source} | ({"estimated": "on"} if one.estimated else {})
        for one in draft.years.order_by("year")
    ]  # fmt: skip
    base = {"hours": draft.hours, "source": draft.source, "notes": ""}
    return base | inline("years", years) | fields


def whole_notice(year: int) -> str:
    """A year's notice of single days but for the National Day."""
    items = {"元旦": (1, 1), "春节": (2, 10), "清明节": (4, 5), "劳动节": (5, 1), "端午节": (6, 9), "中秋节": (9, 15)}
    written = "".join(f"{name}：{month}月{day}日放假1天。" for name, (month, day) in items.items())
    return f"现将{year}年部分节假日安排通知如下。{written}国庆节：10月1日至7日放假调休，共7天。"


def box(page) -> str:
    """The value of the box by which whoever pastes a notice says that each day has been checked."""
    [found] = re.findall(r'<input[^>]*name="notice_checked"[^>]*>', page.content.decode())
    return re.search(r'value="(\w+)"', found)[1]


def test_the_office_pastes_the_notice_and_publishes_it(office):
    office.post(
        reverse(VERSIONS), {"action": "copy_as_draft", "_selected_action": str(CalendarVersion.objects.get().pk)}
    )
    draft = CalendarVersion.objects.get(published_at=None)
    page = reverse("admin:workflow_calendarversion_change", args=[draft.pk])
    assert office.get(page).status_code == 200
    year = timezone.localdate().year + 1
    notice = whole_notice(year)
    fields = {"notice": notice, "notice_source": "国办发明电〔2026〕1号"}
    before = set(draft.days.values_list("day", "works"))
    shown = office.post(page, page_of(draft, **fields))
    assert shown.status_code == 200
    assert "请逐日核对" in shown.content.decode()
    assert f"{year}-10-07" in shown.content.decode()
    assert set(draft.days.values_list("day", "works")) == before
    answer = office.post(page, page_of(draft, **fields, notice_checked=box(shown)))
    assert answer.status_code == 302, answer.context["errors"]
    row = draft.years.get(year=year)
    assert (row.estimated, row.source) == (False, "国办发明电〔2026〕1号")
    assert draft.days.filter(day__year=year, works=False).count() == 13
    office.post(reverse(VERSIONS), {"action": "publish", "_selected_action": str(draft.pk)})
    calendars.forget()
    assert calendars.newest() == draft.number
    assert year not in calendars.calendar(draft.number, ZONE).estimated
    day = reverse("admin:workflow_calendarday_change", args=[draft.days.first().pk])
    assert b'name="name"' not in office.get(day).content
    published = office.get(page)
    assert "notice_year" not in published.content.decode()


def test_a_text_that_is_no_notice_is_refused_and_nothing_is_lost(office):
    draft = CalendarVersion.objects.get().copy_as_draft()
    before = set(draft.days.values_list("day", "works"))
    page = reverse("admin:workflow_calendarversion_change", args=[draft.pk])
    for fields, said in (
        ({"notice_year": "2027", "notice": "各有关单位："}, "没有读到任何放假日期"),
        ({"notice": "元旦：1月1日放假。"}, "请填写年份"),
    ):
        answer = office.post(page, page_of(draft, **fields))
        assert answer.status_code == 200
        assert said in answer.content.decode()
        assert set(draft.days.values_list("day", "works")) == before


def test_days_that_have_changed_since_they_were_shown_are_shown_again(office):
    draft = CalendarVersion.objects.get().copy_as_draft()
    page = reverse("admin:workflow_calendarversion_change", args=[draft.pk])
    seen = box(office.post(page, page_of(draft, notice=whole_notice(2027))))
    other = whole_notice(2027).replace("2月10日", "2月11日")
    answer = office.post(page, page_of(draft, notice=other, notice_checked=seen))
    assert answer.status_code == 200
    assert box(answer) != seen
    assert not draft.days.filter(day=date(2027, 2, 11)).exists()


def test_a_change_of_a_holiday_leaves_the_rest_of_its_year():
    draft = CalendarVersion.objects.get().copy_as_draft()
    before = dict(draft.days.filter(day__year=2019).values_list("day", "works"))
    change = read_notice(2019, "现将2019年劳动节放假安排调整为：5月1日至3日放假，共3天。4月28日（星期日）上班。")
    for _ in range(2):
        calendars.put_notice(draft, 2019, change, source="国办发明电〔2019〕3号", estimated=False)
    after = dict(draft.days.filter(day__year=2019).values_list("day", "works"))
    said = {date(2019, 4, 28): True} | {date(2019, 5, number): False for number in (1, 2, 3)}
    of_may = {day for day in before if date(2019, 4, 20) < day < date(2019, 5, 10)}
    assert after == {day: works for day, works in before.items() if day not in of_may} | said
    row = draft.years.get(year=2019)
    assert (row.estimated, row.source) == (False, f"{calendars.SOURCE}；国办发明电〔2019〕3号")


def test_each_day_that_a_notice_touches_is_shown_with_its_name_what_it_was_and_what_becomes_of_it():
    draft = CalendarVersion.objects.get().copy_as_draft()
    change = read_notice(2019, "现将2019年劳动节放假安排调整为：5月1日至3日放假，共3天。4月27日（星期六）上班。")
    shown = [(one.day, one.name, one.was, one.works) for one in calendars.changes(draft, 2019, change)]
    assert shown == [
        (date(2019, 4, 27), "劳动节", None, True),
        (date(2019, 4, 28), "调休上班", True, None),
        *[(date(2019, 5, number), "劳动节", False, False) for number in (1, 2, 3)],
        (date(2019, 5, 5), "调休上班", True, None),
    ]


def test_a_longer_holiday_takes_back_the_days_made_up_for_it():
    draft = CalendarVersion.objects.get().copy_as_draft()
    arranged = read_notice(2020, "春节：1月24日至30日放假调休，共7天。1月19日（星期日）、2月1日（星期六）上班。")
    calendars.put_notice(draft, 2020, arranged, source="国办发明电〔2019〕16号")
    longer = read_notice(2020, "延长2020年春节假期至2月2日（星期日），2月3日（星期一）起正常上班。")
    for _ in range(2):
        calendars.put_notice(draft, 2020, longer, source="国办发明电〔2020〕1号")
    spring = dict(draft.days.filter(day__gte=date(2020, 1, 1), day__lt=date(2020, 3, 1)).values_list("day", "works"))
    off = {date(2020, 1, 24) + timedelta(days=n): False for n in range(10)}
    assert spring == off | {date(2020, 1, 1): False, date(2020, 1, 19): True}


def test_new_years_days_in_december_are_imported_twice_without_harm():
    draft = CalendarVersion.objects.get().copy_as_draft()
    longer = "元旦：2018年12月30日至2019年1月1日放假调休，共3天。12月29日（星期六）上班。"
    text = whole_notice(2019).replace("元旦：1月1日放假1天。", longer)
    for _ in range(2):
        calendars.put_notice(draft, 2019, read_notice(2019, text), source="国办发明电〔2018〕15号")
    calendars.put_packaged(draft, [2019])
    calendars.put_notice(draft, 2019, read_notice(2019, text), source="国办发明电〔2018〕15号")
    assert set(draft.days.filter(day__year=2018).values_list("day", "works")) == {
        (date(2018, 12, 29), True), (date(2018, 12, 30), False), (date(2018, 12, 31), False),
    }  # fmt: skip
    # No year of its own is needed for them.
    draft.publish(at=timezone.now())


def test_a_year_may_come_from_the_package(office):
    draft = CalendarVersion.objects.get().copy_as_draft()
    page = reverse("admin:workflow_calendarversion_change", args=[draft.pk])
    assert office.post(page, page_of(draft, notice_year="2018")).status_code == 302
    assert draft.days.filter(day__year=2018).exists()
    assert not draft.years.get(year=2018).estimated


def test_every_day_of_the_package_is_one_of_the_calendar():
    known = calendars.calendar(1, ZONE)
    for year, month, day in itertools.product((2024, 2025, 2026), range(1, 13), range(1, 29)):
        on = date(year, month, day)
        expected = (
            False
            if on in calendars.packaged(year)[0].closed
            else on in calendars.packaged(year)[0].opened or on.weekday() < 5
        )
        assert known.is_working(on) == expected, on
    assert known.zone.key == ZONE
    assert known.day_of(datetime.fromisoformat("2026-01-01T00:30:00+08:00")) == date(2026, 1, 1)
