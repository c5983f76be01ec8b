"""Settings of the reading room."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from analysis.errors import StudyError
from analysis.grading.settings import ReadingPolicy, ReferenceSettings
from analysis.settings import CONFIG, SEED, Settings, parse, section
from analysis.yaml_files import load_yaml

Role = Literal["reader", "senior", "consensus", "coordinator"]

#: The set of an exam of an archive without a selection.
UNSELECTED = "unselected"

LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
    unselected: ReadingPolicy = Field(
        default=ReadingPolicy(readings=2),
        description="who reads the exams of an archive where no selection has been made yet; of sets `reference` says it",
    )
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


class RoomSettings(ReadingSettings):
    """What a room needs to know: its own section, and what other sections of the configuration say of reading.

    Attributes
    ----------
    seed : int
        For the order of the exams, and which come back.
    reference : ReferenceSettings
        Who reads which set, and how often.
    """

    seed: int = Field(default=SEED, ge=0, lt=2**31)
    reference: ReferenceSettings = ReferenceSettings()

    @cached_property
    def queues(self) -> Mapping[str, ReadingPolicy]:
        """Who reads the exams of a set, by the set's name."""
        return {**self.reference.sets, UNSELECTED: self.unselected}


def room_settings(config: Path = CONFIG) -> RoomSettings:
    """Read what a room needs to know from the configuration; what isn't written there has its default.

    Raises
    ------
    StudyError
        If a key is wrong, or the policy asks for what a room can't give.
    """
    room, reference = (
        section(model, name, config=config).model_dump()
        for model, name in ((ReadingSettings, "reading"), (ReferenceSettings, "reference"))
    )
    whole = (load_yaml(config) or {}) if config.is_file() else {}
    settings = parse(RoomSettings, {"seed": whole.get("seed", SEED)} | room | {"reference": reference}, str(config))
    for name, policy in settings.reference.sets.items():
        if policy.readings > 1 and policy.conflicts != "consensus":
            raise StudyError(
                f"{config}: reference.{name}.conflicts is '{policy.conflicts}', but the reading room settles conflicts "
                "by consensus; write consensus."
            )
    return settings
