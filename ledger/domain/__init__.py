"""The reform's catalogue: certificate categories, service items, materials, bodies, regions."""

from certledger.ledger.domain.codes import CodeInvalid
from certledger.ledger.domain.faults import DomainInvalid, Fault, FaultCode
from certledger.ledger.domain.loading import load_domain
from certledger.ledger.domain.model import (
    Audience,
    Body,
    Category,
    DeltaScenario,
    Domain,
    ItemKind,
    Material,
    Region,
    RegionLevel,
    ServiceItem,
    StatusCode,
)

__all__ = [
    "Audience",
    "Body",
    "Category",
    "CodeInvalid",
    "DeltaScenario",
    "Domain",
    "DomainInvalid",
    "Fault",
    "FaultCode",
    "ItemKind",
    "Material",
    "Region",
    "RegionLevel",
    "ServiceItem",
    "StatusCode",
    "load_domain",
]
