"""Words of the report for a court, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

TEXT: Mapping[str, tuple[str, str]] = {
    "title": ("证照账本审计报告", "Report of an audit of a certificate ledger"),
    "clean": ("未发现问题", "Nothing is wrong"),
    "faults": ("发现问题", "Something is wrong"),
    "incomplete": ("审计未能完成", "The audit could not finish"),
    "examined": ("审计对象", "What was examined"),
    "ledger": ("账本", "Ledger"),
    "identity": ("账本标识", "Identity of the ledger"),
    "contract": ("合约地址", "Address of the contract"),
    "chain": ("链编号", "Chain id"),
    "genesis": ("创世区块", "First block of the chain"),
    "deployment": ("部署交易", "Deployment transaction"),
    "blocks": ("审查的区块", "Blocks examined"),
    "block_hash": ("最末区块的哈希", "Hash of the last block"),
    "block_time": ("最末区块的时间", "Time of the last block"),
    "to": ("至", "to"),
    "policy": ("信任策略", "Trust policy"),
    "policy_text": (
        "第 {version} 版, 有效至 {ends}",
        "version {version}, valid until {ends}",
    ),
    "fingerprint": ("策略指纹", "Fingerprint of the policy"),
    "witnesses": ("见证人", "Witnesses"),
    "witnesses_text": (
        "{operators} 之中至少 {threshold} 家",
        "at least {threshold} of {operators}",
    ),
    "no_policy": ("无: 以部署记录为准", "none: the deployment on record is relied on"),
    "node": ("链的数据来源", "Source of the chain"),
    "data": ("记录的数据来源", "Source of the records"),
    "how": ("审计方法", "How it was examined"),
    "auditor": ("审计人", "Audited by"),
    "tool": ("审计工具", "Tool"),
    "began": ("开始时间", "Began"),
    "ended": ("结束时间", "Ended"),
    "outcome": ("审计结论", "Outcome"),
    "counts": ("已核对的数量", "What was checked, in numbers"),
    "issuers": ("签发机构", "Issuers"),
    "code": ("机构代码", "Code"),
    "name": ("名称", "Name"),
    "kind": ("类型", "Kind"),
    "standing": ("资格", "Standing"),
    "batches": ("批次", "Batches"),
    "certificates": ("证照", "Certificates"),
    "unknown_name": ("(名称未公布)", "(name not published)"),
    "held": (", 制动中", ", held"),
    "found": ("发现的问题", "Faults"),
    "gaps": ("未能审查的部分", "What could not be examined"),
    "notes": ("无影响的发现", "Findings without effect"),
    "none": ("无。", "None."),
    "place": ("位置", "Place"),
    "detail": ("机器记录", "Detail"),
    "severity": ("严重程度", "Severity"),
    "touches": ("涉及的证照", "Certificates touched"),
    "follows": ("后果", "What follows"),
    "evidence": ("证据", "Evidence"),
    "all": ("本账本的全部证照", "all certificates of this ledger"),
    "no_certificates": ("无", "none"),
    "one": ("{name} 第 {first} 号", "{name}, number {first}"),
    "range": ("{name} 第 {first} 至 {last} 号", "{name}, numbers {first} to {last}"),
    "file": ("文件 {file}", "the file {file}"),
    "more": (
        "该类问题共 {count} 项, 此处列出前 {listed} 项。",
        "{count} of this kind in all; the first {listed} are listed here.",
    ),
    "repeat": ("如何重做本审计", "How to repeat this audit"),
    "repeat_text": (
        "以下命令重做审计并与本文件比对, 结果相同则告知“confirmed”, 否则逐项列出不同之处:",
        "This command audits again and compares with this file; it says “confirmed” where it finds"
        " the same, else each difference:",
    ),
    "digest": ("报告摘要 (SHA-256)", "Digest of the report (SHA-256)"),
    "digest_text": (
        "摘要按本文件内嵌的数据 (成员按名排序、无空格的 JSON) 计算, 本页全部由该数据生成。",
        "The digest is of the data embedded in this file (JSON, members sorted by name, no spaces),"
        " from which the whole page is made.",
    ),
    "signature": ("审计人签字 (盖章)", "Signature (seal) of the auditor"),
    "date": ("日期", "Date"),
    "colon": (": ", ": "),
}
"""Chinese and English text by name."""

METHOD: tuple[tuple[str, str], ...] = (
    (
        "自部署交易起, 逐区块取得合约的全部事件, 不采用运营方的任何中间结果。",
        "All events of the contract are read block by block from its deployment; nothing that the"
        " operator computed is used.",
    ),
    (
        "核对部署交易的字节、签署人、地址与代码, 与信任策略所指定者一致。",
        "The bytes, signer, address and code of the deployment are compared with the trust policy.",
    ),
    (
        "对每一声明验证签名、签署密钥的权限与有效期、计数器及时间。",
        "Of each statement the signatures, the keys' rights and terms, counters and times are"
        " verified.",
    ),
    (
        "按合约规则重新计算每一机构、登记官与证照状态树, 与事件所述逐一比对。",
        "The state of every issuer, registrar and status tree is computed again by the contract's"
        " rules and compared with the events.",
    ),
    (
        "以 EIP-1186 证明核对最末区块下合约存储的值。",
        "The contract's storage at the last block is compared by proofs (EIP-1186).",
    ),
    (
        "取得每一批次的记录, 重算默克尔根, 与机构所签的根比对。",
        "The records of every batch are fetched; their Merkle root must be the signed one.",
    ),
    (
        "逐条核对记录与当时生效的目录, 并查找重复的编号与缺失的版次。",
        "Each record is compared with the catalog in force then; doubled numbers and missing"
        " editions are searched.",
    ),
    (
        "核对检查点与见证人的签名, 并查找同一高度的两份检查点。",
        "Checkpoints and their witnesses' signatures are verified; two at one height are searched.",
    ),
    (
        "审计账本目录时, 将数据库的每一表、每一回执与文件同链上双向比对。",
        "Where a ledger's home is audited, each table, receipt and document is compared with the"
        " chain in both directions.",
    ),
    (
        "每一问题附足以使第三方确信的证据: 声明、签名、链上位置、记录与证明。",
        "Each fault carries evidence for a third party: statement, signatures, place on the chain,"
        " record and proof.",
    ),
)
"""The method, line by line."""

WORDS: Mapping[str, str] = {
    # Kinds and standings of issuers.
    "department": "政府部门",
    "institution": "事业单位",
    "association": "行业协会",
    "appraisal": "评估机构",
    "consulting": "咨询机构",
    "operator": "账本运营方",
    "active": "正常",
    "suspended": "暂停",
    "closed": "已关闭",
    "struck": "已除名",
    # Counts.
    "acts": "行为",
    "bodies": "机构",
    "catalogs": "目录",
    "checkpoints": "检查点",
    "database_acts": "数据库中的行为",
    "database_verifications": "数据库中的核验回执",
    "events": "事件",
    "records": "记录",
    "status_changes": "状态变更",
    "documents": "文件",
    "evidence_files": "核验凭据文件",
    "batches": "批次",
    "certificates": "证照",
}
"""Chinese words of kinds, standings and counts; in English they are the names themselves."""
