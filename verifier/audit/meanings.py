"""What each finding of an audit means for certificates: severity, consequence, Chinese sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is."""

    GRAVE = "grave"
    SERIOUS = "serious"
    SLIGHT = "slight"
    NOTE = "note"


class Consequence(StrEnum):
    """What follows from a finding for the certificates that it touches."""

    LEDGER = "ledger"
    ISSUER = "issuer"
    BATCH = "batch"
    CERTIFICATE = "certificate"
    UNCOMPARED = "uncompared"
    WITNESS = "witness"
    DOCUMENT = "document"
    RECEIPT = "receipt"
    DATABASE = "database"
    NOTHING = "nothing"
    UNEXAMINED = "unexamined"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a code; its English sentence is in `findings.SENTENCE`."""

    severity: Severity
    consequence: Consequence
    zh: str


_GRAVE, _SERIOUS, _SLIGHT, _NOTE = Severity
_LEDGER, _ISSUER, _BATCH, _CERTIFICATE = list(Consequence)[:4]
_UNCOMPARED, _WITNESS, _DOCUMENT, _RECEIPT = list(Consequence)[4:8]
_DATABASE, _NOTHING, _UNEXAMINED = list(Consequence)[8:]

MEANINGS: Mapping[str, Meaning] = {
    # The node and the contract.
    "node.proof_unusable": Meaning(_GRAVE, _LEDGER, "节点给出的状态证明不能由区块状态根推出"),
    "node.state_differs": Meaning(_GRAVE, _LEDGER, "区块下证明的状态与全部事件推导的结果不一致"),
    "node.roll_differs": Meaning(_GRAVE, _LEDGER, "证明的机构名册与事件推导的结果不一致"),
    "node.registrars_differ": Meaning(_GRAVE, _LEDGER, "证明的登记官与事件推导的结果不一致"),
    "node.event_malformed": Meaning(_GRAVE, _LEDGER, "有合约不可能发出的事件"),
    "node.event_unplaced": Meaning(_GRAVE, _LEDGER, "有事件所在的区块不在链上"),
    "node.history_changed": Meaning(_GRAVE, _LEDGER, "先前读到的区块现已变为另一区块"),
    "deployment.transaction_differs": Meaning(_GRAVE, _LEDGER, "部署交易不是信任策略所指定的交易"),
    "deployment.creation_differs": Meaning(_GRAVE, _LEDGER, "合约以另一份代码创建"),
    "deployment.address_differs": Meaning(_GRAVE, _LEDGER, "指定的交易创建了别的账户或未创建账户"),
    "deployment.code_differs": Meaning(_GRAVE, _LEDGER, "合约地址上的代码不是指定的代码"),
    "deployment.identity_differs": Meaning(_GRAVE, _LEDGER, "合约自称为另一账本"),
    "chain.rolled_back": Meaning(_GRAVE, _LEDGER, "账本自有的链止于先前已最终确定的区块之前"),
    # What the contract accepted.
    "act.signature": Meaning(_GRAVE, _ISSUER, "声明未由应签署的各方签署"),
    "act.key": Meaning(_GRAVE, _ISSUER, "签署密钥在该区块无此权限"),
    "act.counter": Meaning(_GRAVE, _ISSUER, "声明未使其计数器恰好加一"),
    "act.time": Meaning(_SERIOUS, _ISSUER, "声明在其有效期之外上链"),
    "act.standing": Meaning(_GRAVE, _ISSUER, "机构当时的资格不允许该行为"),
    "act.held": Meaning(_GRAVE, _ISSUER, "机构被制动期间的行为未经登记官签署"),
    "act.content": Meaning(_GRAVE, _ISSUER, "行为要求了不可能的内容"),
    "act.body_unknown": Meaning(_GRAVE, _ISSUER, "从未登记的机构作出的行为"),
    "batch.sequence_gap": Meaning(_GRAVE, _BATCH, "批次未紧接前一批次"),
    "batch.first_differs": Meaning(_GRAVE, _BATCH, "批次的起始序号与前一批次的终点不符"),
    "batch.count": Meaning(_GRAVE, _BATCH, "批次的证照数量不可能成立"),
    "batch.key_lost": Meaning(_GRAVE, _BATCH, "批次由当时已报失的密钥签署, 且仍然有效"),
    "status.step_forbidden": Meaning(_GRAVE, _ISSUER, "证照状态作了不允许的变更"),
    "status.reason_missing": Meaning(_SERIOUS, _ISSUER, "证照被恢复而无登记的理由"),
    "state.differs": Meaning(_GRAVE, _ISSUER, "行为之后公布的状态与该行为推导的结果不一致"),
    # What was published.
    "catalog.withheld": Meaning(_SERIOUS, _UNCOMPARED, "生效的目录未公布"),
    "catalog.root_differs": Meaning(_SERIOUS, _UNCOMPARED, "公布的目录条目不是生效的目录"),
    "catalog.entry_changed": Meaning(_SERIOUS, _ISSUER, "目录条目在同一版本下被改动"),
    "records.withheld": Meaning(_SERIOUS, _UNCOMPARED, "已上链批次的记录一日内未交付"),
    "records.root_differs": Meaning(_SERIOUS, _UNCOMPARED, "批次的记录推不出机构所签的根"),
    "record.malformed": Meaning(_GRAVE, _CERTIFICATE, "记录不成其为记录或不是规范字节"),
    "record.other_body": Meaning(_GRAVE, _CERTIFICATE, "记录所称机构与批次的机构不同"),
    "record.index_differs": Meaning(_GRAVE, _CERTIFICATE, "记录所在序号与其所称序号不同"),
    "record.category_absent": Meaning(_GRAVE, _CERTIFICATE, "记录的证照类别不在生效的目录中"),
    "record.disobeys_entry": Meaning(_SERIOUS, _CERTIFICATE, "记录违反其目录条目的规则"),
    "certificate.issued_twice": Meaning(_GRAVE, _CERTIFICATE, "同一编号同一版次签发了两次"),
    "certificate.edition_gap": Meaning(_SERIOUS, _CERTIFICATE, "证照所替换的不是其前一版次"),
    "certificate.predecessor_valid": Meaning(_GRAVE, _CERTIFICATE, "证照已被替换而旧证仍然有效"),
    "checkpoint.unusable": Meaning(_SERIOUS, _DATABASE, "检查点不是策略所列见证人签署的文书"),
    "checkpoint.not_on_chain": Meaning(_GRAVE, _WITNESS, "检查点所指的区块不在链上"),
    "checkpoint.cosignature_missing": Meaning(
        _SERIOUS, _DATABASE, "他人持有的见证签名已不在数据库中"
    ),
    "checkpoint.two_at_height": Meaning(_GRAVE, _WITNESS, "同一高度有两个指向不同区块的检查点"),
    # What the ledger keeps.
    "database.row_missing": Meaning(_SERIOUS, _DATABASE, "数据库缺少链上已有事项的行"),
    "database.row_extra": Meaning(_SERIOUS, _DATABASE, "数据库多出链上没有的行"),
    "database.row_changed": Meaning(_SERIOUS, _DATABASE, "数据库某行所述与链上不同"),
    "database.unreadable": Meaning(_SERIOUS, _DATABASE, "数据库某列存有不可能的内容"),
    "database.leaf_differs": Meaning(_SERIOUS, _DATABASE, "保存的叶值或查询行与其记录不符"),
    "database.record_differs": Meaning(_SERIOUS, _DATABASE, "保存的记录不是上链的记录"),
    "database.act_not_on_chain": Meaning(_SERIOUS, _DATABASE, "标为已上链的行为不在链上"),
    "database.proof_differs": Meaning(_SERIOUS, _DATABASE, "保存的状态证明不能通过核验"),
    "receipt.unusable": Meaning(_SERIOUS, _RECEIPT, "回执未由运营方就其所附内容签署"),
    "receipt.unanchored": Meaning(_SERIOUS, _RECEIPT, "对查询人的答复两日内未上链"),
    "receipt.gap": Meaning(_SERIOUS, _RECEIPT, "运营方的编号回执有缺号或被退回"),
    "receipt.broken": Meaning(_SERIOUS, _RECEIPT, "行为未在回执承诺的时间内上链"),
    "receipt.rejected_wrongly": Meaning(_SERIOUS, _RECEIPT, "合约本会接受的行为被拒绝"),
    "document.swapped": Meaning(_GRAVE, _DOCUMENT, "文件不是记录所载的文件"),
    "evidence.differs": Meaning(_SERIOUS, _DOCUMENT, "核验凭据文件所述与链上不同"),
    # Findings without effect.
    "batch.key_lost_resolved": Meaning(_NOTE, _NOTHING, "批次由报失密钥签署, 其证照已全部失效"),
    "status.corrected": Meaning(_NOTE, _NOTHING, "证照经登记官签署后恢复"),
    "issuer.name_in_use": Meaning(_SLIGHT, _NOTHING, "机构以另一机构的名称登记"),
    "issuer.name_alike": Meaning(_SLIGHT, _NOTHING, "两个机构的名称看起来相同"),
    "records.awaited": Meaning(_NOTE, _NOTHING, "批次的记录尚未交付, 未满一日"),
    "anchoring.late": Meaning(_SLIGHT, _NOTHING, "记录上链晚于其条目允许的时限"),
    "database.behind": Meaning(_NOTE, _NOTHING, "数据库尚未跟进到最终区块"),
    "receipt.late": Meaning(_SLIGHT, _NOTHING, "行为晚于回执承诺的时间上链"),
    "receipt.expired": Meaning(_SLIGHT, _NOTHING, "行为在上链前过期或被拒绝"),
    "receipt.unregistered": Meaning(_SLIGHT, _NOTHING, "对查询人有答复, 而运营方无机构将其上链"),
    # What prevented a complete audit.
    "node.unreachable": Meaning(_SERIOUS, _UNEXAMINED, "节点未给出可用的答复"),
    "node.behind": Meaning(_SERIOUS, _UNEXAMINED, "节点未显示已知的最终区块: 落后或隐瞒"),
    "node.history_missing": Meaning(_SERIOUS, _UNEXAMINED, "节点已修剪, 不再给出部署时的事件"),
    "node.proof_missing": Meaning(_SERIOUS, _UNEXAMINED, "节点没有该区块的证明"),
    "node.chain_differs": Meaning(_SERIOUS, _UNEXAMINED, "节点属于另一条链"),
    "deployment.unknown": Meaning(_SERIOUS, _UNEXAMINED, "节点不知道部署交易"),
    "checkpoint.uncosigned": Meaning(_SERIOUS, _UNEXAMINED, "手头没有经足够见证人签署的检查点"),
    "data.missing": Meaning(_SERIOUS, _UNEXAMINED, "未提供可比对的记录或目录"),
    "data.unreachable": Meaning(_SERIOUS, _UNEXAMINED, "公布的数据无法取得"),
    "work.lost": Meaning(_SERIOUS, _UNEXAMINED, "核对批次的进程丢失"),
}
"""The meaning of each code."""

SEVERITY_LABEL: Mapping[Severity, tuple[str, str]] = {
    Severity.GRAVE: ("重大", "grave"),
    Severity.SERIOUS: ("严重", "serious"),
    Severity.SLIGHT: ("轻微", "slight"),
    Severity.NOTE: ("提示", "note"),
}
"""Chinese and English label of each severity."""

CONSEQUENCES: Mapping[Consequence, tuple[str, str]] = {
    Consequence.LEDGER: (
        "在查明之前, 本账本的任何证照都不应依据该节点或该合约认定; "
        "以见证人签署的检查点与独立节点重新核验。",
        "Until this is explained no certificate of this ledger should be relied on by this node or"
        " contract; verify again with checkpoints that witnesses signed and an independent node.",
    ),
    Consequence.ISSUER: (
        "该行为违反规则而已生效。自该区块起, "
        "该机构所涉证照的状态存疑, 应由其登记官裁定后再行认定。",
        "The act took effect against the rules. From that block on the status of the issuer's"
        " certificates is in doubt until its registrar has decided.",
    ),
    Consequence.BATCH: (
        "该批次的证照不应视为已证明, 应请签发机构重新签发或由登记官确认。",
        "Certificates of this batch should not count as proved; ask the issuer to issue them again"
        " or its registrar to confirm them.",
    ),
    Consequence.CERTIFICATE: (
        "所列证照与机构签署的目录或其他版次相矛盾, 在签发机构更正之前不应依据其认定。",
        "The certificates named contradict what their issuer signed elsewhere; do not rely on them"
        " until the issuer has corrected them.",
    ),
    Consequence.UNCOMPARED: (
        "这些证照的内容未能比对。持证人出示的核验凭据仍可自证; 按编号查询则不能作为依据。",
        "The content of these certificates could not be compared. Evidence that a holder shows"
        " still proves itself; a look-up by number proves nothing.",
    ),
    Consequence.WITNESS: (
        "依据这些见证签名作出的结论不能成立, "
        "须以其他见证人签署的检查点重新核验; 保存两份文书作为证据。",
        "No verdict can rest on these cosignatures; verify again with a checkpoint that other"
        " witnesses signed, and keep both notes as evidence.",
    ),
    Consequence.DOCUMENT: (
        "所列文件与签发时的文件不一致, 不应采信; 上链的记录不受影响。",
        "The file named is not the one that was certified and should not be relied on; the record"
        " on the chain is not affected.",
    ),
    Consequence.RECEIPT: (
        "证照本身不受影响。查询人当时得到的答复应以其所持回执为准, 并由运营方说明。",
        "Certificates are not affected. What a caller was told then is shown by the caller's own"
        " receipt; the operator must explain.",
    ),
    Consequence.DATABASE: (
        "证照本身不受影响: 其依据是链与见证人而非运营方的数据库。"
        "该数据库的查询结果在修复之前不应采信。",
        "Certificates are not affected: they rest on the chain and its witnesses, not on the"
        " operator's database. Do not rely on look-ups in it until it is rebuilt.",
    ),
    Consequence.NOTHING: (
        "对证照的效力没有影响。",
        "Nothing follows for the certificates.",
    ),
    Consequence.UNEXAMINED: (
        "该部分未经审查: 对其既不能确认也不能否认。排除障碍后应重新审计。",
        "This part was not examined: nothing is confirmed or denied of it. Remove the obstacle and"
        " audit again.",
    ),
}
"""Chinese and English sentence of each consequence."""

TOUCHING_ALL = frozenset({Consequence.LEDGER, Consequence.WITNESS})
TOUCHING_NONE = frozenset(
    {Consequence.DATABASE, Consequence.RECEIPT, Consequence.NOTHING, Consequence.UNEXAMINED}
)
