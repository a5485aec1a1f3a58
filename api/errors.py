"""What the API itself refuses, beside what the rooms below refuse."""

from __future__ import annotations

from certledger.verifier.errors import CertledgerError


class UnauthenticatedError(CertledgerError):
    """The route is not for the public, and the caller has not said who it is."""

    code = "auth.missing"


class CredentialsInvalidError(CertledgerError):
    """The key or token is unknown, ended, revoked, or not for this service."""

    code = "auth.invalid"


class ForbiddenError(CertledgerError):
    """The caller is known and may not do this, or not for this body."""

    code = "auth.forbidden"


class ResourceUnknownError(CertledgerError):
    """There is nothing here that the caller may see."""

    code = "resource.unknown"


class MethodUnknownError(CertledgerError):
    """The resource does not take this method."""

    code = "request.method"


class TooManyValuesError(CertledgerError):
    """The body has more values than the route takes, however few bytes they are."""

    code = "request.too_many_values"


class RequestInvalidError(CertledgerError):
    """A part of the request outside its body cannot be what it is."""

    code = "request.invalid"


class RequestTooLargeError(CertledgerError):
    """The body is longer than the route takes, packed or unpacked."""

    code = "request.too_large"


class RequestTimeoutError(CertledgerError):
    """The body did not arrive in time."""

    code = "request.too_slow"


class ServiceStoppingError(CertledgerError):
    """The service is to end, and the body does not come; another one may take it."""

    code = "service.stopping"

    def __init__(self) -> None:
        super().__init__("the service is stopping, and the body has not come")


class MediaUnknownError(CertledgerError):
    """The body's media type or encoding is none that the route takes."""

    code = "request.media_type"


class RateLimitError(CertledgerError):
    """The caller asks more often than it may; `retry_after` is in seconds."""

    code = "rate.exceeded"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} seconds")
        self.retry_after = retry_after


class ServiceBusyError(CertledgerError):
    """More is asked at once than the service takes on; others are served meanwhile."""

    code = "service.busy"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.retry_after = 1


class KeyReusedError(CertledgerError):
    """The idempotency key came with another request before."""

    code = "idempotency.reused"


class KeyInFlightError(CertledgerError):
    """A request with this idempotency key is being worked on."""

    code = "idempotency.in_flight"

    def __init__(self) -> None:
        super().__init__("a request with this idempotency key is being worked on")
        self.retry_after = 1


class QuotaFullError(CertledgerError):
    """The caller has as many of these as it may have."""

    code = "quota.full"


class ProviderUnreachableError(CertledgerError):
    """The identity provider, whose keys tokens are checked by, does not answer."""

    code = "auth.provider_silent"


class PolicyAbsentError(CertledgerError):
    """The service has no trust policy to judge by yet."""

    code = "policy.absent"


class NotReadyError(CertledgerError):
    """The service runs, and has not been able to open its ledger yet."""

    code = "service.not_open"


class InternalError(CertledgerError):
    """The service met a fault of its own; the log has more under the request's id."""

    code = "service.broken"
