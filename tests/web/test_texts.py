"""What a text and a line are: one rule for every field of every body and of every form of the admin."""

import unicodedata

import pytest
from django import forms
from django.contrib.admin import site
from django.contrib.postgres.forms import SimpleArrayField
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

import config.urls  # noqa: F401 - brings every body and every page of the admin along
from tests.web.test_bodies import bodies
from tickets.search import Wanted
from web import fields
from web import forms as written
from web.texts import ControlCharacter, read_code, read_line, read_text

UNSEEN = [
    "\u200b", "\u2060", "\ufeff", "\u3164", "\u2800", "\u00ad", "\ufe0f", "\u0301", "\u200d", "\u200c", "\u115f", "\u1160",
    "\uffa0", "\u17b4", "\u180e", "\u034f", "\u2061", "\u202e", "\u200e", "\u061c", "\u2066\u2069", "\U000e0041", "\ufffc",
    "\u3000", "\u00a0", "\u2028", "\t", "\n", "\ue000", "\U0001d159", "\u20dd", " \u200b\u3164\ufe0f\n",
]  # fmt: skip


def fields_of(kind):
    for name, field in kind().fields.items():
        yield name, getattr(field, "child", field)


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_what_cannot_be_seen_is_empty(unseen):
    assert read_text(unseen) == read_line(unseen) == ""


@pytest.mark.parametrize(
    "seen", ["电梯", "…", "？", "👍🏽", "👨\u200d👩\u200d👧", "❤\ufe0f", "é", "e\u0301", "नमस्ते", "می\u200cخواهم", "1"]
)
def test_what_can_be_seen_is_kept_as_it_is(seen):
    assert read_text(seen) == read_line(seen) == seen


@pytest.mark.parametrize("character", [chr(code) for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))])
def test_controls_are_refused(character):
    assert unicodedata.category(character) == "Cc"
    for read in (read_text, read_line):
        with pytest.raises(ControlCharacter):
            read(f"电{character}梯")


def test_direction_and_unseen_characters_are_taken_out():
    assert read_line("abc\u202egpj.exe\u202c") == "abcgpj.exe"
    assert read_text("电\u200b梯\ufeff停\u00ad了\u2066\u2069") == "电梯停了"


def test_a_text_keeps_its_lines_and_a_line_has_one():
    assert read_text(" 一\r\n二\r三\u2028四\n\n五\t六 ") == "一\n二\n三\n四\n\n五\t六"
    assert read_line(" 一\r\n二\t三\u2029四　 五 ") == "一 二 三 四 五"


def test_a_code_is_read_as_people_type_it():
    assert read_code(" １２３ ４５６ ") == read_code("123-456") == "123456"


def test_every_field_of_every_body_reads_texts_by_the_rule():
    known = list(bodies())
    assert len(known) > 40
    # Keys and secrets of programs are matched by their pattern; an address of mail has a grammar of its own.
    other = (serializers.RegexField, serializers.EmailField)
    for kind in known:
        for name, field in fields_of(kind):
            if isinstance(field, serializers.CharField) and not isinstance(field, other):
                assert isinstance(field, fields.TextField), f"{kind.__name__}.{name}"


@pytest.mark.parametrize("unseen", ["\u200b", "\u3164", "\u2800\ufe0f", "\u0301"], ids=ascii)
def test_no_field_of_any_body_takes_what_cannot_be_seen(unseen):
    refused = 0
    for kind in bodies():
        for name, field in fields_of(kind):
            if not isinstance(field, fields.TextField):
                continue
            if field.allow_blank:
                assert field.run_validation(unseen) in ("", Wanted.read("")), f"{kind.__name__}.{name}"
                continue
            with pytest.raises(ValidationError) as refusal:
                field.run_validation(unseen)
            assert refusal.value.get_codes() == ["blank"], f"{kind.__name__}.{name}"
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\x9b"], ids=ascii)
def test_no_field_of_any_body_takes_a_control(character):
    for kind in bodies():
        for name, field in fields_of(kind):
            if isinstance(field, fields.TextField):
                with pytest.raises(ValidationError) as refusal:
                    field.run_validation(f"1{character}2")
                assert refusal.value.get_codes() == ["control_character"], f"{kind.__name__}.{name}"


@pytest.mark.parametrize("number", [0, 7, False, 1.5])
def test_a_text_is_no_number(number):
    with pytest.raises(ValidationError) as refusal:
        fields.LineField().run_validation(number)
    assert refusal.value.get_codes() == ["invalid"]


@pytest.mark.django_db
def test_every_form_of_the_admin_reads_texts_by_the_rule(cast):
    request = RequestFactory().get("/")
    request.user = cast["administrator"]
    seen = 0
    for page in site._registry.values():
        may_write = [page.has_add_permission(request), page.has_change_permission(request)]
        kinds = [page.get_form(request, change=change) for change, may in enumerate(may_write) if may]
        kinds += [
            inline.get_formset(request).form
            for inline in page.get_inline_instances(request)
            if inline.has_add_permission(request, None) or inline.has_change_permission(request)
        ]
        for kind in kinds:
            for name, field in kind.base_fields.items():
                if isinstance(field, SimpleArrayField):
                    field = field.base_field
                if isinstance(field, forms.CharField) and type(field) not in {forms.JSONField, forms.UUIDField}:
                    assert isinstance(field, written.TextFormField), f"{page}: {name}"
                    seen += 1
    assert seen > 30


@pytest.mark.django_db
def test_a_form_keeps_what_can_be_seen_and_refuses_what_cannot():
    field = written.LineFormField(max_length=10)
    assert field.clean(" 北\u200b区\n一号 ") == "北区 一号"
    for bad, code in (("\u3164", "required"), ("a\x7f", "control_character"), ("a\x00", "control_character")):
        with pytest.raises(forms.ValidationError) as refusal:
            field.clean(bad)
        assert refusal.value.error_list[0].code == code
