"""A ticket with a life behind it: coordinated, dispatched twice, asked, urged, supervised, late."""

import uuid
from datetime import datetime, timedelta

from tests.tickets.paths import Scene


def lived(scene: Scene, now: datetime) -> uuid.UUID:
    """A ticket of five days ago that the project office works on, and that another office had before."""
    begin = scene.now = now - timedelta(days=5)

    def do(hours: float, who: str, name: str, **inputs: object) -> None:
        scene.now = begin + timedelta(hours=hours)
        scene.do(who, ticket, name, **inputs)

    ticket = scene.file(
        "SV01",
        title="地下车库渗水，电表箱上方一直滴水",
        text="地下车库东侧顶板渗水两周了，电表箱上方一直滴水，担心漏电。找过物业前台三次，都说在排期。我电话13812345678，住3号楼2单元401。",
        spot="地下车库东侧",
    )
    do(3, "tenant", "cosign")
    do(20, "chair", "dispatch", holder="po-a02")
    do(26, "other_dispatcher", "sign")
    do(
        27,
        "desk_officer",
        "redispatch",
        holder="po-a01",
        co_handlers=["lift-shengan"],
        reason="防水在总包质保期内，由项目部牵头",
    )
    do(30, "dispatcher", "sign", worker="worker")
    do(31, "worker", "contact", result="reached", words="约明天上午查看渗漏点")
    do(46, "worker", "ask", question="电表箱是几号楼的？")
    do(60, "resident", "answer", answer="3号楼，靠东侧楼梯。")
    do(72, "resident", "urge", reason="还在滴水")
    do(80, "desk_officer", "supervise", kind="listed", reason="涉及用电安全")
    do(82, "dispatcher", "reveal", reason="上门前联系")
    do(96, "worker", "progress", text="已断电保护，开槽找漏，明天注浆。")
    scene.now = now
    return ticket
