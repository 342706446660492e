"""The State Council's yearly notice, read from its own words."""

from datetime import date, timedelta

import pytest

from workflow.calendars import packaged
from workflow.notice import UnreadableNotice, read_notice, year_of

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


def around(year: int, items: str) -> str:
    """The items with the prose that stands before and after them."""
    return (
        f"国务院办公厅关于{year}年部分节假日安排的通知\n国办发明电〔{year - 1}〕9号\n各省、自治区、直辖市人民政府，各部门：\n"
        f"    经国务院批准，现将{year}年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。\n{items}\n"
        f"    节假日期间，各单位要安排好24小时值班，妥善处置突发事件。\n国务院办公厅\n{year - 1}年11月9日\n（公开发布）"
    )


def days(year: int, *written: str) -> set[date]:
    """Days written as `10-1` or `10-1/7`, the second in the same month."""
    found = set()
    for one in written:
        month, _, rest = one.partition("-")
        first, _, last = rest.partition("/")
        found |= {date(year, int(month), number) for number in range(int(first), int(last or first) + 1)}
    return found


# How such notices were worded from year to year, each with the days off and the days made up.
WORDINGS = [
    (2010, "二、春节：2月13日至19日放假调休，共7天。2月20日（星期六）、21日（星期日）上班。", ["2-13/19"], ["2-20/21"]),
    (2011, "三、清明节：4月3日至5日放假调休，共3天。4月2日（星期六）上班。", ["4-3/5"], ["4-2"]),
    (2013, "元旦：1月1日至3日放假公休，共3天。1月5日（星期六）、6日（星期日）上班。", ["1-1/3"], ["1-5/6"]),
    (2014, "清明节：4月5日放假，4月7日（星期一）补休。", ["4-5", "4-7"], []),
    (2014, "清明节：4月5日放假，4月7日（星期一）补休，共3天。", ["4-5", "4-7"], []),
    (2014, "端午节：6月2日放假，与周末连休，共3天。", ["5-31", "6-1/2"], []),
    (2014, "端午节：6月2日放假，共3天，与周末连休。", ["5-31", "6-1/2"], []),
    (2014, "元旦：1月1日放假1天。", ["1-1"], []),
    (2016, "劳动节：5月1日（星期日）放假，5月2日（星期一）补休，与周末连休共三天。", ["4-30", "5-1/2"], []),
    (2017, "中秋节、国庆节：10月1日至8日放假调休，共8天。9月30日（星期六）上班。", ["10-1/8"], ["9-30"]),
    (2020, "劳动节：5月1日—5日放假调休，共5天，4月26日（周日），5月9日（周六）上班。", ["5-1/5"], ["4-26", "5-9"]),
    (2021, "国庆节：10月1日～7日放假调休，共7天；9月26日（周日）、10月9日（周六）上班。", ["10-1/7"], ["9-26", "10-9"]),
    (
        2022,
        "劳动节：放假调休时间为4月30日至5月4日，共5天，调休上班日为4月24日和5月7日。",
        ["4-30", "5-1/4"],
        ["4-24", "5-7"],
    ),
    (
        2023,
        "“五一”国际劳动节 ：４月２９日（周六）－５月３日（周三）放假调休，共５天。４月２３日、５月６日上班",
        ["4-29/30", "5-1/3"],
        ["4-23", "5-6"],
    ),
    (
        2024,
        "春节：2月10日至17日放假调休，共8天。2月4日、2月18日（均为星期日）上班。鼓励安排职工在除夕（2月9日）休息。",
        ["2-10/17"],
        ["2-4", "2-18"],
    ),
    (2025, "元旦：1月1日（周三）放假1天，不调休。", ["1-1"], []),
    (2025, "劳动节：5月1日（周四）至5日（周一）放假调休，共5天，4月27日（周日）上班。", ["5-1/5"], ["4-27"]),
    (
        2025,
        "春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放\n假调休，共8天。1月26日（周日）、"
        "\n2月8日（周六）上班。",
        ["1-28/31", "2-1/4"],
        ["1-26", "2-8"],
    ),
    (
        2026,
        "1、国庆节：10月1号（周四）至7号（周三）放假调休，一共七天，9月20号（周日）和10月10号（周六）正常上班。",
        ["10-1/7"],
        ["9-20", "10-10"],
    ),
]


@pytest.mark.parametrize(("year", "text", "off", "worked"), WORDINGS)
def test_a_wording_is_read_as_it_is_meant(year, text, off, worked):
    read = read_notice(year, text)
    assert set(read.closed) == days(year, *off)
    assert set(read.opened) == days(year, *worked)
    assert not read.whole


@pytest.mark.parametrize(
    ("written", "last"),
    [("两天", 2), ("三天", 3), ("十天", 10), ("十一天", 11), ("十九天", 19), ("二十天", 20), ("二十一天", 21)],
)
def test_a_number_of_days_may_be_written_in_chinese(written, last):
    assert set(read_notice(2026, f"国庆节：10月1日至{last}日放假，共{written}。").closed) == days(2026, f"10-1/{last}")
    with pytest.raises(UnreadableNotice, match="天数不符"):
        read_notice(2026, f"国庆节：10月1日至{last + 1}日放假，共{written}。")


