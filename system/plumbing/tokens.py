"""Signed tokens: EdDSA over Ed25519, verified offline with the public keys that every process is given at start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from system.kernel.guests import is_guest_email
from system.kernel.ids import new_id
from system.plumbing.settings import ServiceSettings

ALGORITHM = "Ed25519"
USER_AUDIENCE = "alexandrite"
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
SERVICE_TOKEN_LIFETIME = timedelta(seconds=60)
CLOCK_SKEW_S = 10


class TokenInvalid(Exception):
    """The token is not one of ours, or its time is over; the text says which."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. For a call between services, `service` is the caller and the rest is the user it acts for.

    `idle_s` is there for a session by badge, on a workstation that people share: it ends when nobody is there for so many seconds.
    """

    subject: UUID
    roles: frozenset[str]
    name: str
    email: str
    session_id: str | None = None
    service: str | None = None
    idle_s: int | None = None

    def has(self, *roles: str) -> bool:
        """Whether any of these roles is theirs."""
        return not self.roles.isdisjoint(roles)

    @property
    def is_guest(self) -> bool:
        """Whether this is a customer without an account: nobody could write to the e-mail, or sign in with it again."""
        return is_guest_email(self.email)


NOBODY = UUID(int=0)


class TokenAuthority:
    """Issues with this service's key and verifies with everybody's public keys."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._service = settings.service
        key = settings.signing_key.get_secret_value()
        self._key = OKPKey.import_key(key) if key else None
        # A set may call the algorithm EdDSA or, since RFC 9864, Ed25519; our tokens' header alone says which we accept.
        published = json.loads(settings.jwks)["keys"]
        bare: Any = {"keys": [{name: value for name, value in key.items() if name != "alg"} for key in published]}
        self._keys = KeySet.import_key_set(bare) if published else None

    def issue(self, *, audience: str, subject: UUID, lifetime: timedelta, **claims: Any) -> str:
        """A signed token from this service. Raises TokenInvalid when this process has no signing key."""
        if self._key is None:
            raise TokenInvalid("this process has no signing key")
        now = datetime.now(UTC)
        payload = {
            "iss": self._service,
            "aud": audience,
            "sub": str(subject),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "jti": str(new_id()),
        }
        header = {"alg": ALGORITHM, "kid": self._service}
        return jwt.encode(header, payload | claims, self._key, algorithms=[ALGORITHM])

    def issue_for_user(self, principal: Principal) -> str:
        """The access token of a signed-in user; identity alone is believed when it issues one."""
        lifetime, shared = ACCESS_TOKEN_LIFETIME, {}
        if principal.idle_s is not None:
            lifetime, shared = min(lifetime, timedelta(seconds=principal.idle_s)), {"idle": principal.idle_s}
        return self.issue(
            audience=USER_AUDIENCE,
            subject=principal.subject,
            lifetime=lifetime,
            sid=principal.session_id,
            roles=sorted(principal.roles),
            name=principal.name,
            email=principal.email,
            **shared,
        )

    def issue_for_service(self, *, to: str, acting_for: Principal | None) -> str:
        """A one-minute token for one call to another service, naming the user it acts for."""
        return self.issue(
            audience=to,
            subject=acting_for.subject if acting_for else NOBODY,
            lifetime=SERVICE_TOKEN_LIFETIME,
            roles=sorted(acting_for.roles) if acting_for else [],
            name=acting_for.name if acting_for else self._service,
            email=acting_for.email if acting_for else "",
        )

    def verify(self, token: str) -> Principal:
        """Who this token speaks for. Raises TokenInvalid."""
        if self._keys is None:
            raise TokenInvalid("this process was given no public keys")
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
            claims = decoded.claims
            jwt.JWTClaimsRegistry(
                leeway=CLOCK_SKEW_S,
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                aud={"essential": True, "values": [USER_AUDIENCE, self._service]},
            ).validate(claims)
        except (JoseError, ValueError) as error:
            raise TokenInvalid(str(error)) from error
        # A key signs only for its owner: a shop's key can never speak for identity.
        if claims.get("iss") != decoded.header.get("kid"):
            raise TokenInvalid("the issuer is not the signer")
        from_user = claims["aud"] == USER_AUDIENCE
        if from_user and claims["iss"] != "identity":
            raise TokenInvalid("only identity issues user tokens")
        return Principal(
            subject=UUID(claims["sub"]),
            roles=frozenset(claims.get("roles", ())),
            name=claims.get("name", ""),
            email=claims.get("email", ""),
            session_id=claims.get("sid"),
            service=None if from_user else claims["iss"],
            idle_s=claims.get("idle"),
        )
