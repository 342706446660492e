"""The console's addresses, under /console/."""

from django.urls import include, path

from console.screens.account import AccountRegister
from console.screens.desk import DeskCompanies, DeskScreen
from console.screens.display import Display
from console.screens.displays import DisplayKeys
from console.screens.duty import DutyScreen
from console.screens.exports import ExportFile, ExportsScreen
from console.screens.homes import HomesScreen
from console.screens.queue import QueueScreen
from console.screens.reviews import ReviewDesk
from console.screens.round import RoundScreen, round_offline, round_worker
from console.screens.several import SeveralTickets
from console.screens.start import FrontDoor, NavigationCounts, SwitchLanguage, sign_out
from console.screens.ticket import OthersLooking, TicketScreen
from console.screens.ticket_sections import RelatedTickets, TicketMessages
from console.screens.tickets import TicketsScreen
from console.screens.wall import WallScreen
from web import identifiers as identifiers  # registers <id:…>

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
    path("reviews", ReviewDesk.as_view(), name="reviews"),
    path("reviews/<str:code>", ReviewDesk.as_view(), name="review"),
    path("account", AccountRegister.as_view(), name="account"),
    path("wall", WallScreen.as_view(), name="wall"),
    path("tickets", TicketsScreen.as_view(), name="tickets"),
    path("displays", DisplayKeys.as_view(), name="displays"),
    path("display", Display.as_view(), name="display"),
    path("t/<str:code>", TicketScreen.as_view(), name="ticket"),
    path("t/<str:code>/looking", OthersLooking.as_view(http_method_names=["get"]), name="looking"),
    path("t/<str:code>/related", RelatedTickets.as_view(), name="related"),
    path("t/<str:code>/messages", TicketMessages.as_view(), name="messages"),
    path("t/<str:code>/<slug:move>", TicketScreen.as_view(), name="move"),
    path("duty", DutyScreen.as_view(), name="duty"),
    path("round", RoundScreen.as_view(), name="round"),
    path("round/offline", round_offline, name="round-offline"),
    path("round/worker.js", round_worker, name="round-worker"),
    path("exports", ExportsScreen.as_view(), name="exports"),
    path("exports/<id:export_id>", ExportFile.as_view(), name="export-file"),
]
