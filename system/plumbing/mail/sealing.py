"""A seal for what a waiting notice needs and nobody who reads the database may know, such as a link that opens an account."""

from __future__ import annotations

import base64
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

PURPOSE = b"alexandrite mail: secrets of waiting notices"


class Seal:
    """Encrypts and authenticates (Fernet) under a key of this purpose, derived from the service's signing key."""

    def __init__(self, signing_key: SecretStr) -> None:
        # A process without a key of its own closes what no other opens.
        secret = signing_key.get_secret_value().encode() or secrets.token_bytes(32)
        self._fernet = Fernet(base64.urlsafe_b64encode(hmac.digest(secret, PURPOSE, "sha256")))

    def closed(self, secret: str) -> str:
        """The secret as it may be kept."""
        return self._fernet.encrypt(secret.encode()).decode()

    def opened(self, sealed: str) -> str:
        """The secret again. Raises ValueError for what was sealed under another key, or is none of ours."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("the seal was made with another key") from error
