"""SSL contexts. They verify certificates unless configured otherwise, and are built once for each process.

Loading the bundle of certificate authorities costs tens of milliseconds.
"""

from __future__ import annotations

import functools
import os
import ssl

from .._config.settings import Settings
from .._errors import ConfigError


def context_of(settings: Settings) -> ssl.SSLContext:
    """Return the context for a connection with these settings.

    :raises ConfigError: a file of certificates or keys cannot be used.
    """
    given = settings.tls_context
    if given is not None:
        return given if isinstance(given, ssl.SSLContext) else given()
    files = (settings.tls_ca_file, settings.tls_cert_file, settings.tls_key_file)
    try:
        return _build(settings.tls_verify, files, tuple(_changed(file) for file in files))
    except OSError as error:
        raise ConfigError(
            f"{_files_set(files)}: {error}. Use files in PEM format;"
            " for a key with a password, set MAIL_TLS_CONTEXT."
        ) from error


def _files_set(files: tuple[str | None, ...]) -> str:
    keys = ("MAIL_TLS_CA_FILE", "MAIL_TLS_CERT_FILE", "MAIL_TLS_KEY_FILE")
    settings_given = [f"{key} = {file!r}" for key, file in zip(keys, files, strict=True) if file]
    return ", ".join(settings_given) or "The certificate authorities of the system cannot be read"


def _changed(file: str | None) -> int | None:
    """Return when the file was last changed, so that a renewed certificate is read again."""
    return os.stat(file).st_mtime_ns if file else None


@functools.lru_cache(maxsize=32)
def _build(verify: bool, files: tuple[str | None, ...], changed: tuple[int | None, ...]) -> ssl.SSLContext:
    ca_file, cert_file, key_file = files
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert_file:
        # Without a password, OpenSSL would ask for one on the terminal if the key is encrypted.
        context.load_cert_chain(cert_file, key_file, password="")
    return context
