"""The console's addresses, under /console/."""

from django.urls import include, path, register_converter

from console.screens.account import AccountRegister
from console.screens.callbacks import CallbackDesk
from console.screens.desk import DeskCompanies, DeskScreen
from console.screens.display import Display
from console.screens.displays import DisplayKeys
from console.screens.duty import DutyScreen
from console.screens.exports import ExportFile, ExportsScreen
from console.screens.health import HealthScreen
from console.screens.homes import HomesScreen
from console.screens.intake import IntakeBeside, IntakeDesk
from console.screens.merge import MergeScreen
from console.screens.queue import QueueScreen
from console.screens.reviews import ReviewDesk
from console.screens.round import RoundScreen, round_offline, round_worker
from console.screens.several import SeveralTickets
from console.screens.start import FrontDoor, NavigationCounts, SwitchLanguage, sign_out
from console.screens.ticket import OthersLooking, TicketScreen
from console.screens.ticket_sections import RelatedTickets, TicketMessages
from console.screens.tickets import TicketsScreen
from console.screens.wall import WallScreen
from tickets.codes import read_code
from web import identifiers as identifiers  # registers <id:…>


class TicketCode:
    """`<ticket:code>` in a route: a ticket's number, however it is written; what spells none is found nowhere."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """The number. Raises ValueError where it is none."""
        code = read_code(value)
        if code is None:
            raise ValueError(value)
        return code

    def to_url(self, value: str) -> str:
        """The number as it is."""
        return value


register_converter(TicketCode, "ticket")

# Where one view has several addresses: what each of them takes.
LOOKED_AT, SENT_TO = ["get", "head", "options"], ["post", "options"]

urlpatterns = [
    path("", FrontDoor.as_view(), name="console"),
    path("signin/", include("console.signin.urls")),
    path("signout/", sign_out, name="signout"),
    path("counts", NavigationCounts.as_view(), name="counts"),
    path("language/", SwitchLanguage.as_view(), name="language"),
    path("desk", DeskScreen.as_view(), name="desk"),
    path("desk/companies", DeskCompanies.as_view(), name="desk_companies"),
    path("homes", HomesScreen.as_view(), name="homes"),
    path("queue", QueueScreen.as_view(), name="queue"),
    path("queue/several", SeveralTickets.as_view(), name="several"),
    path("reviews", ReviewDesk.as_view(http_method_names=LOOKED_AT), name="reviews"),
    path("reviews/<ticket:code>", ReviewDesk.as_view(http_method_names=SENT_TO), name="review"),
    path("callbacks", CallbackDesk.as_view(http_method_names=LOOKED_AT), name="callbacks"),
    path("callbacks/<ticket:code>", CallbackDesk.as_view(), name="callback"),
    path("intake", IntakeDesk.as_view(), name="intake"),
    path("intake/beside", IntakeBeside.as_view(http_method_names=SENT_TO), name="intake-beside"),
    path("account", AccountRegister.as_view(), name="account"),
    path("wall", WallScreen.as_view(), name="wall"),
    path("tickets", TicketsScreen.as_view(), name="tickets"),
    path("displays", DisplayKeys.as_view(), name="displays"),
    path("display", Display.as_view(), name="display"),
    path("t/<ticket:code>", TicketScreen.as_view(http_method_names=LOOKED_AT), name="ticket"),
    path("t/<ticket:code>/looking", OthersLooking.as_view(http_method_names=LOOKED_AT), name="looking"),
    path("t/<ticket:code>/related", RelatedTickets.as_view(), name="related"),
    path("t/<ticket:code>/messages", TicketMessages.as_view(), name="messages"),
    path("t/<ticket:code>/merge", MergeScreen.as_view(), name="merge"),
    path("t/<ticket:code>/<slug:move>", TicketScreen.as_view(), name="move"),
    path("duty", DutyScreen.as_view(), name="duty"),
    path("round", RoundScreen.as_view(), name="round"),
    path("round/offline", round_offline, name="round-offline"),
    path("round/worker.js", round_worker, name="round-worker"),
    path("health", HealthScreen.as_view(), name="health"),
    path("exports", ExportsScreen.as_view(), name="exports"),
    path("exports/<id:export_id>", ExportFile.as_view(), name="export-file"),
]
