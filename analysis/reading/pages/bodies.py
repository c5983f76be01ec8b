"""What the pages send, and what of it is taken."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Text of one line or of several: no NUL and no other control characters, which tables and terminals stumble over, nor
#: what makes text read otherwise than it is written. A line has a letter or digit: a blank is nobody's name.
_TURNED = r"\x7f-\x9f\x{202a}-\x{202e}\x{2066}-\x{2069}"
_SHOWN = rf"[^\x00-\x1f\x{{2028}}\x{{2029}}{_TURNED}]*"
_LINE = rf"^{_SHOWN}\w{_SHOWN}$"
_LINES = rf"^[^\x00-\x08\x0b\x0c\x0e-\x1f{_TURNED}]*$"
Handle = Annotated[str, Field(pattern=r"^[\w-]{8,40}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Token(_Body):
    """What a reader signs in with."""

    token: str = Field(min_length=1, max_length=200)


class Sign(_Body):
    """A sign of life, before an exam or none."""

    handle: Handle | None = None


class Aside(_Body):
    """An exam to lay aside, for later or for good."""

    handle: Handle
    never: bool = False


class Name(_Body):
    """The name of a reader or a set."""

    name: str = Field(min_length=1, max_length=60, pattern=_LINE)


class Handover(_Body):
    """Whose exams go to whom."""

    giver: str = Field(min_length=1, max_length=60, pattern=_LINE)
    taker: str = Field(min_length=1, max_length=60, pattern=_LINE)


class Content(_Body):
    """A reading, or a decision, as the browser sends it."""

    handle: Handle
    key: str = Field(pattern=r"^[0-9a-f-]{16,40}$")
    version: int = Field(ge=0, lt=1000)
    values: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")], Annotated[int, Field(ge=0, le=99)] | None
    ] = Field(max_length=200)
    views: list[Literal["ap", "lateral", "oblique"] | None] = Field(max_length=100)
    revisit: bool
    comment: str = Field(max_length=2000, pattern=_LINES)
    present: list[Annotated[str, Field(min_length=1, max_length=60, pattern=_LINE)]] = Field(
        default_factory=list, max_length=20
    )
    seconds: Annotated[float, Field(ge=0, le=86400, strict=False, allow_inf_nan=False)]
