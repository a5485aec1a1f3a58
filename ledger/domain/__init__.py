"""The reform's catalogue: certificate categories, service items, materials, bodies, regions."""

from certledger.ledger.domain.codes import CodeInvalidError
from certledger.ledger.domain.faults import DomainFault, DomainInvalidError, FaultCode
from certledger.ledger.domain.loading import load_domain
from certledger.ledger.domain.model import (
    Audience,
    Category,
    DeltaScenario,
    Domain,
    IssuerProfile,
    ItemKind,
    Material,
    Region,
    RegionLevel,
    ServiceItem,
    StatusCode,
)

__all__ = [
    "Audience",
    "Category",
    "CodeInvalidError",
    "DeltaScenario",
    "Domain",
    "DomainFault",
    "DomainInvalidError",
    "FaultCode",
    "IssuerProfile",
    "ItemKind",
    "Material",
    "Region",
    "RegionLevel",
    "ServiceItem",
    "StatusCode",
    "load_domain",
]
