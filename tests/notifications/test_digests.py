"""Many messages as one text."""

from notifications.digests import Line, summed_up


def test_a_digest_counts_and_lists_with_the_urgent_on_top():
    lines = [Line("A-1 已受理"), Line("A-2 漏水", urgent=True), Line("A-3 已办结")]
    assert summed_up(lines, "zh-hans") == {
        "title": "3 条新消息",
        "body": "【紧急】A-2 漏水\nA-1 已受理\nA-3 已办结",
        "language": "zh-hans",
    }
    assert summed_up(lines[:2], "en")["body"] == "URGENT: A-2 漏水\nA-1 已受理"


def test_a_digest_that_is_too_long_counts_the_rest():
    lines = [Line(f"第{number:03}号") for number in range(300)]
    for room in range(200, 260):
        found = summed_up(lines, "zh-hans", room=room)
        *listed, more = found["body"].split("\n")
        assert len(f"{found['title']}\n{found['body']}".encode()) <= room
        assert listed == [one.title for one in lines[: len(listed)]]
        assert len(listed) > 10
        assert more == f"另有 {300 - len(listed)} 条"


def test_a_digest_that_just_fits_is_whole():
    lines = [Line("甲"), Line("乙")]
    whole = summed_up(lines, "zh-hans")
    size = len(f"{whole['title']}\n{whole['body']}".encode())
    assert summed_up(lines, "zh-hans", room=size) == whole
    assert summed_up(lines, "zh-hans", room=size - 1)["body"] == "另有 2 条"


def test_what_each_is_about_is_said_where_there_is_room_for_all():
    lines = [Line("A-1 已受理", about="14号院 · 漏水"), Line("A-2 已办结"), Line("A-3 派单", urgent=True, about="电梯")]
    whole = summed_up(lines, "zh-hans")
    assert whole["body"] == "【紧急】A-3 派单 · 电梯\nA-1 已受理 · 14号院 · 漏水\nA-2 已办结"
    size = len(f"{whole['title']}\n{whole['body']}".encode())
    assert summed_up(lines, "zh-hans", room=size) == whole
    assert summed_up(lines, "zh-hans", room=size - 1)["body"] == "【紧急】A-3 派单\nA-1 已受理\nA-2 已办结"


def test_a_title_is_no_template():
    assert summed_up([Line("价格 $5 ${lines}"), Line("乙")], "zh-hans")["body"] == "价格 $5 ${lines}\n乙"
