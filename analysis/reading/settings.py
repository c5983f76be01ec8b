"""Settings of the reading room."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from analysis.settings import Settings

Role = Literal["reader", "senior", "consensus", "coordinator"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class QueueSettings(Settings):
    """Who reads the exams of one set, and how often."""

    readings: int = Field(default=1, ge=0, le=9, description="independent readings an exam gets (count); 0: not shown")
    role: Literal["reader", "senior"] = Field(default="reader", description="whose queue its exams come into")
    revisit: Literal["senior", "ignore"] = Field(
        default="ignore", description="an exam flagged for another look goes on to a senior, or the flag is only kept"
    )

    @model_validator(mode="after")
    def _one_above(self) -> QueueSettings:
        if self.role == "senior" and self.revisit == "senior":
            raise ValueError("a senior's exam has no senior to go on to; use revisit: ignore")
        return self


class QueuesSettings(Settings):
    """The queues, set by set; the defaults are the readings of Olsson et al. 2021."""

    training: QueueSettings = Field(
        default=QueueSettings(revisit="senior"), description="one reader, flags to a senior"
    )
    validation: QueueSettings = Field(default=QueueSettings(readings=2), description="two readers, then consensus")
    test: QueueSettings = Field(default=QueueSettings(readings=2, role="senior"), description="two seniors, consensus")
    unselected: QueueSettings = Field(
        default=QueueSettings(readings=2), description="all exams of the archive, where no selection has been made yet"
    )


class TlsSettings(Settings):
    """The certificate; needed as soon as the room is open to other machines."""

    certificate: str | None = Field(default=None, description="PEM file of the server's certificate (chain)")
    key: str | None = Field(default=None, description="PEM file of its private key")

    @model_validator(mode="after")
    def _both(self) -> TlsSettings:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("TLS needs both a certificate and its key; give both or neither")
        return self


class LoginSettings(Settings):
    """Limits on signing in and staying signed in."""

    tries: int = Field(
        default=8, ge=1, description="wrong tokens from one address before further wrong ones wait (count)"
    )
    lockout_minutes: float = Field(default=10, gt=0, description="how long a wrong try is remembered, minutes")
    session_minutes: float = Field(default=480, gt=0, description="a reader is signed out after this long, minutes")
    idle_minutes: float = Field(default=60, gt=0, description="… and after this long without a sign of life, minutes")


class ReadingSettings(Settings):
    """The reading room: where it listens, and what readers get to see in which order."""

    expert = ("login", "claim_minutes", "repeat_gap")

    host: str = Field(default="127.0.0.1", description="address it listens on; one that others reach needs `tls`")
    port: int = Field(default=8123, ge=0, le=65535, description="port; 0 takes a free one")
    names: tuple[str, ...] = Field(default=(), description="host names by which other machines may call it")
    tls: TlsSettings = Field(default=TlsSettings(), description="certificate and key for other machines than this")
    proxies: tuple[str, ...] = Field(
        default=(),
        description="addresses of proxies that bring TLS and are believed; `names` has what browsers call them",
    )
    login: LoginSettings = Field(default=LoginSettings(), description="limits on signing in")
    seed: int = Field(default=2021, ge=0, lt=2**31, description="the order of the exams, and which come back")
    queues: QueuesSettings = Field(default=QueuesSettings(), description="who reads which set, and how often")
    claim_minutes: float = Field(
        default=30, gt=0, description="an exam opened but not read is given to another reader after this long, minutes"
    )
    repeat_share: float = Field(
        default=0.1, ge=0, le=0.5, description="share of a reader's exams that come back later, unannounced"
    )
    repeat_gap: int = Field(default=25, ge=1, description="exams between the two occasions, at least (count)")
    ask: tuple[str, ...] | None = Field(
        default=None, description="items and findings of the scheme that are asked for; null: all of them"
    )
    reports_for: tuple[Role, ...] = Field(
        default=("consensus",), description="roles that see the radiologist's report; readers grade the images alone"
    )

    @model_validator(mode="after")
    def _closed_or_encrypted(self) -> ReadingSettings:
        if self.host not in LOOPBACK and not self.tls.certificate:
            raise ValueError(f"host {self.host} is open to other machines; give tls.certificate and tls.key")
        return self
