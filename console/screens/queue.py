"""The company queue: what the person's organisations have to do, most urgent first."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from console.screen import Screen
from tickets.reading import parameters
from web.paging import PageRequest
from web.words import bilingual


class QueueScreen(Screen):
    """The parts that the person's organisations have in tickets."""

    entry: ClassVar[str] = "queue"
    template: ClassVar[str] = "console/queue.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        page = parameters.queue(request.GET).read(self.actor, PageRequest.of(request.GET))
        return self.page(bilingual("工单队列", "Queue"), {"page": page})
