"""UIDs derived from content: sending the same finding twice makes no second object."""

import hashlib
import uuid


def derived_uid(*parts: str) -> str:
    """A UID under 2.25 (PS3.5, B.2: a UUID as one number), the same for the same parts.

    Nobody can tell the parts from it, unless they can be guessed and tried: the first should not be guessable.
    """
    digest = hashlib.sha256("\0".join(("fetalstream", *parts)).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
