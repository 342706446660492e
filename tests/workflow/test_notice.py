"""The State Council's yearly notice, read from its own words."""

from datetime import date, timedelta

import pytest

from workflow.calendars import packaged
from workflow.notice import UnreadableNotice, read_notice

# The arrangement of 2026, in the words such a notice has.
NOTICE_2026 = """
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、清明节：4月4日（周六）至6日（周一）放假，共3天。
四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
五、端午节：6月19日（周五）至21日（周日）放假，共3天。
六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
"""


def weekdays(days):
    return {day for day in days if day.weekday() < 5}


def test_the_notice_of_2026_says_what_the_package_knows():
    read, (known, estimated) = read_notice(2026, NOTICE_2026), packaged(2026)
    assert not estimated
    assert (
        set(read.opened)
        == set(known.opened)
        == {date(2026, *day) for day in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))}
    )
    # The package does not list the weekends inside a holiday.
    assert weekdays(read.closed) == weekdays(known.closed)
    assert len(read.closed) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert read.closed[date(2026, 10, 7)] == "国庆节"


def test_a_holiday_may_begin_in_the_year_before():
    read = read_notice(2025, "元旦：2024年12月30日至2025年1月1日放假调休，共3天。")
    assert set(read.closed) == {date(2024, 12, 30) + timedelta(days=one) for one in range(3)}


def test_a_single_day_and_a_span_across_months_are_read():
    read = read_notice(
        2023, "中秋节、国庆节：9月29日至10月6日放假调休，共8天。10月7日（星期六）、10月8日（星期日）上班。"
    )
    assert (min(read.closed), max(read.closed)) == (date(2023, 9, 29), date(2023, 10, 6))
    assert len(read.closed) == 8
    assert set(read.opened) == {date(2023, 10, 7), date(2023, 10, 8)}
    assert set(read_notice(2023, "元旦：1月1日放假1天。").closed) == {date(2023, 1, 1)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "各省、自治区、直辖市人民政府：",
        "元旦：放假，共3天。",
        "元旦：1日放假。",
        "春节：2月30日放假。",
        "国庆节：10月7日至1日放假。",
        "国庆节：10月1日至7日放假。10月3日上班。",
    ],
)
def test_what_is_no_notice_is_refused_with_its_own_words(text):
    with pytest.raises(UnreadableNotice):
        read_notice(2026, text)


def test_a_year_without_make_up_days_in_the_package_is_estimated():
    assert packaged(2027)[1]
    assert not packaged(2025)[1]
