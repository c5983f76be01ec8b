"""A PACS by DICOMweb: QIDO-RS and WADO-RS (dicomweb-client)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import requests
from dicomweb_client import DICOMwebClient
from pydicom import Dataset
from requests.auth import HTTPBasicAuth

from analysis.archive.pacs.query import (
    DeclinedError,
    LostError,
    Query,
    Receive,
    Series,
    Study,
    TooLargeError,
    text,
)
from analysis.errors import StudyError

if TYPE_CHECKING:
    from analysis.archive.pacs.node import Node


class Web:
    """A DICOMweb service.

    Parameters
    ----------
    node : Node
    max_bytes : float
        A longer answer is not read to its end.

    Raises
    ------
    StudyError
        If a certificate can't be read.
    """

    def __init__(self, node: Node, max_bytes: float) -> None:
        assert node.url
        if node.encrypted:
            node.context()
        self._session = requests.Session()
        self._session.trust_env = False  # or REQUESTS_CA_BUNDLE and .netrc would stand above the connection's file
        if node.token:
            self._session.headers["Authorization"] = f"Bearer {node.token.get_secret_value()}"
        elif node.user:
            secret = node.password.get_secret_value() if node.password else ""
            self._session.auth = HTTPBasicAuth(node.user, secret)
        self._session.verify = (node.ca or True) if node.verify else False
        if node.certificate:
            own = node.certificate
            self._session.cert = (own, node.certificate_key) if node.certificate_key else own
        # Headers of a part come on top of the file.
        self._session.hooks["response"].append(lambda answer, **_: _bounded(answer, max_bytes + 2**20))
        # The time is for each wait for data, not for the whole answer.
        self._client = DICOMwebClient(node.url, self._session, timeout=node.timeout, permissive_uid=True)
        self._client.set_http_retry_params(max_attempts=3, wait_exponential_multiplier=500)
        self._host = node.url

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def studies(self, query: Query) -> Iterator[Study]:
        """List the studies that fit, page by page."""
        keys = {"AccessionNumber": query.accession, "StudyDate": query.date}
        keys |= {"StudyDescription": query.description, "ModalitiesInStudy": query.modality}
        for found in self._pages(self._client.search_for_studies, keys, ["AccessionNumber"]):
            yield Study(text(found, "StudyInstanceUID"), text(found, "AccessionNumber"))

    def series(self, study: str) -> Iterator[Series]:
        """List the series of a study."""
        for found in self._pages(self._client.search_for_series, {}, ["BodyPartExamined"], study):
            part = text(found, "BodyPartExamined")
            yield Series(text(found, "SeriesInstanceUID"), text(found, "Modality"), part)

    def images(self, study: str, series: str) -> Iterator[str]:
        """List the images of a series."""
        for found in self._pages(self._client.search_for_instances, {}, [], study, series):
            yield text(found, "SOPInstanceUID")

    def _pages(self, search: Any, keys: dict[str, str], fields: list[str], *where: str) -> Iterator[Dataset]:
        """Ask until nothing new comes, as a service with a limit of its own sends page by page.

        No limit is asked for: Orthanc (1.10) counts to it before it has looked at the modality, and ends too early.
        """
        filters = {key: value for key, value in keys.items() if value}
        offset, seen = 0, set()
        while True:
            page = self._ask(
                lambda **how: [Dataset.from_json(dict(row)) for row in search(*where, **how)],
                search_filters=filters,
                fields=fields or None,
                offset=offset,
            )
            new = 0
            for found in page:
                key = tuple(text(found, f"{level}InstanceUID") for level in ("Study", "Series", "SOP"))
                if key not in seen:
                    seen.add(key)
                    new += 1
                    yield found
            # A service that takes no notice of the offset sends the same page for ever.
            if not new:
                return
            offset += len(page)

    def retrieve(self, study: str, series: str, wanted: list[str], whole: bool, receive: Receive) -> None:
        """Fetch images one by one, over one connection and in the compression that they are stored in."""
        for image in wanted:
            found = self._ask(self._client.retrieve_instance, study, series, image, (("application/dicom", "*"),))
            whole_file = BytesIO()
            found.save_as(whole_file, enforce_file_format=True)
            receive(whole_file.getvalue())

    def store(self, dataset: Dataset) -> None:
        """Send a file, by STOW-RS."""
        self._ask(self._client.store_instances, [dataset])

    def _ask(self, what: Any, *where: Any, **how: Any) -> Any:
        try:
            return what(*where, **how)
        except requests.HTTPError as error:
            code = error.response.status_code if error.response is not None else 0
            if code in (401, 403):
                raise StudyError(
                    f"{self._host} doesn't let us in (status {code}); check user and password, or the token, in the "
                    "environment (KNEE_PACS_USER, KNEE_PACS_PASSWORD, KNEE_PACS_TOKEN) or in the connection's file."
                ) from None
            raise DeclinedError(f"The PACS answered with the status {code}.") from None
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE" not in str(error):
                raise StudyError(
                    f"{self._host} doesn't speak TLS as we do; ask the PACS' staff for the address and the port of its DICOMweb "
                    "service."
                ) from error
            raise StudyError(
                f"The certificate of {self._host} isn't trusted; give the certificate that signed it as 'ca' in the "
                "connection's file."
            ) from error
        except requests.exceptions.JSONDecodeError as error:
            raise DeclinedError("The answer can't be read (it is no JSON).") from error
        except TooLargeError as error:
            raise DeclinedError(str(error)) from None
        except (requests.RequestException, OSError) as error:
            raise LostError(f"{self._host} doesn't answer, or stopped in the middle ({type(error).__name__})") from None
        except DeclinedError:
            raise
        except Exception as error:  # an answer can be broken in any way
            raise DeclinedError(f"The answer can't be read ({type(error).__name__}).") from error


def _bounded(answer: requests.Response, most: float) -> None:
    """Read an answer, and stop where it is longer than any file that is wanted."""
    parts, size = [], 0
    for part in answer.iter_content(1 << 20):
        size += len(part)
        if size > most:
            answer.close()
            raise TooLargeError("It is larger than max_file_mb allows.")
        parts.append(part)
    answer._content = b"".join(parts)
