"""Photos over HTTP and in the storage: who may send them, who may see them, and when they go."""

import io
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import Image

from tickets.api import photos as photos_api
from tickets.imaging import MAX_BYTES, PhotoRefused
from tickets.models import Photo
from tickets.photos import purge_unattached, take


def jpeg(size=(640, 480), **options):
    content = io.BytesIO()
    Image.new("RGB", size, (200, 120, 80)).save(content, "JPEG", **options)
    return content.getvalue()


def upload(caller, data=None, *, kind="report", name="photo.jpg", content_type="image/jpeg", **headers):
    file = io.BytesIO(jpeg() if data is None else data)
    file.name, file.content_type = name, content_type
    return caller.client.post("/api/v1/photos", {"file": file, "kind": kind}, format="multipart", headers=headers)


def get(caller, address, **headers):
    response = caller.client.get(address, headers=headers)
    if response.streaming:
        response.picture = b"".join(response.streaming_content)
    return response


def files(settings):
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def no_limit(monkeypatch):
    """One person sends more here in a minute than one would."""
    monkeypatch.setattr(photos_api.UploadLimit, "requests", 10_000)


@pytest.fixture
def resident(api):
    return api("resident")


@pytest.fixture
def photo(resident):
    return upload(resident).json()


def test_an_uploaded_photo_is_answered_with_its_addresses_and_size(resident, settings):
    answer = upload(resident, jpeg((3000, 2000)), kind="after")
    assert answer.status_code == 201
    document = answer.json()
    assert (document["kind"], document["width"], document["height"]) == ("after", 2048, 1365)
    assert document["url"] == f"/api/v1/photos/{document['id']}"
    assert document["thumb"] == f"{document['url']}/thumb"
    row = Photo.objects.get(pk=document["id"])
    assert row.uploader == resident.person
    assert (row.ticket, row.street, row.event_seq) == (None, None, None)
    assert row.bytes == (Path(settings.MEDIA_ROOT) / row.full).stat().st_size


def test_names_in_the_storage_are_our_own(resident, settings):
    upload(resident, name="../../etc/passwd.jpg")
    upload(resident, name="../../etc/passwd.jpg")
    names = [path.relative_to(settings.MEDIA_ROOT).as_posix() for path in files(settings)]
    assert len(set(names)) == 4
    assert not any("passwd" in name for name in names)


def test_neither_the_name_nor_the_type_of_a_file_is_believed(resident):
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    assert upload(resident, content.getvalue(), name="a.exe", content_type="text/html").status_code == 201
    assert upload(resident, b"<svg/>", name="a.jpg", content_type="image/jpeg").status_code == 415


def test_the_place_where_it_was_taken_is_gone(resident):
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 59.0, 30.0)})
    document = upload(resident, jpeg(exif=exif.tobytes())).json()
    for address in (document["url"], document["thumb"]):
        assert not Image.open(io.BytesIO(get(resident, address).picture)).getexif()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 415, "not_a_picture"),
        (b"%PDF-1.7", 415, "not_a_picture"),
        (b"GIF89a" + b"\0" * 50, 415, "not_a_picture"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, 422, "broken"),
        (jpeg()[:300], 422, "broken"),
        (b"\xff\xd8\xff" + b"\0" * (MAX_BYTES - 2), 413, "too_large"),
        (b"\xff\xd8\xff" + b"\0" * (photos_api.MAX_BODY + 1), 413, "too_large"),
    ],
    ids=["empty", "pdf", "gif", "no jpeg", "half a jpeg", "a byte too large", "far too large"],
)
def test_a_file_that_is_refused_leaves_nothing(resident, settings, data, status, code):
    answer = upload(resident, data)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert not Photo.objects.exists()
    assert files(settings) == []


def test_too_many_pixels_are_refused(resident, settings):
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\x4e\x20\x4e\x20"
    answer = upload(resident, bytes(data))
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_pixels")
    assert files(settings) == []


def test_a_body_that_says_it_is_too_large_is_not_read(resident):
    class Unreadable(io.BytesIO):
        def read(self, *_):
            raise AssertionError("It was read.")

    answer = resident.client.generic(
        "POST",
        "/api/v1/photos",
        b"",
        content_type="multipart/form-data; boundary=x",
        **{"CONTENT_LENGTH": str(photos_api.MAX_BODY + 1), "wsgi.input": Unreadable()},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("fields", [{}, {"kind": "report"}, {"file": "text"}])
def test_a_form_without_a_file_is_refused(resident, fields):
    answer = resident.client.post("/api/v1/photos", fields, format="multipart")
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == ["file"]


def test_an_unknown_kind_is_refused(resident, settings):
    answer = upload(resident, kind="selfie")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "kind")
    assert files(settings) == []


@pytest.mark.parametrize("content_type", ["application/json", "image/jpeg", "application/x-www-form-urlencoded"])
def test_only_a_form_of_parts_is_read(resident, content_type):
    answer = resident.client.generic("POST", "/api/v1/photos", jpeg(), content_type=content_type)
    assert answer.status_code == 415


