"""What is sent gzipped, and what is not."""

import gzip
from io import BytesIO

import pytest
from PIL import Image

TAKES = {"Accept-Encoding": "gzip, br"}


@pytest.mark.parametrize("address", ["/api/v1/categories", "/api/schema/", "/console/signin/"])
def test_json_pages_and_the_description_are_gzipped_for_whoever_takes_that(client, at_api, db, address):
    if address.startswith("/api/v1"):
        client = at_api("resident")
    plain, packed = client.get(address), client.get(address, headers=TAKES)
    assert "Content-Encoding" not in plain.headers
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) < len(plain.content) / 2
    if address != "/console/signin/":
        assert gzip.decompress(packed.content) == plain.content


def test_the_length_of_a_gzipped_answer_does_not_tell_what_compressed_well(at_api, db):
    client = at_api("resident")
    assert len({len(client.get("/api/v1/categories", headers=TAKES).content) for _ in range(20)}) > 1


def test_pictures_are_sent_as_they_are(at_api, db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = BytesIO()
    Image.effect_noise((640, 480), 90).convert("RGB").save(file, "jpeg")
    file.seek(0)
    file.name = "noise.jpg"
    client = at_api("resident")
    photo = client.post("/api/v1/photos", {"file": file}, format="multipart").json()
    answer = client.get(photo["url"], headers=TAKES)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert "Content-Encoding" not in answer.headers
    assert b"".join(answer.streaming_content)[:2] == b"\xff\xd8"


def test_the_etag_of_a_gzipped_answer_is_taken_back(at_api, scene, db):
    ticket = scene.file()
    client = at_api("resident")
    read = client.get(f"/api/v1/tickets/{ticket}", headers=TAKES)
    assert read["ETag"] == 'W/"1"'
    answer = client.post(
        f"/api/v1/tickets/{ticket}/moves/withdraw", {"reason": "已自行解决。"}, headers={"If-Match": read["ETag"]}
    )
    assert answer.status_code == 200, answer.content.decode()
