"""Newsletters by SMTP, with the headers of a list that readers can leave (RFC 2369, RFC 8058)."""

import email.policy
import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from api.application.letters.letter_pages import Letter
from recsys.errors import AttuneError, ConfigError

_TIMEOUT = 30.0
_PORTS = {"smtp": 587, "smtps": 465}
_OK, _CLOSING = 250, 421
_LONGEST_LINE = 998
"""Characters of a line of a mail (RFC 5322)."""


class MailRefusedError(AttuneError):
    """The mail server has refused a mail: it was not sent."""


class MailUnknownError(AttuneError):
    """The connection broke while a mail was sent: it may have left."""


class Mailer:
    """Connection to a mail server.

    Args:
        url: smtp://[USER@]HOST[:PORT], which must offer STARTTLS unless the host is this machine, or smtps://….
        password: of the user.

    Raises:
        ConfigError: the address is not valid, or the server cannot be used.
    """

    def __init__(self, url: str, password: str | None) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (KeyError, ValueError) as error:
            raise ConfigError("--smtp is no address of a mail server: use smtp://USER@HOST:587") from error
        if not parts.hostname or parts.password is not None:
            raise ConfigError("--smtp: use smtp://USER@HOST:587, and put the password into ATTUNE_SMTP_PASSWORD")
        if parts.username and password is None:
            raise ConfigError("--smtp names a user: set ATTUNE_SMTP_PASSWORD, too")
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, port
        self._user, self._password = unquote(parts.username or ""), password or ""
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def send(self, message: EmailMessage) -> None:
        """Send one mail; after a broken connection, over a new one.

        Raises:
            ConfigError: the server cannot be used any more.
            MailRefusedError: the server refused this mail.
            MailUnknownError: the connection broke; nobody knows whether the mail has left.
        """
        server = self._usable()
        try:
            server.send_message(message)
        except smtplib.SMTPServerDisconnected as error:
            self._close()
            raise MailUnknownError("the mail server closed the connection") from error
        except (
            smtplib.SMTPResponseException,
            smtplib.SMTPRecipientsRefused,
            smtplib.SMTPNotSupportedError,
        ) as error:
            if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code == _CLOSING:
                self._close()
            else:
                with suppress(smtplib.SMTPException, OSError):
                    server.rset()
            raise MailRefusedError(f"the mail server refused the mail: {type(error).__name__}") from error
        except OSError as error:
            self._close()
            raise MailUnknownError("the connection to the mail server broke") from error

    def _usable(self) -> smtplib.SMTP:
        """Return the connection if the server still answers on it, else a new one.

        A server may close it after some mails or some idle time; then nothing of the next mail has left.
        """
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._server.noop()[0] == _OK:
                    return self._server
            self._close()
        return self._connect()

    def _connect(self) -> smtplib.SMTP:
        secure = ssl.create_default_context()
        try:
            if self._scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT, context=secure)
            else:
                server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT)
                server.ehlo()
                if server.has_extn("starttls"):
                    server.starttls(context=secure)
                elif self._host not in ("localhost", "127.0.0.1", "::1"):
                    server.close()
                    raise ConfigError("the mail server offers no STARTTLS: use one that does, or smtps://")
            if self._user:
                server.login(self._user, self._password)
        except smtplib.SMTPAuthenticationError as error:
            raise ConfigError("the mail server refused the user: check --smtp and ATTUNE_SMTP_PASSWORD") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ConfigError(f"the mail server cannot be used: {error}; check --smtp") from error
        self._server = server
        return server

    def _close(self) -> None:
        if self._server is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._server.quit()
        self._server = None


def mail_of(letter: Letter, html: str, text: str, sender: str, address: str) -> EmailMessage:
    """Return the mail of a letter to one address. The id of its slate makes its Message-ID.

    Raises:
        ValueError: an address is not valid.
    """
    # receivers read List-Unsubscribe as it is sent (RFC 8058): a folded or encoded address has no effect
    message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=_LONGEST_LINE))
    message["Subject"] = letter.subject
    message["From"] = _address(sender)
    message["To"] = _address(address)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(letter.request_id, domain=_address(sender).domain)
    message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def is_address(text: str) -> bool:
    """Return True if this is one mail address without a name."""
    try:
        return bool(_address(text).domain) and text.isprintable()
    except ValueError:
        return False


def _address(text: str) -> Address:
    """Return the address. Raises ValueError (email errors are such) if it is none."""
    try:
        found = Address(addr_spec=text)
    except Exception as error:  # email.errors.HeaderParseError and IndexError of odd texts
        raise ValueError("no mail address") from error
    if not found.domain or not found.username:
        raise ValueError("no mail address")
    return found
