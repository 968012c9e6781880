"""What all parts of the configuration have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Score = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class Section(BaseModel):
    """A part of the tree: immutable, and no key but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
