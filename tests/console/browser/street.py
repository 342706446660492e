"""A morning in the demo street: what a company's queue and the street's wall hold while pictures are taken."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from casework.kinds import kinds
from community.models import Compound
from tests.tickets.paths import Scene
from tickets.models import Ticket, TicketClock
from workflow.models import LastSweep

MORNING = (
    ("RP01", "水管爆裂，一层进水", "3号楼1单元", 55),
    ("CL03", "门口垃圾桶满了两天没人清", "东门垃圾站", 26 * 60),
    ("RP04", "楼道灯不亮，老人夜里不敢下楼", "7号楼2单元", 125),
    ("RP06", "单元门禁失灵，陌生人随意进出", "5号楼", 300),
    ("CL01", "保洁两周没拖楼道", "9号楼", 3 * 24 * 60),
    ("RP05", "小区路灯坏了三盏，晚上从南门进来一路是黑的，已经有人摔倒，请尽快修理并答复", "南门主路", 200),
    ("CL05", "装修垃圾堆在人行道上", "2号楼前", 24 * 60),
    ("RP07", "井盖松动，车过就响", "北门", 90),
    ("CL02", "绿化带里都是落叶和塑料袋", "中心花园", 45),
    ("RP09", "健身器材断裂", "西侧健身区", 30 * 60),
)


def file_at(scene: Scene, when: datetime, category: str, title: str, spot: str, who: str = "resident") -> uuid.UUID:
    """File a report at that moment."""
    scene.now = when
    return scene.file(
        category,
        who=who,
        title=title,
        spot=spot,
        text=f"{title}。从上周开始就这样，找过前台两次，都说会处理。家里有老人，出行不便。",
    )


ASKED = ("ask", {"question": "是哪个单元门？"})
CALLED = ("contact", {"result": "reached", "words": "约今天下午上门。"})
# What happened to each by its number, by whom, a while after it was filed.
SINCE: dict[int, list[tuple[str, str, dict[str, Any]]]] = {
    1: [("dispatcher", "sign", {"worker": "worker"}), ("resident", "urge", {"reason": "还没来人"})],
    2: [("dispatcher", "sign", {"worker": "worker"}), ("worker", *CALLED)],
    3: [("dispatcher", "sign", {}), ("dispatcher", *CALLED), ("dispatcher", *ASKED)],
    4: [
        ("dispatcher", "sign", {"worker": "worker"}),
        ("desk_officer", "supervise", {"kind": "listed", "reason": "多次反映"}),
    ],
    6: [("dispatcher", "return", {"reason": "由街道执法队清理，不在服务合同之内。"})],
    8: [
        ("dispatcher", "sign", {}),
        ("dispatcher", *CALLED),
        ("dispatcher", "request_extension", {"days": 2, "reason": "要等园林公司的车"}),
    ],
    9: [
        ("dispatcher", "sign", {}),
        ("dispatcher", *CALLED),
        ("dispatcher", "reply", {"result": "已更换断裂的横杆，并检查了其他器材。"}),
    ],
}


def morning(scene: Scene, now: datetime) -> list[uuid.UUID]:
    """Ten tickets in several states, most of them with the project office; their ids."""
    found = []
    for number, (category, title, spot, ago) in enumerate(MORNING):
        found.append(file_at(scene, now - timedelta(minutes=ago), category, title, spot))
        for who, name, inputs in SINCE.get(number, ()):
            scene.now = now - timedelta(minutes=ago * 0.9)
            photos = {"photos": [scene.photo(who)]} if name == "reply" else {}
            scene.do(who, found[-1], name, **inputs, **photos)
    return found


TO_COORDINATE = (
    ("PK01", "消防通道停满了车，救护车进不来", "3号楼西侧", 70 * 60),
    ("CL06", "楼道堆满纸箱和旧家具", "7号楼2单元", 40 * 60),
    ("SV02", "停车费收据和公示的价格对不上", "物业前台", 20 * 60),
    ("PK04", "有人私装地锁，占了三个公共车位", "北门", 95),
)


def coordinated(scene: Scene, now: datetime) -> list[uuid.UUID]:
    """Four tickets that the committee coordinates, the oldest with a record, and a morning of the company; their ids."""
    found = []
    for category, title, spot, ago in TO_COORDINATE:
        found.append(file_at(scene, now - timedelta(minutes=ago), category, title, spot))
    scene.now = now - timedelta(hours=5)
    scene.do("chair", found[0], "record", met_with="物业经理、3号楼业主代表", agreed="先划禁停线，夜间安排保安巡查。")
    scene.do("chair", found[2], "ask", question="您手里有收据吗？")
    morning(scene, now)
    return found


def to_call(scene: Scene, now: datetime) -> list[uuid.UUID]:
    """Three tickets whose residents are to be called back, the first overdue, the second closed; their ids."""
    found = []
    for number, (title, spot, result) in enumerate(
        (
            ("健身器材断裂", "西侧健身区", "已更换断裂的横杆，并检查了其他器材。"),
            ("楼道灯不亮，老人夜里不敢下楼", "7号楼2单元", "已更换灯泡和声控开关，晚上试过。"),
            ("门禁失灵，陌生人随意进出", "5号楼", "已更换读卡器。"),
        )
    ):
        found.append(file_at(scene, now - timedelta(hours=30 - number), "RP09", title, spot))
        for who, name, inputs in (
            ("dispatcher", "sign", {}),
            ("dispatcher", *CALLED),
            ("dispatcher", "reply", {"result": result, "photos": [scene.photo("dispatcher")]}),
        ):
            scene.do(who, found[-1], name, **inputs)
        due = now + timedelta(hours=number * 2 - 3)
        TicketClock.objects.filter(subject=found[-1], name="callback").update(due_at=due)
    scene.do("resident", found[1], "confirm", resolved=True, rating=5)
    return found


ELSEWHERE = (
    # The committee whose compound it is in, and in how many minutes something is due there.
    *(("pmc-a02", "单元门口堆满旧家具", -95), ("pmc-a02", "化粪池外溢", -20), ("oc-a03", "电梯异响", 40)),
    *(("pmc-a04", "消防通道被堵", 75), ("pmc-a05", "围墙开裂", 170), ("pmc-a06", "门禁卡刷不开", 200)),
    *(("oc-a07", "雨水管脱落", 260), ("oc-a08", "夜间施工噪音", 300), ("oc-a09", "树枝压到电线", 25)),
)
BEFORE = (1, 2, 2, 3, 5, 6, 6, 6, 8, 9, 11, 12, 12, 13, 15, 16, 18, 19, 19, 20, 22, 23, 25, 26, 26, 28)
"""So many days before today something was received that is not due for long."""


def watched(scene: Scene, now: datetime) -> list[uuid.UUID]:
    """What the street watches: the morning of one compound, what presses in others, and what came in the month before; their ids."""
    found = morning(scene, now)
    homes = dict(Compound.objects.exclude(area__committee=None).values_list("area__committee__code", "pk"))
    for committee, title, due in ELSEWHERE:
        scene.now = now - timedelta(minutes=400 - due / 2)
        found.append(scene.file("CL03", title=title, compound_id=homes[committee]))
        press(found[-1], now + timedelta(minutes=due))
    for number, days in enumerate(BEFORE):
        scene.now = now - timedelta(days=days, hours=number % 9)
        found.append(scene.file("PK01"))
        press(found[-1], now + timedelta(days=9))
    # As if sweepers had been there all the time.
    TicketClock.objects.filter(fire_at__lte=now).update(fire_at=now + timedelta(days=1))
    LastSweep.objects.bulk_create(
        [LastSweep(name=kind.name, at=now) for kind in kinds()],
        update_conflicts=True, unique_fields=["name"], update_fields=["at"],
    )  # fmt: skip
    return found


def press(ticket: uuid.UUID, due: datetime) -> None:
    """Let the ticket be due at this moment."""
    Ticket.objects.filter(pk=ticket).update(next_due_at=due, at_risk_at=due)
