"""Django's way to a mail server, over in a known time however slowly that server talks."""

import contextlib
import smtplib
import socket
import threading

from django.core.mail.backends.smtp import EmailBackend

TOTAL = 30.0
"""Seconds for everything that is said on one connection."""


class _Bounded(smtplib.SMTP):
    """A conversation that is cut off after TOTAL; each answer has a timeout of its own besides."""

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
    """The same under TLS from the first byte; the handshake is inside the time."""


class Backend(EmailBackend):
    """SMTP; `connection_class` is the one that ends."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """A conversation that is over in a known time."""
        return _BoundedTls if self.use_ssl else _Bounded
