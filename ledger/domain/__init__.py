"""The reform's catalogue: certificate categories, service items, materials, bodies, regions."""

from ledger.domain.codes import CodeInvalid
from ledger.domain.faults import DomainInvalid, Fault, FaultCode
from ledger.domain.loading import load_domain
from ledger.domain.model import (
    Audience,
    Body,
    Category,
    CategoryKind,
    DeltaScenario,
    Domain,
    HolderKind,
    IssuerKind,
    ItemKind,
    Material,
    Region,
    RegionLevel,
    ServiceItem,
    Status,
    StatusCode,
)

__all__ = [
    "Audience",
    "Body",
    "Category",
    "CategoryKind",
    "CodeInvalid",
    "DeltaScenario",
    "Domain",
    "DomainInvalid",
    "Fault",
    "FaultCode",
    "HolderKind",
    "IssuerKind",
    "ItemKind",
    "Material",
    "Region",
    "RegionLevel",
    "ServiceItem",
    "Status",
    "StatusCode",
    "load_domain",
]
