"""What the console says of a move beside the move's own words: help for its fields, what to know before, its key and its icon."""

from collections.abc import Mapping

from web.words import Words, bilingual

KEYS: Mapping[str, str] = {
    "sign": "s",
    "contact": "c",
    "arrive": "v",
    "progress": "p",
    "reply": "f",
    "assign": "m",
    "ask": "w",
    "complete_step": "f",
    "report_in": "b",
    "assist_done": "f",
    "merge": "g",
}
"""The key that opens or makes a move, in the panel and over selected rows."""

ICONS: Mapping[str, str] = {
    "submit": "send",
    "dispatch": "inbox",
    "redispatch": "arrows-shuffle",
    "sign": "user-check",
    "assign": "arrow-right",
    "contact": "phone",
    "arrive": "map-pin",
    "progress": "tool",
    "ask": "message-circle-question",
    "answer": "message",
    "comment": "message",
    "reply": "circle-check",
    "complete_step": "circle-check",
    "assist_done": "circle-check",
    "return": "arrow-back-up",
    "uphold": "arrow-back-up",
    "coordinate": "users-group",
    "record": "file-text",
    "request_extension": "calendar",
    "grant_extension": "calendar",
    "refuse_extension": "calendar",
    "urge": "bell",
    "remind": "bell",
    "supervise": "flag",
    "raise_level": "alarm",
    "cosign": "thumb-up",
    "put_on_account": "bookmark",
    "resume": "bookmark",
    "reveal": "eye",
    "merge": "git-merge",
    "reject": "ban",
    "close": "circle-check",
    "confirm": "circle-check",
    "callback": "phone-call",
    "whistle": "users",
    "report_in": "walk",
}
"""The shape of a move, in its button and in the history."""
OTHERWISE = "circle-half-2"

KNOW: Mapping[str, Words] = {
    "return": bilingual(
        "每次派单只能申请一次，由街道审核。审核期间时限照走。",
        "Once per dispatch. The street decides, and time runs on meanwhile.",
    ),
    "coordinate": bilingual(
        "由物管会或街道协调各方，算作一次退回。",
        "The committee or the street brings everybody together. It counts as a return.",
    ),
    "request_extension": bilingual(
        "由街道审核。批准之前时限照走。", "The street decides. Until it grants them, time runs on."
    ),
    "ask": bilingual("居民答复之前，办结时限暂停。", "Until the resident answers, the time to settle it stands still."),
    "arrive": bilingual("按下即登记到场时间。", "This records the time of arrival."),
    "merge": bilingual(
        "并入的那件就此结束，时限停止；它的诉求人和附议人收到通知，改为关注保留的那件，更早的承诺时间由保留的那件接着算。",
        "The one that is merged ends, and its clocks with it. Its reporter and followers are told, and follow the one that stays, "
        "which keeps the earlier of both promises.",
    ),
    "reveal": bilingual("查看会记入工单经过，街道可见。", "It is recorded in the history, where the street sees it."),
}
"""What to know before the move is made."""

HELP: Mapping[tuple[str, str], Words] = {
    ("sign", "worker"): bilingual("不选则由您本人办理。", "Left empty, you do the work yourself."),
    ("reply", "result"): bilingual(
        "居民会看到这段话。写明做了什么、什么时候做的。", "The resident reads this. Say what was done, and when."
    ),
    ("return", "reason"): bilingual("写明为什么不归本单位、应由谁办。", "Say why it is not yours, and whose it is."),
}
"""Help for a field, in the place of what the move's input says."""

NEEDS_PHOTO = bilingual("该类事项至少一张整改后照片。", "This category demands a photo of the result.")
