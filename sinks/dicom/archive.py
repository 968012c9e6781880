"""One archive that speaks DICOMweb: an object goes there by STOW-RS and is asked back by QIDO-RS and WADO-RS."""

import logging
import os
import time
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import pydicom
import requests
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from requests.auth import AuthBase, HTTPBasicAuth

from ..complaints import harmless
from ..post import PlaceWords, is_this_machine, place_of, retry_after_seconds
from ..sink import SinkError
from .compare import difference

TOKEN_VARIABLE = "FETALSTREAM_PACS_TOKEN"  # noqa: S105 - the name of a variable
USER_VARIABLE, PASSWORD_VARIABLE = "FETALSTREAM_PACS_USER", "FETALSTREAM_PACS_PASSWORD"
_WORDS = PlaceWords(
    what="address of the archive",
    sent="pictures",
    login=f"user and password into {USER_VARIABLE} and {PASSWORD_VARIABLE}, or a token into {TOKEN_VARIABLE}",
    allow="--plain-http",
)
ASK_BACK_SECONDS = (0.0, 0.3, 1.0)
"""When an object is asked for after it was sent: some archives answer before they can find it."""
_WHOLE_BYTES = 1 << 40
"""Send a body in one piece, with its length: not every archive takes chunks."""

_DEEPEST = 10

_DENIED = frozenset({401, 403})
_FOR_GOOD = frozenset({400, 413, 415, 422})
"""Answers about the very object that was sent."""
_AWAY = frozenset({408, 429, 502, 503, 504})
"""Answers about the archive or the way to it. All others may be about one object, which must not hold up the rest."""
_DUPLICATE = 0x0111
_NOT_ALLOWED = 0x0124
_REFUSED_REASONS = (range(0x0122, 0x0123), range(0xA900, 0xAA00), range(0xC000, 0xD000))
"""PS3.4, B.2.3 and PS3.18: class not supported, data set does not match its class, cannot understand."""


class Verdict(Enum):
    """What became of an object.

    STORED: it is there, as it was sent. REFUSED: it will never be taken. UNSURE: the archive answers, but does not have
    it, or has another. AWAY: the archive cannot be reached. DENIED: it does not let us in.
    """

    STORED = auto()
    REFUSED = auto()
    UNSURE = auto()
    AWAY = auto()
    DENIED = auto()


class Reply(NamedTuple):
    """A verdict, in words for whoever reads a screen, and how long the archive asked us to wait."""

    verdict: Verdict
    reason: str = ""
    pause_seconds: float | None = None


