"""Sample certificates for demonstrations and tests: plausible, and nobody's."""

from certledger.ledger.samples.generator import (
    SampleCertificate,
    SamplesImpossibleError,
    sample_certificates,
)

__all__ = ["SampleCertificate", "SamplesImpossibleError", "sample_certificates"]
