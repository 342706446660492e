"""What invented people say, and the reports that they make."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from web.tables import read_table

FILE = Path(__file__).parents[1] / "data" / "demo_reports.csv"
PROGRESS = (
    "已到现场查看，正在备料。",
    "维修人员已进场，预计明天完成。",
    "已与相关住户沟通，处理过半。",
    "配件到货，今天安装。",
)
CONTACTED = ("已电话联系，约好上门时间。", "已联系，说明了处理安排。", "已当面了解情况。")
RETURNS = (
    "经现场核实，不在我单位服务合同范围内。",
    "该设施由产权单位管理，非我单位职责。",
    "涉及专业管线，应由专业单位处置。",
)
MET = ("居民代表、物业项目部", "居民代表、居委会", "物业项目部、相关住户")
AGREED = ("由物业一周内完成整改，物管会验收。", "先清理现场，再商定长效办法。", "费用按合同承担，派单办理。")
DISPUTES = ("只弄了一半，后面还是老样子。", "当天好了，第二天又一样。", "照片拍的不是我们单元。")
THANKS = ("来得快、修得好，谢谢师傅！", "多年的问题解决了，谢谢街道和物管会。", "电话回得及时，很放心。")
REOPENINGS = ("没几天又坏了。", "问题又出现了，请再来看看。")
URGES = ("请尽快处理。", "等了几天了，麻烦加快。")
GUIDANCE = {
    "legal_procedure": "该纠纷正在诉讼中，请通过法定途径解决。",
    "out_of_scope": "该事项不属于街道职责，请联系开户营业厅办理。",
    "repeated": "该事项此前已办结答复，如有新情况请补充后再报。",
}
TERMINATED = "多次联系诉求人均不配合提供入户条件，经研究决定终止办理并书面告知。"
ON_ACCOUNT = {
    "legacy": "产权关系待厘清。",
    "planning": "待纳入年度改造计划。",
    "funding": "待专项资金落实。",
    "joint_decision": "待业主共同决定。",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A report that somebody might make, and what is said when it is done; `{b}`, `{u}`, `{f}` are building, unit, floor."""

    category: str
    type: str
    title: str
    text: str
    spot: str
    result: str


@cache
def samples() -> tuple[Sample, ...]:
    """The reports of the data file, in its order."""
    return tuple(Sample(**row) for _, row in read_table(FILE))
