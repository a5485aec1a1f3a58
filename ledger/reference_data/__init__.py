"""The reform's catalogue: certificate categories, service items, materials, issuers, regions."""

from certledger.ledger.reference_data.faults import DomainFault, DomainInvalidError, FaultCode
from certledger.ledger.reference_data.identifiers import CodeInvalidError
from certledger.ledger.reference_data.loader import load_domain
from certledger.ledger.reference_data.model import (
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
