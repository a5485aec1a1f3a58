"""The reform's catalogue: certificate categories, service items, materials, bodies, regions."""

from ledger.domain.codes import CodeInvalid
from ledger.domain.faults import DomainInvalid, Fault, FaultCode
from ledger.domain.loading import load_domain
from ledger.domain.model import (
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
