"""Errors of the API itself; those of the ledger and the verifier are theirs."""

from __future__ import annotations

from certledger.verifier.errors import CertledgerError


class UnauthenticatedError(CertledgerError):
    """The route is not public, and the request has no credentials."""

    code = "auth.missing"


class CredentialsInvalidError(CertledgerError):
    """The key or token is unknown, expired, revoked, or for another service."""

    code = "auth.invalid"


class ForbiddenError(CertledgerError):
    """The caller lacks the permission, or the data are another issuer's."""

    code = "auth.forbidden"


class ResourceUnknownError(CertledgerError):
    """The resource does not exist, or the caller may not see it."""

    code = "resource.unknown"


class MethodUnknownError(CertledgerError):
    """The resource does not support this method."""

    code = "request.method"


class TooManyValuesError(CertledgerError):
    """The body has more JSON values than allowed, in however few bytes."""

    code = "request.too_many_values"


class RequestInvalidError(CertledgerError):
    """A part of the request outside its body is invalid."""

    code = "request.invalid"


class RequestTooLargeError(CertledgerError):
    """The body is longer than allowed, compressed or decompressed."""

    code = "request.too_large"


class RequestTimeoutError(CertledgerError):
    """The body did not arrive in time."""

    code = "request.too_slow"


class ServiceStoppingError(CertledgerError):
    """The service is stopping, and the body has not arrived; retry elsewhere."""

    code = "service.stopping"

    def __init__(self) -> None:
        super().__init__("the service is stopping, and the body has not arrived")


class MediaUnknownError(CertledgerError):
    """The media type or encoding of the body is not supported."""

    code = "request.media_type"


class RateLimitError(CertledgerError):
    """The caller exceeds its rate; `retry_after` is in seconds."""

    code = "rate.exceeded"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} seconds")
        self.retry_after = retry_after


class ServiceBusyError(CertledgerError):
    """The service is at its limit for this caller; others are served."""

    code = "service.busy"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.retry_after = 1


class KeyReusedError(CertledgerError):
    """The idempotency key was used with another request."""

    code = "idempotency.reused"


class KeyInFlightError(CertledgerError):
    """A request with this idempotency key is in progress."""

    code = "idempotency.in_flight"

    def __init__(self) -> None:
        super().__init__("a request with this idempotency key is in progress")
        self.retry_after = 1


class QuotaFullError(CertledgerError):
    """The caller has the greatest allowed number of these."""

    code = "quota.full"


class ProviderUnreachableError(CertledgerError):
    """The identity provider is unreachable, and none of its keys is known."""

    code = "auth.provider_silent"


class PolicyAbsentError(CertledgerError):
    """The service has no trust policy yet."""

    code = "policy.absent"


class NotReadyError(CertledgerError):
    """The service has not opened its ledger yet."""

    code = "service.not_open"


class InternalError(CertledgerError):
    """An internal error; the log has details under the request's id."""

    code = "service.broken"
