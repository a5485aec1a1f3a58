"""Codes of the checks with their sentences for laypeople (SPEC section 18.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from certledger.verifier.vocabulary import Advice, CheckName, Outcome, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """One result of a check.  `en` and `zh` are sentences for people."""

    check: CheckName | None
    outcome: Outcome
    en: str
    zh: str
    advice: Advice | None = None


def _fail(check: CheckName, en: str, zh: str, advice: Advice = Advice.REFUSE) -> Code:
    return Code(check=check, outcome=Outcome.FAIL, en=en, zh=zh, advice=advice)


def _unknown(check: CheckName | None, en: str, zh: str, advice: Advice = Advice.ASK_HOLDER) -> Code:
    return Code(check=check, outcome=Outcome.UNKNOWN, en=en, zh=zh, advice=advice)


_C, _I, _A, _S, _E, _B, _F, _T, _D, _H = CheckName

CODES: Mapping[str, Code] = {
    "ok": Code(check=None, outcome=Outcome.PASS, en="passed", zh="通过"),
    # Of the file as a whole, and of checks that could not run
    "evidence.unusable": _unknown(
        None, "the file cannot be read as evidence", "该文件不是可读的核验凭据"
    ),
    "block.needed": _unknown(
        None, "not judged, because the block is not trusted", "区块未获信任，未作判断"
    ),
    "anchor.needed": _unknown(
        None, "not judged, because the anchor is not proved", "锚定未获证明，未作判断"
    ),
    # 1 content
    "content.field_differs": _fail(
        _C, "a field shown is not what was certified", "出示的内容与签发内容不一致"
    ),
    "content.name_differs": _fail(
        _C, "a field is shown under another name", "出示的内容与其名称不符"
    ),
    "content.document_differs": _fail(
        _C, "the document is not the one that was certified", "文件与签发时的文件不一致"
    ),
    "content.nothing_compared": _unknown(
        _C,
        "neither the document nor all the fields that must be shown were compared",
        "未比对文件，也未出示全部必需的内容",
    ),
    "content.sm3_unavailable": _unknown(
        _C, "this machine cannot compute SM3", "本机不能计算 SM3", Advice.RETRY
    ),
    # 2 inclusion
    "inclusion.path_differs": _fail(
        _I, "the certificate is not in the batch it names", "该证照不在其所称的批次中"
    ),
    "inclusion.index_outside": _fail(
        _I, "the certificate's index lies outside its batch", "该证照的序号不在其批次范围内"
    ),
    "inclusion.path_unusable": _unknown(
        _I,
        "the path that was fetched does not lead to the batch",
        "取得的路径不能证明该证照在批次中",
        Advice.RETRY,
    ),
    # 3 anchor
    "anchor.state_differs": _fail(
        _A, "the chain holds another state of the issuer", "链上的发证机构状态与此不同"
    ),
    "anchor.other_contract": _fail(
        _A, "the chain holds another contract at this address", "链上该地址的合约不是约定的合约"
    ),
    "anchor.body_absent": _unknown(
        _A, "the issuer was not registered at this block", "截至该区块，发证机构尚未登记"
    ),
    "anchor.name_absent": _unknown(
        _A, "the name of the issuer is not at hand here", "此处没有发证机构的名称"
    ),
    "anchor.catalog_absent": _unknown(
        _A, "the catalog under the batch is not at hand here", "此处没有该批次所依据的证照目录"
    ),
    "anchor.batch_pending": _unknown(
        _A, "the batch was not anchored at this block", "截至该区块，该批次尚未锚定"
    ),
    "anchor.batch_unproved": _unknown(
        _A, "the batch is not proved under the issuer's state", "批次未能在机构状态下得到证明"
    ),
    "anchor.proof_unusable": _unknown(
        _A, "the proof of the issuer's state does not verify", "机构状态的证明无法通过验证"
    ),
    "anchor.other_body": _unknown(
        _A, "the state belongs to another issuer", "所附状态属于另一发证机构"
    ),
    # 4 signature
    "signature.key_ended": _fail(
        _S,
        "the signing key had ended when the batch was anchored: ask the issuer to issue again",
        "锚定时签名密钥已失效：请发证机构重新签发",
    ),
    "signature.purpose": _fail(_S, "the signing key may not sign batches", "签名密钥无权签署批次"),
    "signature.damaged": _unknown(
        _S, "the signature in the file does not verify", "文件中的签名无法通过验证"
    ),
    "signature.signer_differs": _unknown(
        _S, "the public key in the file is not the recorded key", "文件中的公钥不是登记的密钥"
    ),
    "signature.countersignature_missing": _unknown(
        _S, "the policy asks for a countersignature", "信任策略要求副署签名"
    ),
    # 5 entitlement
    "entitlement.category_absent": _fail(
        _E, "the issuer was never granted this category", "发证机构从未获准签发该类证照"
    ),
    "entitlement.holder_kind": _fail(
        _E, "the category is for another kind of holder", "该类证照的持证主体类型不符"
    ),
    "entitlement.validity_too_long": _fail(
        _E, "it is valid for longer than its category allows", "有效期超过该类证照的上限"
    ),
    "entitlement.fields_missing": _fail(
        _E, "it has fewer fields than its category", "内容少于该类证照的规定"
    ),
    "entitlement.entry_unproved": _unknown(
        _E,
        "the category is not proved under the issuer's catalog",
        "该类别未能在机构目录中得到证明",
    ),
    "entitlement.entry_differs": _unknown(
        _E, "the catalog entry is of another category or version", "所附目录条目属于其他类别或版本"
    ),
    # 6 block
    "block.other_ledger": _unknown(
        _B, "the policy does not know this ledger", "信任策略中没有该账本"
    ),
    "block.untrusted": _unknown(
        _B, "nothing the policy trusts speaks for this block", "没有受信方为该区块作证"
    ),
    "block.witnesses_too_few": _unknown(
        _B, "too few operators have witnessed this block", "见证该区块的机构数量不足"
    ),
    "block.clock": _unknown(
        _B, "the witnesses' time and the block's time do not fit", "见证时间与区块时间不符"
    ),
    "block.not_final": _unknown(
        _B, "the block is not final yet", "该区块尚未最终确定", Advice.RETRY
    ),
    "block.differs": _unknown(
        _B, "the node knows another block of this number", "节点上该高度是另一个区块"
    ),
    "block.node_unreachable": _unknown(
        _B, "the node could not be reached", "无法连接节点", Advice.RETRY
    ),
    "policy.ended": _unknown(
        _B, "the trust policy has ended: fetch the new one", "信任策略已到期：请更新", Advice.RETRY
    ),
    "checkpoint.unusable": _unknown(
        _B, "the checkpoint is damaged or signed by a stranger", "检查点损坏或由未知方签署"
    ),
    # 7 freshness
    "freshness.stale": _fail(
        _F,
        "the status shown is older than this category allows: ask for fresh evidence",
        "状态数据超过该类证照允许的时限：请出示新的凭据",
        Advice.ASK_HOLDER,
    ),
    "freshness.overtaken": _unknown(
        _F,
        "the issuer's state has changed since, and the new one is not at hand: ask for"
        " fresh evidence",
        "此后发证机构的状态已有变化，而新的状态不在手边：请出示新的凭据",
    ),
    "freshness.future": _unknown(
        _F, "the evidence is from the future: check this clock", "凭据时间晚于本机时间：请检查时钟"
    ),
    # 8 status
    "status.revoked": _fail(_T, "it has been revoked", "已注销"),
    "status.superseded": _fail(
        _T, "it has been replaced by a newer one", "已换发新证", Advice.ASK_HOLDER
    ),
    "status.suspended": _fail(_T, "it is suspended", "已暂停使用"),
    "status.body_suspended": _fail(_T, "the issuer is suspended", "发证机构已被暂停"),
    "status.body_struck": _fail(_T, "the issuer has been struck off", "发证机构已被除名"),
    "status.unproved": _unknown(
        _T, "the status is not proved under the issuer's state", "状态未能在机构状态下得到证明"
    ),
    # 9 dates
    "dates.expired": _fail(_D, "it has expired", "已过期"),
    "dates.not_yet": _fail(_D, "it is not valid yet", "尚未生效"),
    # 10 holder
    "holder.presentation_missing": _unknown(
        _H, "the holder has to present it, signed with the holder's key", "须由持证人当场签名出示"
    ),
    "holder.presentation_unusable": _unknown(
        _H, "the presentation is not signed by the holder's key", "出示签名不是持证人的密钥所签"
    ),
    "holder.other_audience": _unknown(
        _H, "it was presented to another counter", "该出示是给另一窗口的"
    ),
    "holder.other_nonce": _unknown(
        _H, "it does not answer this counter's question", "该出示不是对本次核验的回应"
    ),
    "holder.presentation_old": _unknown(
        _H, "it was presented too long ago, or in the future", "出示时间过久或晚于当前时间"
    ),
    "holder.replayed": _unknown(_H, "this presentation has been used already", "该出示已被使用过"),
}

WARNINGS: Mapping[str, tuple[str, str]] = {
    "anchoring.late": (
        "it was anchored later after its issue than its category asks",
        "锚定时间晚于该类证照的规定",
    ),
    "ledger.retired": (
        "the ledger has ended: this is as of its final checkpoint, and nothing changes there later",
        "该账本已停用：结论截至其最终检查点，此后不再变更",
    ),
    "node.adds_nothing": (
        "the node that was named told nothing newer than the evidence",
        "指定的节点没有给出更新的信息",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Banner:
    """Display of a verdict: a mark (for colour-blind readers), a colour, and words."""

    mark: str
    colour: str
    en: str
    zh: str


BANNERS: Mapping[Verdict, Banner] = {
    Verdict.VALID: Banner(mark="✔", colour="green", en="Genuine and in force", zh="真实，有效"),
    Verdict.NOT_IN_FORCE: Banner(
        mark="■", colour="yellow", en="Genuine, but not in force", zh="真实，但已失效"
    ),
    Verdict.NOT_GENUINE: Banner(mark="✖", colour="red", en="Not genuine", zh="不真实"),
    Verdict.CANNOT_TELL: Banner(
        mark="?", colour="blue", en="Cannot tell at present", zh="暂时无法判断"
    ),
}

_ENDED: Mapping[str, tuple[str, str]] = {
    "status.revoked": ("Genuine, but revoked", "真实，但已注销"),
    "status.superseded": ("Genuine, but replaced by a newer one", "真实，但已换发新证"),
    "status.suspended": ("Genuine, but suspended", "真实，但已暂停"),
    "dates.expired": ("Genuine, but expired", "真实，但已过期"),
    "dates.not_yet": ("Genuine, but not valid yet", "真实，但尚未生效"),
}
"""The words of a banner that names why a certificate is not in force, in English and Chinese."""
BANNERS_BY_CODE: Mapping[str, Banner] = {
    code: replace(BANNERS[Verdict.NOT_IN_FORCE], en=en, zh=zh) for code, (en, zh) in _ENDED.items()
}


def banner_of(verdict: Verdict, codes: Iterable[str]) -> Banner:
    """Return the banner of a result with these codes: what a clerk reads first, and aloud."""
    if verdict is Verdict.NOT_IN_FORCE:
        for code in codes:
            if code in BANNERS_BY_CODE:
                return BANNERS_BY_CODE[code]
    return BANNERS[verdict]


ADVICE: Mapping[Advice, tuple[str, str]] = {
    Advice.REFUSE: ("do not accept it; ask the issuer", "请勿采信，可向发证机构查询"),
    Advice.RETRY: ("try again; do not refuse because of this", "请重试；请勿据此拒收"),
    Advice.ASK_HOLDER: (
        "ask the holder for fresh or complete evidence",
        "请持证人出示新的或完整的凭据",
    ),
}
