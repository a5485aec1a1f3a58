"""Sample certificates for demonstrations and tests: plausible, and nobody's."""

from certledger.ledger.samples.generating import (
    SampleCertificate,
    SamplesImpossible,
    sample_certificates,
)

__all__ = ["SampleCertificate", "SamplesImpossible", "sample_certificates"]
