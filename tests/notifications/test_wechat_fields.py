"""What WeChat takes in the fields of a subscription message: the fake's own rules judge what is made to fit."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from notifications.wordings.facts import Phrase, text
from notifications.wordings.wechat_fields import Unfit, fit, written
from tests.fakes.wechat_news import TYPES
from web.words import bilingual

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONG = "学院路街道某某小区三号楼二单元电梯故障报修办理进展通知"
# What may stand in a wording, whatever the field that it was put into.
VALUES = (
    "", "   ", "-", "\n", "a\tb\r\nc", "x" * 50, LONG, f"{LONG}\n{LONG}", "已办结", "待居民确认办理结果", "In progress",
    "7K2M", "XYL-2026-000123", "３号楼", "12", "3.50", "¥1,234.50元", "1e999", "+86-0766-66888866", "010 6660 0000", "粤A8Z888挂",
    "2026-11-25 18:00", "2026-11-25T10:00:00+00:00", "2026年11月25日 18:00", "25 November 2026, 18:00", "Nov 25, 2026", "18:00",
    "2026年13月40日", "24:00", "11月25日 18:00", "09:00~18:00", "😀😀😀😀😀😀😀😀😀😀😀", "𠮷野家門前", "\u200b\u202e",
    "<b>&amp;</b>", "~", "。。。。。。",
)  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_whatever_is_said_fits_or_is_not_said(kind):
    for value in VALUES:
        try:
            fitted = fit(f"{kind}12", value)
        except Unfit:
            assert kind in {"number", "amount", "phone_number", "car_number", "time", "date"}, (kind, value)
        else:
            assert re.fullmatch(TYPES[kind], fitted), (kind, value, fitted)
            assert fitted == fitted.strip()
            assert fit(f"{kind}12", fitted) == fitted


@pytest.mark.parametrize(
    ("name", "most", "one", "cut"),
    [
        ("thing1", 20, "电", "电" * 19 + "…"),
        ("character_string2", 32, "A", "A" * 32),
        ("letter1", 32, "A", "A" * 32),
        ("symbol1", 5, "!", "!" * 5),
        ("phrase3", 5, "电", "电" * 5),
        ("name1", 10, "电", "电" * 9 + "…"),
        ("name1", 20, "A", "A" * 19 + "…"),
        ("const1", 20, "电", "电" * 19 + "…"),
    ],
)
def test_a_field_is_cut_where_it_is_full_and_not_before(name, most, one, cut):
    assert fit(name, one * most) == one * most
    assert fit(name, one * (most + 1)) == cut


@pytest.mark.parametrize(
    ("name", "value", "fitted"),
    [
        ("thing1", " 电梯\n故障 ", "电梯 故障"),
        ("thing1", "", "-"),
        ("thing1", "😀" * 11, "😀" * 9 + "…"),
        ("character_string1", "工单 7K2M", "7K2M"),
        ("character_string1", "工单", "-"),
        ("letter1", "7K2M", "KM"),
        ("letter1", "7", "NA"),
        ("symbol1", "a！", "！"),
        ("phrase1", "办理中 (2)", "办理中"),
        ("phrase1", "In progress", "见详情"),
        ("name1", "3号楼 Li", "号楼 Li"),
        ("number1", "还剩 3.5 天", "3.5"),
        ("amount1", "¥1,234.50 元", "¥1234.50元"),
        ("phone_number1", "010 6660 0000", "01066600000"),
        ("car_number1", "粤A8Z888挂", "粤A8Z888挂"),
        ("time1", "2026-11-25 18:00:30", "2026年11月25日 18:00"),
        ("time1", "2026-11-25T10:00:00.123456+00:00", "2026年11月25日 18:00"),
        ("time1", "8:05", "08:05"),
        ("time1", "2026年11月25日 24:00", "2026年11月25日 23:59"),
        ("time1", "截至 2026/1/5 8:05", "2026年1月5日 08:05"),
        ("time1", "2026年11月25日 18:00～2026年11月26日 9:00", "2026年11月25日 18:00~2026年11月26日 09:00"),
        ("date1", "2026-11-25", "2026年11月25日"),
    ],
)
def test_what_is_said_keeps_its_sense(name, value, fitted):
    assert fit(name, value) == fitted


NEW_YEAR = datetime(2027, 1, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("kind", ["time", "date"])
@pytest.mark.parametrize(
    ("fact", "fitted"),
    [
        (NEW_YEAR - timedelta(minutes=1), "2026年12月31日 23:59"),
        (NEW_YEAR, "2026年12月31日 23:59"),
        (NEW_YEAR + timedelta(minutes=1), "2027年1月1日 00:01"),
        (NEW_YEAR.astimezone(UTC) + timedelta(hours=10), "2027年1月1日 10:00"),
        (NEW_YEAR + timedelta(days=300), "2027年10月27日 23:59"),
        (date(2026, 12, 31), "2026年12月31日"),
        (date(2027, 1, 1), "2027年1月1日"),
        (Phrase(bilingual("请于{}前", "by {}"), NEW_YEAR - timedelta(hours=6)), "2026年12月31日 18:00"),
        (Phrase(bilingual("将于{}到期", "runs out at {}"), NEW_YEAR + timedelta(hours=9)), "2027年1月1日 09:00"),
    ],
)
def test_a_moment_keeps_its_year_in_either_language(language, kind, fact, fitted):
    with override(language):
        assert fit(f"{kind}1", written(f"{kind}1", fact)) == fitted


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_number_field_takes_a_phrases_number_alone(language):
    with override(language):
        assert fit("number1", written("number1", Phrase(bilingual("少{}日", "{} days short"), 5))) == "5"
        assert fit("thing1", written("thing1", 12)) == "12"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh-hans", ["12月31日 18:00", "12月31日 24:00", "2027年1月1日", "请于12月31日 18:00前", "5"]),
        ("en", ["18:00 on 31 December", "the end of 31 December", "2027-01-01", "by 18:00 on 31 December", "5"]),
    ],
)
def test_running_text_says_facts_in_the_readers_language(language, said):
    evening = NEW_YEAR - timedelta(hours=6)
    facts = [evening, NEW_YEAR, date(2027, 1, 1), Phrase(bilingual("请于{}前", "by {}"), evening), 5]
    with override(language):
        assert [str(text(fact)) for fact in facts] == said
        assert fit("thing1", written("thing1", facts[3])) == said[3][:19] + ("…" if len(said[3]) > 20 else said[3][19:])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time1", ""),
        ("time1", "soon"),
        ("time1", "25:00"),
        ("time1", "24:01"),
        ("time1", "2026-02-30"),
        ("time1", "2026-99-99T10:00:00Z"),
        ("time1", "11月25日 18:00"),
        ("time1", "25 November, 18:00"),
        ("time1", "2026-11-25 18:00~"),
        ("time1", "marked 3"),
        ("date1", "18:00"),
        ("number1", "none"),
        ("number1", "1" * 33),
        ("amount1", "12345678901"),
        ("phone_number1", "1" * 18),
        ("phone_number1", "()"),
        ("car_number1", "电梯"),
    ],
)
def test_what_there_is_none_of_is_not_invented(name, value):
    with pytest.raises(Unfit, match=name):
        fit(name, value)
