"""The address of HiveServer2 and the credentials, with their validation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lupus_assets.errors import StoreError

AUTHS = ("NOSASL", "NONE", "LDAP", "CUSTOM", "KERBEROS")  # values of hive.server2.authentication
PASSWORDS = ("LDAP", "CUSTOM")  # those that look at a password
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class HiveAddress:
    """The address of HiveServer2 and the credentials.

    Attributes
    ----------
    host : str
    port : int
    database : str
        Holds our tables; made when it is not there.
    auth : str
        One of `AUTHS`: what the server's ``hive.server2.authentication`` says.
    user : str
    password : str or None
        With LDAP and CUSTOM, and only there.
    kerberos_service : str
        First part of the server's principal.
    timeout_seconds : float
        For one answer: longer than the longest statement takes, as Hive is silent until it is done.

    Raises
    ------
    StoreError
        A value cannot be; names it and its environment variable.
    """

    host: str
    port: int = 10000
    database: str = "lupus"
    auth: str = "NONE"
    user: str = "lupus"
    password: str | None = field(default=None, repr=False)
    kerberos_service: str = "hive"
    timeout_seconds: float = 600.0

    def __post_init__(self) -> None:
        if not self.host:
            raise StoreError("host (LUPUS_HIVE_HOST) is empty; give the name of the machine of HiveServer2")
        if not 0 < self.port < 2**16:
            raise StoreError(f"port (LUPUS_HIVE_PORT) is {self.port}; give one from 1 to 65535")
        if not IDENTIFIER.fullmatch(self.database):
            raise StoreError(
                f"database (LUPUS_HIVE_DATABASE) is {self.database!r}; write a-z, 0-9 and _, no digit first"
            )
        if self.auth not in AUTHS:
            raise StoreError(f"auth (LUPUS_HIVE_AUTH) is {self.auth!r}; write one of {', '.join(AUTHS)}")
        if self.auth in PASSWORDS and not self.password:
            raise StoreError(f"password (LUPUS_HIVE_PASSWORD) is missing; auth {self.auth} needs one")
        if self.auth not in PASSWORDS and self.password is not None:
            raise StoreError(
                f"password (LUPUS_HIVE_PASSWORD) is set, and auth {self.auth} has none; "
                f"leave it out, or set auth (LUPUS_HIVE_AUTH) to {' or '.join(PASSWORDS)}"
            )
        if not self.user:
            raise StoreError("user (LUPUS_HIVE_USER) is empty; name the user that Hive knows")
        if not self.timeout_seconds > 0:
            raise StoreError(f"timeout_seconds is {self.timeout_seconds}; give more than 0")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "HiveAddress":
        """Return the address from ``LUPUS_HIVE_HOST`` and the other variables; only the host is required.

        Raises
        ------
        StoreError
            The host is missing, the port is no number, or a value cannot be.
        """
        names = ("host", "port", "database", "auth", "user", "password", "kerberos_service")
        given: dict[str, Any] = {
            name: environ[variable] for name in names if environ.get(variable := f"LUPUS_HIVE_{name.upper()}")
        }
        if "host" not in given:
            raise StoreError("LUPUS_HIVE_HOST is not set; give the name of the machine of HiveServer2")
        if "port" in given:
            if not (given["port"].isascii() and given["port"].isdigit()):
                raise StoreError(f"LUPUS_HIVE_PORT is {given['port']!r}; give a number such as 10000")
            given["port"] = int(given["port"])
        return cls(**given)
