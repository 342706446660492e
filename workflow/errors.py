"""Why a move was refused. Nothing has changed when one of these is raised."""

from django.utils.functional import Promise

from web.words import bilingual


class Refusal(Exception):
    """A move that may not happen; `code` is stable for programs, `reason` is for people."""

    code = "refused"
    reason: Promise | str = bilingual("操作未被接受。", "The action was refused.")

    def __init__(self, code: str | None = None, reason: Promise | str | None = None):
        self.code = code or self.code
        self.reason = reason or self.reason
        super().__init__(self.code)


class NotReady(Exception):
    """Something that this server needs has not been published or set up yet. `code` is for programs, `reason` for people."""

    code = "not_ready"
    reason: Promise | str = bilingual("服务尚未就绪。", "This server is not ready yet.")


class StaleVersion(Refusal):
    """The subject has changed since the caller last read it."""

    code = "stale_version"
    reason = bilingual("内容已被他人更新，请刷新后重试。", "It has changed since you read it; read it again and retry.")


class IllegalMove(Refusal):
    """The move is not possible in the subject's present state."""

    code = "illegal_move"
    reason = bilingual("当前状态下不能执行该操作。", "This action is not possible in the present state.")


class NotPermitted(Refusal):
    """The move is possible, but not for this actor."""

    code = "not_permitted"
    reason = bilingual("您无权执行该操作。", "You may not take this action.")


class InvalidInput(Refusal):
    """An input of a move has the right shape but cannot be used; `field` names it."""

    code = "invalid"

    def __init__(self, field: str, code: str, reason: Promise | str):
        super().__init__(code, reason)
        self.field = field
