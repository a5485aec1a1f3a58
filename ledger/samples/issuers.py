"""Which issuers may issue which categories."""

from collections.abc import Iterator, Mapping

from certledger.ledger.reference_data import Category, Domain, IssuerProfile

# Issuer named by a category: parts of the names of other issuers that may issue it.  It matches
# departments of Shanghai with those of other provinces, and generic issuers with examples.
FITTING: Mapping[str, tuple[str, ...]] = {
    "上海市公安局": ("公安厅",),
    "上海市市场监督管理局": ("市场监督管理局",),
    "上海市人力资源和社会保障局": ("人力资源和社会保障",),
    "上海市住房和城乡建设管理委员会": ("住房和城乡建设厅",),
    "上海市生态环境局": ("生态环境厅",),
    "上海市交通委员会": ("交通运输局",),
    "上海市道路运输管理局": ("交通运输局",),
    "上海市卫生健康委员会": ("卫生健康委员会",),
    "上海市规划和自然资源局": ("自然资源和规划局",),
    "上海市民政局": ("区民政局",),
    "上海市农业农村委员会": ("区农业农村委员会",),
    "上海市公积金管理中心": ("住房公积金管理中心",),
    "医疗卫生机构": ("示例医院",),
    "高等学校": ("示例大学",),
    "疾病预防控制中心": ("示例疾病预防控制中心",),
    "特种设备检验机构": ("示例特种设备检验院",),
    "公证处": ("示例公证处",),
    "行业协会": ("行业协会", "制造业协会", "电子商务协会"),
    "学术团体": ("示例科技评价学会",),
    "慈善组织": ("示例慈善基金会",),
    "贸易促进机构": ("示例国际商会",),
    "商会": ("示例国际商会",),
    "检验检测机构": ("示例产品检验",),
    "司法鉴定机构": ("示例司法鉴定所",),
    "房屋质量检测机构": ("示例房屋检测",),
    "机动车检验机构": ("示例机动车检测",),
    "资产评估机构": ("示例资产评估", "示例评估有限公司"),
    "房地产估价机构": ("示例房地产估价", "示例评估有限公司"),
    "土地估价机构": ("示例土地估价", "示例评估有限公司"),
    "会计师事务所": ("示例会计师事务所",),
    "税务师事务所": ("示例税务师事务所",),
    "律师事务所": ("示例律师事务所",),
    "环境影响评价技术单位": ("示例环境咨询", "示例咨询有限公司"),
    "安全评价机构": ("示例安全评价", "示例咨询有限公司"),
    "工程咨询机构": ("示例工程咨询", "示例咨询有限公司"),
    "工程造价咨询机构": ("示例造价咨询", "示例咨询有限公司"),
    "管理咨询机构": ("示例咨询有限公司",),
    "信用评级机构": ("示例信用评级",),
}


def issuers_for(domain: Domain, category: Category) -> Iterator[IssuerProfile]:
    """Yield the issuers of a category: the one it names, then those that match `FITTING`."""
    office = category.issuing_department_zh
    parts = FITTING.get(office, ())
    same_kind = [
        issuer for issuer in domain.issuers.values() if issuer.kind is category.issuer_kind
    ]
    yield from (issuer for issuer in same_kind if issuer.name_zh == office)
    for issuer in same_kind:
        if issuer.name_zh != office and any(part in issuer.name_zh for part in parts):
            yield issuer
