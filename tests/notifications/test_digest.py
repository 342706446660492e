"""Many messages as one text."""

from notifications.wordings.digest import DigestLine, digest_content


def test_a_digest_counts_and_lists_with_the_urgent_on_top():
    lines = [DigestLine("A-1 已受理"), DigestLine("A-2 漏水", urgent=True), DigestLine("A-3 已办结")]
    assert digest_content(lines, "zh-hans") == {
        "title": "3 条新消息",
        "body": "【紧急】A-2 漏水\nA-1 已受理\nA-3 已办结",
        "language": "zh-hans",
    }
    assert digest_content(lines[:2], "en")["body"] == "URGENT: A-2 漏水\nA-1 已受理"


def test_a_digest_that_is_too_long_counts_the_rest():
    lines = [DigestLine(f"第{number:03}号") for number in range(300)]
    for room in range(200, 260):
        found = digest_content(lines, "zh-hans", room=room)
        *listed, more = found["body"].split("\n")
        assert len(f"{found['title']}\n{found['body']}".encode()) <= room
        assert listed == [one.title for one in lines[: len(listed)]]
        assert len(listed) > 10
        assert more == f"另有 {300 - len(listed)} 条"


def test_a_digest_that_just_fits_is_whole():
    lines = [DigestLine("甲"), DigestLine("乙")]
    whole = digest_content(lines, "zh-hans")
    size = len(f"{whole['title']}\n{whole['body']}".encode())
    assert digest_content(lines, "zh-hans", room=size) == whole
    assert digest_content(lines, "zh-hans", room=size - 1)["body"] == "另有 2 条"


def test_what_each_is_about_is_said_where_there_is_room_for_all():
    lines = [
        DigestLine("A-1 已受理", about="14号院 · 漏水"),
        DigestLine("A-2 已办结"),
        DigestLine("A-3 派单", urgent=True, about="电梯"),
    ]
    whole = digest_content(lines, "zh-hans")
    assert whole["body"] == "【紧急】A-3 派单 · 电梯\nA-1 已受理 · 14号院 · 漏水\nA-2 已办结"
    size = len(f"{whole['title']}\n{whole['body']}".encode())
    assert digest_content(lines, "zh-hans", room=size) == whole
    assert digest_content(lines, "zh-hans", room=size - 1)["body"] == "【紧急】A-3 派单\nA-1 已受理\nA-2 已办结"


def test_a_title_is_no_template():
    assert (
        digest_content([DigestLine("价格 $5 ${lines}"), DigestLine("乙")], "zh-hans")["body"] == "价格 $5 ${lines}\n乙"
    )
