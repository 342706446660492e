"""Postmen at once, and postmen killed in the middle: nothing is lost, nothing claimed twice, and a repeat carries the same key."""

import threading
from collections import Counter

from notifications.delivery.claim import claim
from notifications.delivery.recovery import recover
from notifications.delivery.workers import deliver
from notifications.models import Delivery
from notifications.topics import ChannelName, DeliveryState
from tests.connections import together
from tests.fakes.receiver import Reply, receiving
from tests.notifications.post import STREET, Wire, again, committed, letter, run_out
from tests.processes import running

POSTMAN = """
import sys
import django
django.setup()
from notifications.delivery.workers import deliver
from tests.notifications.post import Wire
deliver(Wire(sys.argv[1], read=30, total=30))
"""


def test_many_at_once_never_claim_the_same(transactional_db):
    with committed(), receiving() as receiver:
        wire = Wire(receiver.url, slots=100)
        expected = {letter().pk for _ in range(60)}

        def take(_):
            found = []
            while (envelope := claim(wire)) is not None:
                found.append(envelope.key)
            return found

        claimed = Counter(key for found in together(8, take) for key in found)
        wire.client.close()
    assert set(claimed) == expected
    assert set(claimed.values()) == {1}


def test_killed_between_sending_and_recording_it_is_sent_again_under_the_same_key(transactional_db):
    holding = threading.Event()

    def reply(request):
        if b'"attempt":1,' in request.body:
            # It has arrived; the answer never does, and then the postman is no more.
            holding.wait(20)
        return Reply()

    with committed(), receiving(reply) as receiver:
        wire, delivery = Wire(receiver.url), letter()
        with running("-c", POSTMAN, receiver.url, DJANGO_SETTINGS_MODULE="config.settings") as postman:
            receiver.await_requests(1)
            postman.kill()
        holding.set()
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (DeliveryState.SENDING, 1)
        assert deliver(wire) == 0
        run_out(delivery)
        assert recover({ChannelName.WEBHOOK: wire}) == 1
        again(delivery)
        assert deliver(wire) == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts, delivery.unsure) == (DeliveryState.SENT, 2, True)
        assert receiver.keys == [str(delivery.pk)] * 2
        wire.client.close()
    assert not Delivery.objects.filter(street_id=STREET).exists()
