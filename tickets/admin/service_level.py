"""The service level's pages: how soon each thing is to be done, and what happens as the time runs out."""

from django.contrib import admin

from tickets.models import ServiceLevelVersion, ServiceRung, ServiceTarget, ServiceWindow, service_level
from workflow.admin import DraftInline, VersionAdmin


class TargetInline(DraftInline):
    model = ServiceTarget


class WindowInline(DraftInline):
    model = ServiceWindow


class RungInline(DraftInline):
    model = ServiceRung


@admin.register(ServiceLevelVersion)
class ServiceLevelVersionAdmin(VersionAdmin):
    """Versions of the service level. Clocks that run keep the version they were started under."""

    inlines = [TargetInline, WindowInline, RungInline]
    forget = staticmethod(service_level.forget)
