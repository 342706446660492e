"""Django's connection to a mail server, ended within a known time however slow the server is."""

import contextlib
import smtplib
import socket
import threading

from django.core.mail.backends.smtp import EmailBackend

TOTAL = 30.0
"""Seconds for the whole conversation on one connection."""


class _Bounded(smtplib.SMTP):
    """An SMTP connection that is cut off after TOTAL; each answer has a timeout of its own, too."""

    _alarm: threading.Timer | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        # By a descriptor of its own: TLS takes the socket's away.
        same = connected.dup()

        def cut() -> None:
            with contextlib.suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        self._alarm, self._same = threading.Timer(TOTAL, cut), same
        self._alarm.daemon = True
        self._alarm.start()
        return connected

    def close(self) -> None:
        """Close the connection."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm.join()
            self._alarm = None
            self._same.close()
        super().close()


class _BoundedTls(smtplib.SMTP_SSL, _Bounded):
    """The same under TLS from the first byte. The handshake counts towards the time."""


class Backend(EmailBackend):
    """Django's SMTP backend, with connections that end in time."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The class of connections that end in time."""
        return _BoundedTls if self.use_ssl else _Bounded
