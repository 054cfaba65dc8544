"""The SSL contexts: what they trust, what they show, and that each is built once."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress

import pytest
import trustme

from flask_mail import ConfigError
from flask_mail import Mail
from flask_mail._smtp.tls import context_of


@pytest.fixture
def authority():
    """A certificate authority of the test's own."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    """The path of the authority's certificate."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def client_files(authority, tmp_path):
    """The settings of a client certificate and its key."""
    issued = authority.issue_cert("ann@example.org")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    return {"MAIL_TLS_CERT_FILE": tmp_path / "cert.pem", "MAIL_TLS_KEY_FILE": tmp_path / "key.pem"}


@pytest.fixture
def demanding(authority):
    """A server's context that demands a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mail.example.org").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def context(**config):
    """Return the context that the settings make."""
    return context_of(Mail().init_mail(config))


def shake_hands(client_context, server_context):
    """Return the certificate that the client shows to a server in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="mail.example.org")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return server.getpeercert()


def test_verified_by_default():
    """Unless the settings say otherwise, the chain and the host name are checked."""
    found = context()

    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("verify", [True, False])
def test_old_protocols_are_off(verify):
    """Nothing older than TLS 1.2 is spoken, to anybody."""
    assert context(MAIL_TLS_VERIFY=verify).minimum_version >= ssl.TLSVersion.TLSv1_2


def test_verification_can_be_turned_off():
    """MAIL_TLS_VERIFY = False checks neither chain nor host name."""
    found = context(MAIL_TLS_VERIFY=False)

    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_NONE, False)


def test_one_authority(ca_file):
    """MAIL_TLS_CA_FILE is the only authority that is trusted."""
    assert context(MAIL_TLS_CA_FILE=ca_file).cert_store_stats()["x509_ca"] == 1


def test_built_once(ca_file):
    """The same settings, of whatever application, give the same context."""
    assert context(MAIL_TLS_CA_FILE=ca_file) is context(MAIL_TLS_CA_FILE=ca_file)


def test_verification_is_not_shared(ca_file):
    """Verifying and not verifying are two contexts."""
    trusting = context(MAIL_TLS_CA_FILE=ca_file, MAIL_TLS_VERIFY=False)

    assert context(MAIL_TLS_CA_FILE=ca_file) is not trusting


def test_a_renewed_file_is_read_again(ca_file):
    """A file that was written anew gives a new context."""
    before = context(MAIL_TLS_CA_FILE=ca_file)
    trustme.CA().cert_pem.write_to_path(ca_file)
    os.utime(ca_file, (1, 1))

    after = context(MAIL_TLS_CA_FILE=ca_file)

    assert after.get_ca_certs() != before.get_ca_certs()


def test_client_certificate(client_files, ca_file, demanding):
    """A server that demands a certificate is shown that of the settings."""
    shown = shake_hands(context(MAIL_TLS_CA_FILE=ca_file, **client_files), demanding)

    assert ("email", "ann@example.org") in shown["subjectAltName"]


def test_no_client_certificate(ca_file, demanding):
    """Without one in the settings, no certificate is shown."""
    with pytest.raises(ssl.SSLError):
        shake_hands(context(MAIL_TLS_CA_FILE=ca_file), demanding)


def test_a_context_of_ones_own():
    """MAIL_TLS_CONTEXT is used as it is, whatever the other keys say."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    assert context(MAIL_TLS_CONTEXT=own, MAIL_TLS_VERIFY=False) is own
    assert own.verify_mode is ssl.CERT_REQUIRED


def test_a_callable_for_the_context():
    """A callable is asked for a context each time one is needed."""
    made = iter([ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)])
    state = Mail().init_mail({"MAIL_TLS_CONTEXT": lambda: next(made)})

    assert context_of(state) is not context_of(state)


@pytest.mark.parametrize("key", ["MAIL_TLS_CA_FILE", "MAIL_TLS_CERT_FILE"])
def test_a_file_of_something_else(key, tmp_path):
    """A file that holds no certificate is an error of the settings, which names key and path."""
    (tmp_path / "list.pem").write_text("eggs, milk")

    with pytest.raises(ConfigError) as caught:
        context(**{key: tmp_path / "list.pem"})

    assert str(caught.value).startswith(f"{key} = {str(tmp_path / 'list.pem')!r}: ")
    assert str(caught.value).endswith(
        "Use files in PEM format; for a key with a password, set MAIL_TLS_CONTEXT."
    )


def test_a_key_with_a_password(client_files, monkeypatch):
    """A key that has a password is an error of the settings; nobody is asked for it on the terminal."""
    from cryptography.hazmat.primitives import serialization

    plain = serialization.load_pem_private_key(client_files["MAIL_TLS_KEY_FILE"].read_bytes(), None)
    client_files["MAIL_TLS_KEY_FILE"].write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"s3cret"),
        )
    )

    with pytest.raises(ConfigError, match="for a key with a password, set MAIL_TLS_CONTEXT"):
        context(**client_files)
