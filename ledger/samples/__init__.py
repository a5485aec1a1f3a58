"""Sample certificates for demonstrations and tests; their holders do not exist."""

from certledger.ledger.samples.generator import (
    SampleCertificate,
    SamplesImpossibleError,
    sample_certificates,
)

__all__ = ["SampleCertificate", "SamplesImpossibleError", "sample_certificates"]
