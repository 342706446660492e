"""Words for people in templates: `{% bilingual "通知记录" "Messages" %}`."""

from django import template

from web import words

register = template.Library()


@register.simple_tag
def bilingual(zh: str, en: str) -> str:
    """`zh`, or `en` where English is the active language."""
    return words.say(zh, en)
