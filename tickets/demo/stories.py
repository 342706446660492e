"""Four true stories of the street, each told as the moves that its people make. Names and words are invented."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.functional import Promise

from tickets.demo.walk import Walk
from web.words import bilingual as say


@dataclass(frozen=True, slots=True)
class Story:
    """A story by name; `tell` makes its moves."""

    name: str
    title: Promise
    tell: Callable[[Walk], None]


def garbage(walk: Walk) -> None:
    """Overflowing bins: straight to the company, done with a photo, closed by the resident."""
    ticket = walk.file(
        "resident",
        "CL03",
        say(
            "3号楼旁边的垃圾桶满了两天，袋子堆到路上，味道很大。",
            "The bins by building 3 have overflowed for two days.",
        ),
        compound="学院路14号院",
        spot=say("3号楼东侧桶站", "Bins east of building 3"),
        photos=[walk.photo("resident", "report", "#7a5c3e")],
    )
    walk.move("dispatcher", ticket, "sign", worker=walk.member("worker"))
    walk.move(
        "worker", ticket, "contact", result="reached", words=say("已电话联系，半小时内到。", "Called; there in 30 min.")
    )
    walk.refused(
        "worker",
        ticket,
        "reply",
        say("该事项须附办结照片", "this matter needs a photo of the result"),
        result=say("清好了。", "Cleaned up."),
    )
    walk.move(
        "worker",
        ticket,
        "reply",
        result=say("已清运并冲洗地面，今后早晚各清一次。", "Emptied and hosed down; twice a day from now on."),
        photos=[walk.photo("worker", "after", "#3e7a4f")],
    )
    walk.hidden("outsider", ticket, say("不相干的人看不到，也不知道它存在", "to a stranger it does not exist"))
    walk.move(
        "resident",
        ticket,
        "confirm",
        resolved=True,
        rating=5,
        words=say("来得很快，谢谢。", "That was quick, thank you."),
    )
    walk.timelines(ticket)


def lift(walk: Walk) -> None:
    """People in a lift: no coordination, two hours, maintainer and property office together."""
    ticket = walk.file(
        "resident_yicheng",
        "EL01",
        say(
            "5号楼2单元电梯停在七八层之间，里面有一位老人和一个孩子。",
            "The lift in building 5, entrance 2 stopped between floors 7 and 8, with an old man and a child in it.",
        ),
        compound="逸成社区小区",
        spot=say("5号楼2单元", "Building 5, entrance 2"),
    )
    walk.move("lift-yunti-dispatcher", ticket, "sign")
    walk.move(
        "other_dispatcher",
        ticket,
        "report_in",
        reason=say("值班员已到七层，正与轿厢内通话安抚。", "Our guard is on floor 7, talking to them."),
    )
    walk.move(
        "lift-yunti-dispatcher", ticket, "contact", result="reached", words=say("12分钟到场。", "12 minutes away.")
    )
    walk.move("lift-yunti-dispatcher", ticket, "arrive")
    walk.move(
        "lift-yunti-dispatcher",
        ticket,
        "progress",
        text=say("已平层开门，两人安全走出，身体无碍。", "Levelled and opened; both walked out unhurt."),
    )
    walk.move(
        "other_dispatcher",
        ticket,
        "assist_done",
        words=say("现场已围挡，各单元已张贴停梯告示。", "Cordoned off; notices are up at every entrance."),
    )
    walk.move(
        "lift-yunti-dispatcher",
        ticket,
        "reply",
        result=say("更换门锁触点，试运行正常后恢复使用。", "Replaced a door contact; back in service after tests."),
        photos=[walk.photo("lift-yunti-dispatcher", "after", "#3e5a7a")],
    )
    walk.move("resident_yicheng", ticket, "confirm", resolved=True, rating=5)
    walk.timelines(ticket)


def parking(walk: Walk) -> None:
    """Parking at 学院路14号院: coordinated, returned, dispatched anew, disputed once, done again, closed."""
    ticket = walk.file(
        "resident",
        "PK01",
        say(
            "外来车辆占满院内通道，晚上业主回来没有车位，急救车也进不来。",
            "Strangers' cars fill the lanes; owners find no space at night and an ambulance could not get in.",
        ),
        compound="学院路14号院",
        spot=say("东门至5号楼通道", "East gate to building 5"),
        photos=[walk.photo("resident", "report", "#5c5c6e")],
    )
    walk.move("neighbour", ticket, "cosign")
    walk.move(
        "chair",
        ticket,
        "record",
        met_with=say("居民代表、产权单位、天岳恒项目部", "Residents, the title holder, the project office"),
        agreed=say(
            "先清理占道车辆，再由业主共同决定停车方案。",
            "Clear the lanes first; the owners decide on parking afterwards.",
        ),
    )
    walk.move(
        "chair",
        ticket,
        "dispatch",
        holder=walk.organisation("title-a01-manager"),
        note=say("院内空地权属在产权单位，请先行清理。", "The ground is the title holder's; please clear it."),
    )
    walk.move(
        "title-a01-manager",
        ticket,
        "return",
        reason=say("停车管理已移交天岳恒，不属我单位职责。", "Parking has been handed to Tianyueheng; not ours."),
    )
    walk.move(
        "property_officer",
        ticket,
        "redispatch",
        holder=walk.organisation("dispatcher"),
        reason=say("移交属实，改派现管理单位。", "So it has; sent to who manages it now."),
    )
    walk.move("dispatcher", ticket, "sign", worker=walk.member("worker"))
    walk.move("worker", ticket, "contact", result="reached")
    walk.move(
        "worker",
        ticket,
        "progress",
        text=say("已联系挪走占道车辆11辆，通道画线完成一半。", "11 cars moved; half of the lane is marked."),
        photos=[walk.photo("worker", "progress", "#6e6a3e")],
    )
    walk.move(
        "manager",
        ticket,
        "reply",
        result=say(
            "通道已清空并画线，东门安排专人值守。", "The lane is clear and marked, with a guard at the east gate."
        ),
        photos=[walk.photo("manager", "after", "#3e7a4f")],
    )
    walk.move(
        "resident",
        ticket,
        "dispute",
        reason=say(
            "白天是好了，夜里九点以后没人管，又停满了。",
            "Fine by day; after nine nobody is there and it is full again.",
        ),
        photos=[walk.photo("resident", "dispute", "#2e2e3e")],
    )
    walk.move(
        "property_officer",
        ticket,
        "supervise",
        kind="routine",
        reason=say("居民不满意，督促夜间值守到位。", "The resident is not content: nights must be covered."),
    )
    walk.move(
        "manager",
        ticket,
        "reply",
        result=say(
            "夜间增加一岗，道闸改为登记放行，连续三晚通道畅通。",
            "A night guard was added and the barrier registers visitors; the lane stayed free three nights.",
        ),
        photos=[walk.photo("manager", "after", "#4f7a3e")],
    )
    walk.move("resident", ticket, "confirm", resolved=True, rating=4, words=say("这次可以。", "Good this time."))
    walk.move("desk_officer", ticket, "callback", valid=True, contacted=True, resolved=True, satisfied=4)
    walk.timelines(ticket)


def traffic_light(walk: Walk) -> None:
    """A light between two compounds: street desk, whistle, on account, cleared, replied, closed, thanked."""
    spot = say(
        "月泉路，逸成社区小区北门与建清园社区小区南门之间",
        "Yuequan Road, between the gates of Yicheng and Jianqingyuan",
    )
    ticket = walk.file(
        "resident_yicheng",
        "TR01",
        say(
            "路口车多没有红绿灯，老人孩子过街很危险，反映好几年了。",
            "A busy crossing without a light; we have asked for years.",
        ),
        compound="逸成社区小区",
        public=True,
        spot=spot,
    )
    twin = walk.file(
        "resident_jianqingyuan",
        "TR01",
        say("南门外过马路要等很久，希望装红绿灯。", "One waits for ages to cross at the south gate; we want a light."),
        compound="建清园社区小区",
        public=True,
        spot=spot,
    )
    walk.move("desk_officer", twin, "merge", into=ticket.id)
    walk.move(
        "desk_officer",
        ticket,
        "whistle",
        departments=[walk.organisation("traffic_liaison")],
        reason=say("请交管部门到场踏勘，研究增设信号灯。", "Please survey the crossing and consider a signal."),
    )
    walk.move(
        "traffic_liaison", ticket, "report_in", reason=say("民警已到现场踏勘。", "Officers have surveyed the site.")
    )
    walk.move(
        "desk_officer",
        ticket,
        "record",
        met_with=say("交通支队、两个社区的居民代表", "Traffic police, residents of both communities"),
        agreed=say("符合设置条件，列入年度信号灯计划。", "It qualifies, and goes on this year's list of signals."),
    )
    walk.move(
        "desk_officer",
        ticket,
        "put_on_account",
        kind="planning",
        owner=walk.organisation("traffic_liaison"),
        plan_date=(timezone.localdate() + timedelta(days=45)).isoformat(),
        reason=say("等待供电接入和施工排期。", "Waits for a power connection and a date to build."),
    )
    walk.move(
        "traffic_liaison",
        ticket,
        "progress",
        text=say("基础已浇筑，本周立杆。", "The foundation is cast; the poles go up this week."),
        photos=[walk.photo("traffic_liaison", "progress", "#6e5c3e")],
    )
    walk.move("desk_officer", ticket, "resume", reason=say("信号灯已具备通电条件，销账。", "Ready to be switched on."))
    walk.move(
        "traffic_liaison", ticket, "assist_done", words=say("信号灯今晚启用，配时已调好。", "In service tonight.")
    )
    walk.move(
        "desk_officer",
        ticket,
        "reply",
        result=say("月泉路信号灯已启用，两个小区居民可按灯过街。", "The signal on Yuequan Road is in service."),
        photos=[walk.photo("desk_officer", "after", "#3e7a4f")],
    )
    walk.move("resident_yicheng", ticket, "confirm", resolved=True, rating=5)
    walk.move(
        "resident_yicheng",
        ticket,
        "thank",
        words=say(
            "多年的心愿实现了，给街道和交警送锦旗！", "A wish of years come true: a banner for street and police!"
        ),
        consent=True,
    )
    walk.timelines(ticket)


STORIES = {
    story.name: story
    for story in (
        Story(
            "garbage",
            say("垃圾满溢：直派物业，居民确认", "Overflowing bins: straight to the company, closed by the resident"),
            garbage,
        ),
        Story(
            "lift",
            say("电梯困人：不协调，两小时，维保与物业同到", "A lift with people in it: two hours, two parties at once"),
            lift,
        ),
        Story(
            "parking",
            say("14号院停车：协调、退回、改派、返工", "Parking at No. 14: coordinated, returned, sent anew, redone"),
            parking,
        ),
        Story(
            "traffic-light",
            say(
                "两个小区之间的红绿灯：吹哨、挂账、销账、锦旗",
                "A light between two compounds: whistle, account, thanks",
            ),
            traffic_light,
        ),
    )
}
