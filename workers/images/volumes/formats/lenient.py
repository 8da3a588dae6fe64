"""Settings in a file of another tool: what is not asked for may stand there too."""

from pydantic import BaseModel, ConfigDict


class Lenient(BaseModel):
    """Keys that are not known are left alone."""

    model_config = ConfigDict(frozen=True)
