"""Why there is no answer, in the words of logs and dead letters: the one table of foreign errors.

error                               reason
the guard refused every address     address refused: 10.0.0.1 is a private address
getaddrinfo                         name not resolved: Name or service not known
certificate not accepted            TLS: certificate has expired
anything else of TLS                TLS: WRONG_VERSION_NUMBER
ECONNREFUSED                        connection refused
ECONNRESET, EPIPE                   connection reset
ETIMEDOUT, or an address's share    no connection in time
other errors of the system          their own text
EMFILE, ENFILE                      no file descriptor left of 1024: our want, so a NotSentError

Shape   reason_of(error) -> text; failure_of(error) -> NotConnectedError or NotSentError with that text
"""

import socket
import ssl

from adapters.callback.descriptors import none_left, want_of
from pipeline.errors import PipelineError


class NotConnectedError(PipelineError):
    """No connection; the message says why."""


class NotSentError(PipelineError):
    """No connection, for want of something of our own; the message says of what."""


_OF_THE_NETWORK: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (BrokenPipeError, "connection reset"),
    (TimeoutError, "no connection in time"),
    (UnicodeError, "name not resolved: not a host name"),
)


def reason_of(error: Exception) -> str:
    """The table above."""
    for kind, reason in _OF_THE_NETWORK:
        if isinstance(error, kind):
            return reason
    match error:
        case socket.gaierror():
            return f"name not resolved: {error.strerror}"
        case ssl.SSLCertVerificationError():
            return f"TLS: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {error.reason or error}"
        case _:
            return getattr(error, "strerror", None) or str(error)


def failure_of(error: Exception) -> NotConnectedError | NotSentError:
    """What to raise instead, `from` the original."""
    want = none_left() if isinstance(error, socket.gaierror) else want_of(error)
    return NotConnectedError(reason_of(error)) if want is None else NotSentError(want)
