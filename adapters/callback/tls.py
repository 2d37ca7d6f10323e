"""TLS towards an endpoint: whom we trust, and who we are.

Shape   tls_context(ca_file, certificate_file, key_file) -> SSLContext; identity_fault(…) -> which file, and why
Trust   the system's authorities, or those of ca_file alone; never none
Us      a client certificate and its key, in PEM form, for endpoints that ask for one; the key without a passphrase
Errors  TrustError, naming the file
Bounds  the files are read when the context is made, once for all endpoints that share them
"""

import functools
import ssl
from pathlib import Path
from typing import NamedTuple

from adapters.callback.reasons import reason_of
from pipeline.errors import PipelineError

CERTIFICATE, KEY = "client_certificate_file", "client_key_file"

_NOT_THE_KEY = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}


class TrustError(PipelineError):
    """A file of certificate authorities, a client's certificate or its key, that cannot be used."""


class IdentityFault(NamedTuple):
    """Which of the two files cannot be used, and why."""

    which: str
    reason: str


class _PassphraseError(Exception):
    """The key asks for one."""


@functools.cache
def tls_context(ca_file: str | None, certificate_file: str | None, key_file: str | None) -> ssl.SSLContext:
    """One context for all endpoints that trust and show the same: the system's authorities take memory."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise TrustError(f"ca_file {ca_file}: {reason_of(error)}") from error
    if certificate_file is not None and key_file is not None:
        if (fault := identity_fault(certificate_file, key_file)) is not None:
            file = certificate_file if fault.which == CERTIFICATE else key_file
            raise TrustError(f"{fault.which} {file}: {fault.reason}")
        context.load_cert_chain(certificate_file, key_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def identity_fault(certificate_file: str, key_file: str) -> IdentityFault | None:
    """What is wrong with a client's certificate and its key; None if nothing is."""
    for which, file in ((CERTIFICATE, certificate_file), (KEY, key_file)):
        if (reason := _unreadable(file)) is not None:
            return IdentityFault(which, reason)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(certificate_file)
    except ssl.SSLError:
        return IdentityFault(CERTIFICATE, "holds no certificate in PEM form")
    try:
        context.load_cert_chain(certificate_file, key_file, _no_passphrase)
    except _PassphraseError:
        return IdentityFault(KEY, "needs a passphrase; allowed: a key without one")
    except ssl.SSLError as error:
        if error.reason in _NOT_THE_KEY:
            return IdentityFault(KEY, f"is not the key of {CERTIFICATE}")
        return IdentityFault(KEY, "holds no private key in PEM form")
    return None


def _unreadable(file: str) -> str | None:
    try:
        with Path(file).open("rb") as stream:
            stream.read(1)
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or 'not a path'}"
    return None


def _no_passphrase() -> str:
    raise _PassphraseError
