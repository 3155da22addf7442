"""The reason why a TLS connection failed."""

import ssl


def is_distrusted(error: BaseException) -> bool:
    """Return whether a certificate was refused; False if the server closed the connection first.

    Clients call both an error of TLS, and wrap them in their own.
    """
    causes, seen = [error], set()
    while causes:
        cause = causes.pop()
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        if id(cause) not in seen:
            seen.add(id(cause))
            wrapped = [cause.__cause__, cause.__context__, *cause.args]
            causes += [each for each in wrapped if isinstance(each, BaseException)]
    return False
