import pytest
from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.test import RequestFactory
from rest_framework.exceptions import ParseError, Throttled

from web.pages import bad_request, csrf_failure
from web.problems import MEDIA_TYPE, problem_of


def test_a_validation_error_names_each_field_by_its_dotted_path(web):
    answer = web.post("/api/echo", {"lines": [{"caption": "ok"}, {"caption": "too long"}], "tags": [1, "x"]})
    assert answer.status_code == 400
    assert answer["Content-Type"] == MEDIA_TYPE
    document = answer.json()
    assert document["type"] == "urn:linli:problem:invalid"
    assert document["status"] == 400
    assert [(error["field"], error["code"]) for error in document["errors"]] == [
        ("name", "required"),
        ("lines.1.caption", "max_length"),
        ("tags.1", "invalid"),
    ]


def test_problems_speak_chinese_unless_asked_for_english(web):
    chinese = web.get("/api/failing/absent").json()
    english = web.get("/api/failing/absent", headers={"Accept-Language": "en-GB,en;q=0.9"}).json()
    assert chinese["title"] == "没有找到"
    assert english["title"] == "Not found"


def test_absent_things_and_unknown_addresses_are_the_same_bytes(web):
    absent = web.get("/api/failing/absent")
    unknown = web.get("/api/no/such/place")
    assert absent.status_code == unknown.status_code == 404
    assert absent.content == unknown.content
    assert absent["Content-Type"] == unknown["Content-Type"] == MEDIA_TYPE


def test_a_domain_refusal_gets_the_status_it_is_mapped_to(web):
    answer = web.get("/api/failing/refused")
    assert answer.status_code == 409
    assert answer.json()["code"] == "too_late"
    assert answer.json()["detail"] == "It is over."


def test_a_bug_is_a_500_document_that_tells_nothing(web):
    answer = web.get("/api/failing/bug")
    assert answer.status_code == 500
    assert answer["Content-Type"] == MEDIA_TYPE
    assert b"Zero" not in answer.content


@pytest.mark.django_db
def test_a_statement_that_times_out_is_busy_and_may_be_retried(web):
    answer = web.get("/api/failing/timeout")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert answer.json()["code"] == "busy"


@pytest.mark.parametrize("address", ["/api/failing/away", "/api/database-away"])
def test_a_database_that_is_away_is_a_503_with_time_to_wait(web, address):
    answer = web.get(address)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json()["code"] == "unavailable"


def test_a_failure_outside_every_view_is_a_document_under_api_and_a_page_elsewhere(web):
    assert web.get("/api/plain-bug")["Content-Type"] == MEDIA_TYPE
    assert web.get("/page/bug")["Content-Type"].startswith("text/html")


def test_no_credentials_are_401_with_a_challenge(web):
    answer = web.get("/api/closed")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    ("method", "headers", "status", "code"),
    [
        ("get", {}, 405, "method_not_allowed"),
        ("post", {"Accept": "text/html"}, 406, "not_acceptable"),
    ],
)
def test_http_itself_is_refused_in_documents(web, method, headers, status, code):
    answer = getattr(web, method)("/api/echo", headers=headers)
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (status, MEDIA_TYPE, code)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html;q=0.1, application/*", None])
def test_whoever_takes_json_gets_json(web, accept):
    answer = web.post("/api/echo", {}, format="json", headers={"Accept": accept} if accept else {})
    assert answer["Content-Type"] in ("application/json", MEDIA_TYPE)
    assert answer.status_code != 406


def test_another_content_type_is_415(web):
    answer = web.generic("POST", "/api/echo", b"a=1", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_wrong_host_and_a_missing_csrf_token_are_documents_under_api():
    request = RequestFactory().get("/api/x")
    assert bad_request(request, DisallowedHost()).status_code == 400
    assert bad_request(request, DisallowedHost())["Content-Type"] == MEDIA_TYPE
    assert csrf_failure(request)["Content-Type"] == MEDIA_TYPE
    assert csrf_failure(RequestFactory().get("/page"))["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PermissionDenied(), 403, "not_permitted"),
        (SuspiciousOperation(), 400, "bad_request"),
        (RequestDataTooBig(), 413, "too_large"),
        (ParseError(), 400, "malformed"),
        (Throttled(wait=1.2), 429, "limit_reached"),
    ],
)
def test_what_the_framework_raises_has_a_code_of_ours(error, status, code):
    problem = problem_of(error, {})
    assert (problem.status_code, problem.code) == (status, code)
    assert problem.headers == ({"Retry-After": "2"} if status == 429 else {})


def test_a_bug_is_no_problem_document_by_itself():
    assert problem_of(KeyError("x"), {}) is None
    assert problem_of(None, {}) is None