def test_a_whole_notice_is_read_with_its_prose():
    read = read_notice(2026, around(2026, NOTICE_2026))
    assert read == read_notice(2026, NOTICE_2026)
    assert read.whole
    assert year_of(around(2026, NOTICE_2026)) == 2026
    # A page on the web breaks lines anywhere, and speaks of rules as well.
    rules = "根据修改后的放假办法，自2025年1月1日起，全体公民放假的假日增加2天，国庆节放假调休7天。\n"
    broken = read_notice(
        2026, around(2026, rules + NOTICE_2026.replace("放假调休", "放假\n调休").replace("至", "\n至"))
    )
    assert (broken.closed, broken.opened, len(broken.passed)) == (read.closed, read.opened, 1)


def test_an_announcement_and_its_first_item_may_be_one_sentence():
    text = "现将2026年元旦、国庆节放假安排通知如下：元旦：1月1日放假1天。国庆节：10月1日至7日放假，共7天。"
    read = read_notice(2026, text)
    assert {day: name for day, name in read.closed.items() if day.month == 1} == {date(2026, 1, 1): "元旦"}
    assert read.names == {"元旦", "国庆节"}


def test_new_years_days_in_december_belong_to_the_year_before():
    read = read_notice(2012, "元旦：2012年1月1日至3日放假调休，共3天。12月31日（星期六）上班。")
    assert set(read.opened) == {date(2011, 12, 31)}
    read = read_notice(2023, "元旦：12月31日（周六）至1月2日（周一）放假调休，共3天。")
    assert set(read.closed) == {date(2022, 12, 31), date(2023, 1, 1), date(2023, 1, 2)}


def test_a_notice_that_changes_a_holiday_is_read_as_one():
    read = read_notice(
        2019, "国务院办公厅关于调整2019年劳动节假期安排的通知\n经批准，现将2019年劳动节放假安排调整如下：2019年5月1日至4日放假调休，"
        "共4天。4月28日（星期日）、5月5日（星期日）上班。\n国务院办公厅\n2019年3月22日"
    )  # fmt: skip
    assert set(read.closed) == days(2019, "5-1/4")
    assert set(read.opened) == days(2019, "4-28", "5-5")
    assert (read.whole, read.names) == (False, {"劳动节"})
    longer = read_notice(
        2020, "延长2020年春节假期至2月2日（农历正月初九，星期日），2月3日（星期一）起正常上班。各级各类学校推迟开学。"
    )
    assert (longer.closed, longer.extended) == ({}, {"春节": date(2020, 2, 2)})
    arranged_and_longer = read_notice(
        2020, "春节：1月24日至30日放假调休，共7天，延长假期至2月2日（星期日）。2月3日（星期一）起正常上班。"
    )
    assert set(arranged_and_longer.closed) == days(2020, "1-24/30")
    assert arranged_and_longer.extended == {"春节": date(2020, 2, 2)}
    once = read_notice(
        2015, "2015年9月3日全国放假1天。为方便生活，特作如下调休：9月3日至5日调休放假，共3天。其中9月3日（星期四）放假，9月4日"
        "（星期五）调休，9月6日（星期日）上班。"
    )  # fmt: skip
    assert (set(once.closed), set(once.opened)) == (days(2015, "9-3/5"), days(2015, "9-6"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "没有读到任何放假日期"),
        ("各省、自治区、直辖市人民政府：", "没有读到任何放假日期"),
        ("元旦：放假，共3天。", "没有读懂"),
        ("元旦：1日放假。", "没有月份"),
        ("春节：2月30日放假。", "没有这一天"),
        ("国庆节：10月7日至1日放假。", "先后不对"),
        ("国庆节：10月1日至7日放假。10月3日上班。", "既放假又上班"),
        ("国庆节：10月1日至7日放假调休，共8天。", "天数不符"),
        ("国庆节：10月1日至7日放假调休。共8天。", "天数不符"),
        ("端午节：6月19日放假，共3天。", "天数不符"),
        ("国庆节：10月1日（周五）至7日放假。", "不是星期五"),
        ("国庆节：10月1日至7日（星期四）放假。", "不是星期四"),
        ("国庆节：10月1日至7日放假。9月20日（周六）上班。", "不是星期六"),
        ("国庆节：10月1日至7日放假。9月21日上班。", "本来就是工作日"),
        ("国庆节：10月2日至7日放假。", "不含10月1日"),
        ("国庆节：10月1日至7日放假。中秋节：放假调休，共3天，9月20日上班。", "没有读到中秋节的日期"),
        ("国庆节：10月1日至7日，共7天。", "没有说明是放假还是上班"),
        ("国庆节：10月1日至7日不放假。", "没有读懂"),
        ("国庆节：10月1日至7日、放假。", "没有读懂"),
        ("国庆节：10月1日、2、3日放假。", "没有读懂"),
        ("国庆节：10.1至10.7放假。", "没有读懂"),
        ("国庆节：十月一日至七日放假。", "没有读懂"),
        ("端午节：6月18日放假，与周末连休。", "并不与周末相连"),
        ("2026年10月1日至2027年1月3日放假。", "不在2026年"),
        ("现将元旦、国庆节放假安排通知如下。国庆节：10月1日至7日放假。", "没有读到元旦的日期"),
        ("关于2025年部分节假日安排的通知。国庆节：10月1日至7日放假。", "这是2025年的通知"),
        ("延长2026年春节假期至2月24日，2月26日起正常上班。", "放假结束与上班日期不符"),
    ],
)
def test_what_does_not_add_up_is_refused_with_its_own_words(text, said):
    with pytest.raises(UnreadableNotice, match=said):
        read_notice(2026, text)


def test_a_year_without_make_up_days_in_the_package_is_estimated():
    assert packaged(2027)[1]
    assert not packaged(2025)[1]
