import pytest

from web.preconditions import etag


def test_the_version_is_read_from_our_own_etag(web):
    assert web.post("/api/versioned", {}, headers={"If-Match": etag(7)}).json() == {"version": 7}


@pytest.mark.parametrize("header", ['W/"7"', '"7-gzip"', '"7--gzip"', 'W/"7-br"', ' W/"7" '])
def test_the_version_is_read_from_what_a_proxy_that_compresses_makes_of_it(web, header):
    assert web.post("/api/versioned", {}, headers={"If-Match": header}).json() == {"version": 7}


def test_a_write_without_a_version_is_428(web):
    answer = web.post("/api/versioned", {})
    assert (answer.status_code, answer.json()["code"]) == (428, "version_required")


@pytest.mark.parametrize(
    "header",
    ["7", 'w/"7"', 'W/ "7"', "W/7", '"7-"', '"7-x"', "*", '"7", "8"', '""', '"x"', '"７"', '"' + "9" * 19 + '"', ""],
)
def test_anything_but_one_etag_of_ours_is_400(web, header):
    answer = web.post("/api/versioned", {}, headers={"If-Match": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "if_match_malformed")
