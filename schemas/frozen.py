"""What all checked settings have in common."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Settings that nobody changes once they were checked; a key that is not known is an error, and so is a number that
    is none or has no end."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