def test_nobody_uploads_or_sees_without_signing_in(client, resident, photo):
    resident.client.credentials()
    assert upload(resident).status_code == 401
    assert get(resident, photo["url"]).status_code == 401
    assert Photo.objects.count() == 1


def test_who_sends_too_many_has_to_wait(resident, monkeypatch, settings):
    monkeypatch.setattr(photos_api.UploadLimit, "requests", 0)
    answer = upload(resident)
    assert (answer.status_code, answer.json()["code"]) == (429, "limit_reached")
    assert int(answer["Retry-After"]) > 0
    assert files(settings) == []


def test_the_same_key_gives_the_same_photo_and_another_file_is_refused(resident):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = upload(resident, **key), upload(resident, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert upload(resident, jpeg((10, 10)), **key).status_code == 422


# Who may see it


@pytest.mark.parametrize("which", ["url", "thumb"])
def test_a_picture_is_answered_as_a_picture_and_nothing_else(resident, photo, which):
    answer = get(resident, photo[which], Accept="image/jpeg")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Disposition"] == "inline"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    image = Image.open(io.BytesIO(answer.picture))
    assert (image.format, image.size) == ("JPEG", (640, 480) if which == "url" else (320, 240))


@pytest.mark.parametrize("key", ["neighbour", "chair", "dispatcher", "desk_officer", "outsider"])
def test_until_it_is_attached_a_photo_is_its_uploader_s_alone(api, photo, key):
    absent = get(api(key), f"/api/v1/photos/{uuid.uuid4()}")
    for address in (photo["url"], photo["thumb"]):
        answer = get(api(key), address)
        assert answer.status_code == absent.status_code == 404
        assert answer.content == absent.content


def test_attached_it_is_seen_by_those_who_are_shown_the_whole_ticket(api, resident, photo):
    resident.file("RP04", photos=[photo["id"]])
    row = Photo.objects.get(pk=photo["id"])
    assert row.ticket is not None
    assert row.street == row.ticket.street
    for key, status in (("resident", 200), ("desk_officer", 200), ("dispatcher", 200), ("outsider", 404)):
        for address in (photo["url"], photo["thumb"]):
            assert get(api(key), address).status_code == status, key


def test_a_neighbour_sees_the_public_face_without_its_photos(api, resident, photo):
    ticket = resident.file("RP04", photos=[photo["id"]])["id"]
    assert api("neighbour").get(f"tickets/{ticket}")["photos"] == []
    assert get(api("neighbour"), photo["url"]).status_code == 404


def test_a_proxy_in_front_sends_the_file_itself(resident, photo, settings):
    settings.LINLI_ACCEL_PREFIX = "/internal/"
    answer = get(resident, photo["url"])
    assert answer["X-Accel-Redirect"] == f"/internal/{Photo.objects.get().full}"
    assert (answer.content, answer["Content-Type"]) == (b"", "image/jpeg")
    assert answer["Cache-Control"] == "private, no-store"


def test_a_photo_whose_file_is_lost_is_a_404(resident, photo, settings):
    for path in files(settings):
        path.unlink()
    assert get(resident, photo["url"]).status_code == 404


# The row


def test_a_photo_is_attached_whole_or_not_at_all(resident, photo, street):
    with pytest.raises(IntegrityError), transaction.atomic():
        Photo.objects.update(street=street)
    assert Photo.objects.get().street is None


def test_a_refused_file_makes_no_row(resident):
    with pytest.raises(PhotoRefused):
        take(io.BytesIO(b"text"), kind="report", uploader=resident.person.pk)
    assert not Photo.objects.exists()


# Housekeeping


def purge(at, django_capture_on_commit_callbacks, **limit):
    with django_capture_on_commit_callbacks(execute=True):
        return purge_unattached(at, **limit)


def test_what_nothing_attaches_in_a_day_goes_with_its_files(resident, settings, django_capture_on_commit_callbacks):
    kept, _ = upload(resident).json(), upload(resident)
    resident.file("RP04", photos=[kept["id"]])
    created = max(Photo.objects.values_list("created_at", flat=True))
    assert purge(created + timedelta(hours=24), django_capture_on_commit_callbacks) == 0
    assert purge(created + timedelta(hours=24, seconds=1), django_capture_on_commit_callbacks) == 1
    assert purge(created + timedelta(days=9), django_capture_on_commit_callbacks) == 0
    row = Photo.objects.get()
    assert str(row.pk) == kept["id"]
    assert {path.relative_to(settings.MEDIA_ROOT).as_posix() for path in files(settings)} == {row.full, row.thumb}


def test_files_outlive_a_purge_that_is_rolled_back(resident, photo, settings):
    with transaction.atomic():
        assert purge_unattached(timezone.now() + timedelta(days=2)) == 1
        transaction.set_rollback(True)
    assert Photo.objects.count() == 1
    assert len(files(settings)) == 2


def test_a_purge_works_in_batches_and_bears_a_file_that_is_gone(resident, settings, django_capture_on_commit_callbacks):
    for _ in range(3):
        upload(resident)
    files(settings)[0].unlink()
    later = timezone.now() + timedelta(days=2)
    assert [purge(later, django_capture_on_commit_callbacks, limit=2) for _ in range(3)] == [2, 1, 0]
    assert files(settings) == []
