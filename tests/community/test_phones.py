"""However a phone number is written, it is kept in one form."""

import pytest
from django.forms import ValidationError

from community.models import Membership, Person, SignInCode
from community.phones import DutyPhoneInput, MobileInput, PhoneField, read_duty_phone, read_mobile, read_phone

MOBILES = [
    "13800138000", "+8613800138000", "+86 138 0013 8000", "0086 138-0013-8000", "86-138-0013-8000", "8613800138000",
    "１３８００１３８０００", "＋８６　１３８００１３８０００", "\u202a+86 138 0013 8000\u202c",
    "138\u200b0013\u20608000", "138\u20100013\u20138000",
    "(138)0013 8000", "（138）00138000", "138.0013.8000", " 13800138000\n",
]  # fmt: skip
LANDLINES = {
    "010-55509999": "010-55509999",
    "01055509999": "010-55509999",
    "(010) 5550 9999": "010-55509999",
    "（０１０）５５５０－９９９９": "010-55509999",
    "+86 10 5550 9999": "010-55509999",
    "+86 (0)10 5550 9999": "010-55509999",
    "0086-10-55509999": "010-55509999",
    "010-55509999转801": "010-55509999转801",
    "010－5550－9999 转 ８０１": "010-55509999转801",
    "01055509999-801": "010-55509999转801",
    "010-55509999 分机801": "010-55509999转801",
    "010-55509999 ext. 801": "010-55509999转801",
    "010-55509999#801": "010-55509999转801",
    "0755-26001234": "0755-26001234",
    "0311 8555 1234": "0311-85551234",
    "400-820-8820": "4008208820",
    "+852 6123 4567": "+85261234567",
}
NONE = [
    "-----", "+++++", "55509999", "12345", "1380013800", "138001380001", "12900000001", "13800138000/13900139000", "电话",
    "电话13800138000", "1-800-FLOWERS", "01055509999转", "010-55509999转1234567", "+1 555", "0" * 11, "1" * 41, "二三四五六",
]  # fmt: skip


@pytest.mark.parametrize("written", MOBILES)
def test_a_mobile_has_eleven_digits_however_it_is_written(written):
    assert read_phone(written) == read_mobile(written) == "13800138000"


@pytest.mark.parametrize(("written", "number"), LANDLINES.items())
def test_a_landline_has_its_area_code_and_its_extension(written, number):
    assert read_phone(written) == number
    assert read_phone(number) == number
    with pytest.raises(ValueError, match=r".*"):
        read_mobile(written)


@pytest.mark.parametrize("written", [*NONE, "", "\u200b"])
def test_what_is_no_phone_is_refused(written):
    with pytest.raises(ValueError, match=r".*"):
        read_phone(written)


def test_a_refusal_says_what_is_expected():
    with pytest.raises(Exception, match="010-55509999转801") as refusal:
        PhoneField().run_validation("-----")
    assert refusal.value.get_codes() == ["invalid"]
    with pytest.raises(ValidationError, match="11位大陆手机号"):
        MobileInput().clean("010-55509999")


def test_an_organisation_may_have_a_short_number():
    assert [read_duty_phone(one) for one in ("12345", "110", "9 5598", "010 55509999")] == [
        "12345",
        "110",
        "95598",
        "010-55509999",
    ]
    with pytest.raises(ValidationError):
        DutyPhoneInput().clean("12")


@pytest.mark.django_db
@pytest.mark.parametrize("phone", ["+86 138-0013-8001", "１３８ ００１３ ８００１", "\u202d13800138001\u202c"])
@pytest.mark.parametrize("typed", ["{}", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}", "full"])
def test_signing_in_reads_phone_and_code_as_people_type_them(client, log, phone, typed):
    person = Person.objects.create_user("138 0013 8001", name="测试")
    asked = client.post("/api/v1/auth/codes", {"phone": phone}, "application/json")
    assert asked.status_code == 202, asked.content
    sent_to, code = log.read_text().split()[1:]
    assert sent_to == person.phone == "13800138001"
    given = code.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}) if typed == "full" else typed.format(code)
    # From another spelling than the one that asked.
    proof = {"phone": "0086 13800138001", "code": given, "request": asked.json()["request"]}
    answer = client.post("/api/v1/auth/tokens", proof, "application/json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["person_id"] == str(person.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("phone", ["", "-----", "010-55509999", "13800138000转801", "+85261234567", "1380013800"])
def test_no_code_is_sent_to_what_is_no_mobile(client, phone):
    answer = client.post("/api/v1/auth/codes", {"phone": phone}, "application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "phone"
    assert not SignInCode.objects.exists()


FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.django_db
def test_the_office_signs_in_with_a_phone_of_any_spelling(client, log):
    Person.objects.create_superuser("13800138002", name="测试")
    page = client.post("/console/signin/code/", {"phone": "+86 138 ００１３-8002"})
    assert page.status_code == 302
    code = log.read_text().split()[-1]
    answer = client.post("/console/signin/code/confirm/", {"code": f"{code[:3]} {code[3:]}".translate(FULL_WIDTH)})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/"), answer.content.decode()


@pytest.mark.django_db
def test_the_office_enters_and_finds_phones_of_any_spelling(administrator):
    given = {"phone": "+86 138-0013-8003", "name": "测 试", "language": "zh-hans"}
    added = administrator.post("/admin/community/person/add/", given)
    assert added.status_code == 302, added.context and added.context["adminform"].form.errors
    assert Person.objects.get(phone="13800138003").name == "测 试"
    found = administrator.get("/admin/community/person/", {"q": "138 0013 8003"})
    assert "测 试" in found.content.decode()
    seat = Membership.objects.select_related("person").first()
    spaced = f"+86 {seat.person.phone[:3]}-{seat.person.phone[3:7]}-{seat.person.phone[7:]}"
    found = administrator.get("/admin/community/membership/", {"q": spaced})
    assert seat.person.name in found.content.decode()
