"""Ids in addresses: UUIDs, in small letters or in capitals."""

from django.urls import register_converter
from django.urls.converters import UUIDConverter


class AnyCase(UUIDConverter):
    """`<id:name>`: a UUID whatever its letters (RFC 9562: input in either case); a link is made in small ones."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


register_converter(AnyCase, "id")
