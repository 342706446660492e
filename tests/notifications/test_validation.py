"""What the office words is read before it is kept: whatever a channel could not say is a fault, in words."""

import pytest

from notifications.wordings.validation import problems
from notifications.wordings.writer import WordingText

FACTS = ("code", "place")


def found(shape, body, title="", template=""):
    return [(one.field, str(one.reason)) for one in problems(WordingText(title, body, template), shape, FACTS)]


@pytest.mark.parametrize(
    ("shape", "title", "body"),
    [
        ("text", "${code} 已签收", "地点：${place}，费用 $$5"),
        ("text", "已签收", ""),
        ("sms", "", "code: ${code}\nwhat: ${title}"),
        ("wechat", "", "thing1: ${title}\ncharacter_string2：${code}\n\ntime3: ${place}"),
    ],
)
def test_what_can_be_said_has_no_fault(shape, title, body):
    assert found(shape, body, title) == []


@pytest.mark.parametrize(
    ("shape", "title", "body", "field", "words"),
    [
        ("text", "${code}", "${phone} 和 ${name}", "body", "${phone}、${name}"),
        ("text", "${title}", "", "title", "${title}"),
        ("text", "$ 5", "", "title", "“$” 后应为"),
        ("text", "${code}", "${地点}", "body", "“$” 后应为"),
        ("text", " ", "${code}", "title", "请填写标题"),
        ("text", "长" * 121, "", "title", "最多 120 字"),
        ("sms", "", "只有一句话", "body", "应写成 名称: 内容"),
        ("sms", "", " \n", "body", "至少填写一个字段"),
        ("sms", "标题", "a: ${code}", "title", "没有标题"),
        ("sms", "", "a: ${code}\na: ${place}", "body", "写了两次"),
        ("sms", "", "a:\nb: ${code}", "body", "字段 a 没有内容"),
        ("sms", "", "a: $code$", "body", "“$” 后应为"),
        ("wechat", "", "things1: ${code}", "body", "没有“things1”这种字段"),
        ("wechat", "", "thing: ${code}", "body", "缺编号"),
        ("wechat", "", f"thing1: ${{code}}{'长' * 21}", "body", "最多 20 字"),
        ("wechat", "", "thing1: ${nobody}", "body", "${nobody}"),
    ],
)
def test_every_fault_is_named(shape, title, body, field, words):
    (fault,) = found(shape, body, title)
    assert fault[0] == field
    assert words in fault[1]


def test_only_a_vendor_s_shapes_have_a_vendor_s_template():
    assert found("text", "", "${code}", "SMS_1")[0][0] == "template"
    assert found("sms", "a: ${code}", template="SMS_1") == []
