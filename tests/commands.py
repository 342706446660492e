"""What Linli's commands say, run in the process of the tests."""

from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command


def printed(command: str, *arguments: Any, **options: Any) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def outcome(command: str, *arguments: Any, **options: Any) -> tuple[str, str, str]:
    """What a command prints, what it complains of, and the error with which it ends; empty where it succeeds."""
    out, complained, error = StringIO(), StringIO(), ""
    try:
        call_command(command, *arguments, stdout=out, stderr=complained, **options)
    except CommandError as refused:
        error = str(refused)
    return out.getvalue(), complained.getvalue(), error
