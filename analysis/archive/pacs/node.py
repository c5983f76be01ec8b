"""Address and credentials of a PACS, from a file that never becomes part of a study."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import click
from pydantic import Field, SecretStr, field_validator, model_validator

from analysis.errors import StudyError
from analysis.settings import Settings, load


class Node(Settings):
    """Address and credentials of a PACS. Its file holds secrets and stays outside the repository."""

    protocol: Literal["dimse", "dicomweb"] = Field("dimse", description="How it is spoken to.")
    host: str | None = Field(None, description="DIMSE: name or address of the PACS.")
    port: int = Field(104, ge=1, le=65535, description="DIMSE: its port.")
    called: str = Field("ANY-SCP", min_length=1, max_length=16, description="DIMSE: its AE title.")
    calling: str = Field("KNEEGRADING", min_length=1, max_length=16, description="DIMSE: our AE title.")
    move_port: int | None = Field(
        None, ge=1, le=65535, description="DIMSE: the port at which we receive where the PACS has no C-GET."
    )
    url: str | None = Field(None, description="DICOMweb: address of the service, https://…/dicom-web.")
    tls: bool = Field(False, description="DIMSE: whether the connection is encrypted.")
    ca: str | None = Field(None, description="Certificate that signed the PACS' own; null: those of the system.")
    certificate: str | None = Field(None, description="Our own certificate (PEM), where the PACS asks for one.")
    certificate_key: str | None = Field(None, description="Its key (PEM).")
    verify: bool = Field(
        True, description="Whether the PACS' certificate is checked; only to be turned off for a test."
    )
    user: str | None = Field(None, description="DICOMweb: user name; or the variable KNEE_PACS_USER.")
    password: SecretStr | None = Field(None, description="DICOMweb: password; or the variable KNEE_PACS_PASSWORD.")
    token: SecretStr | None = Field(None, description="DICOMweb: bearer token; or the variable KNEE_PACS_TOKEN.")
    timeout: float = Field(120, gt=0, description="How long one answer may take, s.")

    @field_validator("called", "calling")
    @classmethod
    def _is_title(cls, title: str) -> str:
        if not title.strip() or not (title.isascii() and title.isprintable()) or "\\" in title:
            raise ValueError("an AE title is of ASCII characters, without a backslash, and not of blanks alone")
        return title

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        try:
            there = url is None or (urlsplit(url).hostname and urlsplit(url).port != 0 and " " not in url)
        except ValueError:  # its port is no number
            there = False
        if not there:
            raise ValueError("an address is written as https://pacs.example.org/dicom-web")
        return url

    @model_validator(mode="after")
    def _has_address(self) -> Node:
        wanted = "host" if self.protocol == "dimse" else "url"
        if not getattr(self, wanted):
            raise ValueError(f"protocol '{self.protocol}' needs the key '{wanted}'")
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError("the key 'url' has to begin with https://")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls if self.protocol == "dimse" else bool(self.url and self.url.startswith("https://"))

    def context(self, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> ssl.SSLContext:
        """Return the TLS context of a connection.

        Raises
        ------
        StudyError
            If a certificate can't be read.
        """
        try:
            context = ssl.create_default_context(purpose, cafile=self.ca)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.certificate_key)
        except (OSError, ssl.SSLError) as error:
            raise StudyError(f"A certificate of the connection can't be read ({error}); correct its path.") from error
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def load_node(path: str | Path) -> Node:
    """Read a connection, with credentials from the environment, and warn where it isn't safe.

    Parameters
    ----------
    path : path
        YAML file with the keys of `Node`.

    Raises
    ------
    StudyError
        If the file is missing or wrong, or holds a password that others on this machine may read.
    """
    node = load(Node, path)
    if (node.password or node.token) and Path(path).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StudyError(f"{path} holds a password, but others may read it; run 'chmod 600 {path}'.")
    given = {
        "user": os.environ.get("KNEE_PACS_USER"),
        "password": os.environ.get("KNEE_PACS_PASSWORD"),
        "token": os.environ.get("KNEE_PACS_TOKEN"),
    }
    node = Node.model_validate(node.model_dump() | {key: value for key, value in given.items() if value})
    if not node.encrypted:
        _warn("The connection to the PACS isn't encrypted: whoever is on the network can read names and images.")
    elif not node.verify:
        _warn(
            "THE CERTIFICATE OF THE PACS ISN'T CHECKED: anybody on the network could pose as the PACS (verify: false)."
        )
    return node


def _warn(text: str) -> None:
    click.secho(text, fg="yellow", err=True)