class Archive:
    """For one thread at a time. Messages name its host, and of objects nothing.

    Credentials come from the environment: a bearer token in ``FETALSTREAM_PACS_TOKEN``, or user and password in
    ``FETALSTREAM_PACS_USER`` and ``FETALSTREAM_PACS_PASSWORD``. Redirects are not followed: they could lead out of TLS.

    Args:
        url: of the DICOMweb service, such as ``https://pacs.example.org/dicom-web``; https, or http on this machine.
        timeout_seconds: how long to wait for each sign of life.
        plain_http: allow http to other machines, where anybody on the way can read along.
        ca_file: certificates to trust instead of the system's.
    """

    def __init__(
        self, url: str, *, timeout_seconds: float = 30.0, plain_http: bool = False, ca_file: Path | None = None
    ) -> None:
        self.place = place_of(url, words=_WORDS, plain_http=plain_http)
        if ca_file is not None and not ca_file.is_file():
            raise SinkError(f"{ca_file}: holds no certificates, it is not there")
        for library in ("dicomweb_client", "retrying"):
            logging.getLogger(library).addHandler(logging.NullHandler())  # what matters is in our replies
        self._session = _Session()
        self._session.auth = _credentials()
        self._session.verify = True if ca_file is None else str(ca_file)
        self._session.trust_env = not is_this_machine(urlsplit(url).hostname or "")  # no proxy to itself
        client: Any = DICOMwebClient(
            url.rstrip("/"), session=self._session, timeout=timeout_seconds, chunk_size=_WHOLE_BYTES
        )
        client.set_http_retry_params(retry=False)  # whoever sends has a queue and patience of its own
        self._client = client

    def deliver(self, file: Path) -> Reply:
        """Send the object and see whether it is there."""
        try:
            sent = cast("Any", pydicom).dcmread(file)
        except InvalidDicomError:
            return Reply(Verdict.REFUSED, "it is no DICOM file")
        except OSError as error:
            return Reply(Verdict.UNSURE, f"its copy cannot be read: {error.strerror}")
        try:
            told = self._store(sent)
            return self._ask_back(sent) if told is None else told
        except requests.HTTPError as error:
            return self._judge_status(error.response)
        except requests.JSONDecodeError as error:  # a RequestException, too
            return self._nonsense(error)
        except requests.RequestException as error:
            return Reply(Verdict.AWAY, f"{self.place}: {_words(error)}")
        except Exception as error:  # an archive may answer anything at all, and the library raises as it comes
            return self._nonsense(error)

    def close(self) -> None:
        self._session.close()

    def _store(self, sent: Dataset) -> Reply | None:
        """What speaks against the object; None when nothing does. Only here can it be refused: not by asking back."""
        try:
            return self._judge_answer(self._client.store_instances([sent]))
        except requests.HTTPError as error:
            response: Any = error.response
        if response.status_code in _FOR_GOOD:
            return Reply(Verdict.REFUSED, self._status_of(response))
        if response.status_code == 409:  # none of the objects was stored, and the body says why
            try:
                return self._judge_answer(Dataset.from_json(response.text))
            except Exception:  # it need not say so in a way that can be read
                return Reply(Verdict.UNSURE, self._status_of(response))
        return self._judge_status(response)

    def _judge_answer(self, answer: Any) -> Reply | None:
        """What the body of an answer says of the object; None when nothing speaks against it."""
        items: Any = answer.get("FailedSOPSequence") or []
        failed = [int(item.get("FailureReason") or 0) for item in items]
        if not failed or failed[0] == _DUPLICATE:
            return None
        reason = f"{self.place}: it failed to store the object (reason {failed[0]:04X}H)"
        if failed[0] == _NOT_ALLOWED:
            return Reply(Verdict.DENIED, reason)
        is_final = any(failed[0] in reasons for reasons in _REFUSED_REASONS)
        return Reply(Verdict.REFUSED if is_final else Verdict.UNSURE, reason)

    def _judge_status(self, response: Any) -> Reply:
        reason = self._status_of(response)
        if response.status_code in _DENIED:
            return Reply(Verdict.DENIED, f"{reason}; {_WORDS.login[0].upper()}{_WORDS.login[1:]}")
        if response.status_code in _AWAY:
            return Reply(Verdict.AWAY, reason, retry_after_seconds(response.headers.get("Retry-After")))
        return Reply(Verdict.UNSURE, reason)

    def _status_of(self, response: Any) -> str:
        return f"{self.place}: it answers {response.status_code} {harmless(response.reason)}".rstrip()

    def _nonsense(self, error: Exception) -> Reply:
        """The error's own text stays unsaid: it may quote values of an object."""
        return Reply(Verdict.UNSURE, f"{self.place}: its answer makes no sense ({type(error).__name__})")

    def _ask_back(self, sent: Dataset) -> Reply:
        place = (str(sent.StudyInstanceUID), str(sent.SeriesInstanceUID))
        instance = str(sent.SOPInstanceUID)
        for pause_seconds in ASK_BACK_SECONDS:
            time.sleep(pause_seconds)
            if self._client.search_for_instances(*place, search_filters={"SOPInstanceUID": instance}):
                break
        else:
            return Reply(Verdict.UNSURE, f"{self.place}: it said yes, and does not have the object")
        back = self._client.retrieve_instance(*place, instance)
        differs = difference(sent, back)
        if differs:
            return Reply(Verdict.UNSURE, f"{self.place}: it gives back {harmless(differs)}")
        return Reply(Verdict.STORED)


class _Session(requests.Session):
    """Goes where it is told and nowhere else."""

    def send(self, request: Any, **options: Any) -> Any:
        options["allow_redirects"] = False
        if self.verify is not True:  # else REQUESTS_CA_BUNDLE would overrule it
            options["verify"] = self.verify
        response = super().send(request, **options)
        if response.is_redirect:
            response.close()
            raise requests.TooManyRedirects(
                f"it answers {response.status_code} and sends us elsewhere; give that address"
            )
        return response


class _NoLogin(AuthBase):
    """Without any, requests would send the login that ~/.netrc has for the host."""

    def __call__(self, r: Any) -> Any:
        return r


class _Bearer(AuthBase):
    """Not as a header of the session: requests would let ~/.netrc overrule that."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, r: Any) -> Any:
        r.headers["Authorization"] = f"Bearer {self._token}"
        return r

    def __repr__(self) -> str:
        return "_Bearer(...)"


def _credentials() -> AuthBase:
    token, user, password = (os.environ.get(name, "") for name in (TOKEN_VARIABLE, USER_VARIABLE, PASSWORD_VARIABLE))
    for name, value in ((TOKEN_VARIABLE, token), (USER_VARIABLE, user), (PASSWORD_VARIABLE, password)):
        if value and not (value.isprintable() and value.strip() == value):
            raise SinkError(f"environment variable {name} must hold one line without blanks around it")
    if token and (user or password):
        raise SinkError(f"both {TOKEN_VARIABLE} and {USER_VARIABLE} are set; which one is meant?")
    if bool(user) != bool(password):
        raise SinkError(f"{USER_VARIABLE} and {PASSWORD_VARIABLE} go together; one of them is empty")
    if token:
        return _Bearer(token)
    return HTTPBasicAuth(user, password) if user else _NoLogin()


def _words(error: BaseException) -> str:
    """In one line; of errors within errors the innermost, which says what happened."""
    for _ in range(_DEEPEST):
        causes = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        inner = next((cause for cause in causes if isinstance(cause, BaseException)), None)
        if inner is None:
            break
        error = inner
    return harmless(" ".join(str(error).split()) or type(error).__name__)
