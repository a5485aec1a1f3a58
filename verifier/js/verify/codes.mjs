/**
 * The codes of checks and warnings: outcome, advice and sentences (SPEC 18.3, tests/vectors/codes.json).
 * @module
 */

/**
 * @typedef {{outcome: string, advice: string, en: string, zh: string}} CodeMeaning `en` is the `detail` of a
 *   result
 */

/**
 * Outcome `pass`, `fail` or `unknown`; advice `refuse`, `retry` or `ask_holder`; a sentence in two languages.
 * @type {Map<string, CodeMeaning>}
 */
export const CODES = new Map(
  [
    ["ok", "pass", "", "passed", "通过"],
    [
      "evidence.unusable",
      "unknown",
      "ask_holder",
      "the file cannot be read as evidence",
      "该文件不是可读的核验凭据",
    ],
    [
      "block.needed",
      "unknown",
      "ask_holder",
      "not judged, because the block is not trusted",
      "区块未获信任，未作判断",
    ],
    [
      "anchor.needed",
      "unknown",
      "ask_holder",
      "not judged, because the anchor is not proved",
      "锚定未获证明，未作判断",
    ],
    [
      "content.field_differs",
      "fail",
      "refuse",
      "a field shown is not what was certified",
      "出示的内容与签发内容不一致",
    ],
    [
      "content.name_differs",
      "fail",
      "refuse",
      "a field is shown under another name",
      "出示的内容与其名称不符",
    ],
    [
      "content.document_differs",
      "fail",
      "refuse",
      "the document is not the one that was certified",
      "文件与签发时的文件不一致",
    ],
    [
      "content.nothing_compared",
      "unknown",
      "ask_holder",
      "neither the document nor all the fields that must be shown were compared",
      "未比对文件，也未出示全部必需的内容",
    ],
    ["content.sm3_unavailable", "unknown", "retry", "this machine cannot compute SM3", "本机不能计算 SM3"],
    [
      "inclusion.path_differs",
      "fail",
      "refuse",
      "the certificate is not in the batch it names",
      "该证照不在其所称的批次中",
    ],
    [
      "inclusion.index_outside",
      "fail",
      "refuse",
      "the certificate's index lies outside its batch",
      "该证照的序号不在其批次范围内",
    ],
    [
      "inclusion.path_unusable",
      "unknown",
      "retry",
      "the path that was fetched does not lead to the batch",
      "取得的路径不能证明该证照在批次中",
    ],
    [
      "anchor.state_differs",
      "fail",
      "refuse",
      "the chain holds another state of the issuer",
      "链上的发证机构状态与此不同",
    ],
    [
      "anchor.other_contract",
      "fail",
      "refuse",
      "the chain holds another contract at this address",
      "链上该地址的合约不是约定的合约",
    ],
    [
      "anchor.body_absent",
      "unknown",
      "ask_holder",
      "the issuer was not registered at this block",
      "截至该区块，发证机构尚未登记",
    ],
    [
      "anchor.name_absent",
      "unknown",
      "ask_holder",
      "the name of the issuer is not at hand here",
      "此处没有发证机构的名称",
    ],
    [
      "anchor.catalog_absent",
      "unknown",
      "ask_holder",
      "the catalog under the batch is not at hand here",
      "此处没有该批次所依据的证照目录",
    ],
    [
      "anchor.batch_pending",
      "unknown",
      "ask_holder",
      "the batch was not anchored at this block",
      "截至该区块，该批次尚未锚定",
    ],
    [
      "anchor.batch_unproved",
      "unknown",
      "ask_holder",
      "the batch is not proved under the issuer's state",
      "批次未能在机构状态下得到证明",
    ],
    [
      "anchor.proof_unusable",
      "unknown",
      "ask_holder",
      "the proof of the issuer's state does not verify",
      "机构状态的证明无法通过验证",
    ],
    [
      "anchor.other_body",
      "unknown",
      "ask_holder",
      "the state belongs to another issuer",
      "所附状态属于另一发证机构",
    ],
    [
      "signature.key_ended",
      "fail",
      "refuse",
      "the signing key had ended when the batch was anchored: ask the issuer to issue again",
      "锚定时签名密钥已失效：请发证机构重新签发",
    ],
    ["signature.purpose", "fail", "refuse", "the signing key may not sign batches", "签名密钥无权签署批次"],
    [
      "signature.damaged",
      "unknown",
      "ask_holder",
      "the signature in the file does not verify",
      "文件中的签名无法通过验证",
    ],
    [
      "signature.signer_differs",
      "unknown",
      "ask_holder",
      "the public key in the file is not the recorded key",
      "文件中的公钥不是登记的密钥",
    ],
    [
      "signature.countersignature_missing",
      "unknown",
      "ask_holder",
      "the policy asks for a countersignature",
      "信任策略要求副署签名",
    ],
    [
      "entitlement.category_absent",
      "fail",
      "refuse",
      "the issuer was never granted this category",
      "发证机构从未获准签发该类证照",
    ],
    [
      "entitlement.holder_kind",
      "fail",
      "refuse",
      "the category is for another kind of holder",
      "该类证照的持证主体类型不符",
    ],
    [
      "entitlement.validity_too_long",
      "fail",
      "refuse",
      "it is valid for longer than its category allows",
      "有效期超过该类证照的上限",
    ],
    [
      "entitlement.fields_missing",
      "fail",
      "refuse",
      "it has fewer fields than its category",
      "内容少于该类证照的规定",
    ],
    [
      "entitlement.entry_unproved",
      "unknown",
      "ask_holder",
      "the category is not proved under the issuer's catalog",
      "该类别未能在机构目录中得到证明",
    ],
    [
      "entitlement.entry_differs",
      "unknown",
      "ask_holder",
      "the catalog entry is of another category or version",
      "所附目录条目属于其他类别或版本",
    ],
    [
      "block.other_ledger",
      "unknown",
      "ask_holder",
      "the policy does not know this ledger",
      "信任策略中没有该账本",
    ],
    [
      "block.untrusted",
      "unknown",
      "ask_holder",
      "nothing the policy trusts speaks for this block",
      "没有受信方为该区块作证",
    ],
    [
      "block.witnesses_too_few",
      "unknown",
      "ask_holder",
      "too few operators have witnessed this block",
      "见证该区块的机构数量不足",
    ],
    [
      "block.clock",
      "unknown",
      "ask_holder",
      "the witnesses' time and the block's time do not fit",
      "见证时间与区块时间不符",
    ],
    ["block.not_final", "unknown", "retry", "the block is not final yet", "该区块尚未最终确定"],
    [
      "block.differs",
      "unknown",
      "ask_holder",
      "the node knows another block of this number",
      "节点上该高度是另一个区块",
    ],
    ["block.node_unreachable", "unknown", "retry", "the node could not be reached", "无法连接节点"],
    [
      "policy.ended",
      "unknown",
      "retry",
      "the trust policy has ended: fetch the new one",
      "信任策略已到期：请更新",
    ],
    [
      "checkpoint.unusable",
      "unknown",
      "ask_holder",
      "the checkpoint is damaged or signed by a stranger",
      "检查点损坏或由未知方签署",
    ],
    [
      "freshness.stale",
      "fail",
      "ask_holder",
      "the status shown is older than this category allows: ask for fresh evidence",
      "状态数据超过该类证照允许的时限：请出示新的凭据",
    ],
    [
      "freshness.overtaken",
      "unknown",
      "ask_holder",
      "the issuer's state has changed since, and the new one is not at hand: ask for fresh evidence",
      "此后发证机构的状态已有变化，而新的状态不在手边：请出示新的凭据",
    ],
    [
      "freshness.future",
      "unknown",
      "ask_holder",
      "the evidence is from the future: check this clock",
      "凭据时间晚于本机时间：请检查时钟",
    ],
    ["status.revoked", "fail", "refuse", "it has been revoked", "已注销"],
    ["status.superseded", "fail", "ask_holder", "it has been replaced by a newer one", "已换发新证"],
    ["status.suspended", "fail", "refuse", "it is suspended", "已暂停使用"],
    ["status.body_suspended", "fail", "refuse", "the issuer is suspended", "发证机构已被暂停"],
    ["status.body_struck", "fail", "refuse", "the issuer has been struck off", "发证机构已被除名"],
    [
      "status.unproved",
      "unknown",
      "ask_holder",
      "the status is not proved under the issuer's state",
      "状态未能在机构状态下得到证明",
    ],
    ["dates.expired", "fail", "refuse", "it has expired", "已过期"],
    ["dates.not_yet", "fail", "refuse", "it is not valid yet", "尚未生效"],
    [
      "holder.presentation_missing",
      "unknown",
      "ask_holder",
      "the holder has to present it, signed with the holder's key",
      "须由持证人当场签名出示",
    ],
    [
      "holder.presentation_unusable",
      "unknown",
      "ask_holder",
      "the presentation is not signed by the holder's key",
      "出示签名不是持证人的密钥所签",
    ],
    [
      "holder.other_audience",
      "unknown",
      "ask_holder",
      "it was presented to another counter",
      "该出示是给另一窗口的",
    ],
    [
      "holder.other_nonce",
      "unknown",
      "ask_holder",
      "it does not answer this counter's question",
      "该出示不是对本次核验的回应",
    ],
    [
      "holder.presentation_old",
      "unknown",
      "ask_holder",
      "it was presented too long ago, or in the future",
      "出示时间过久或晚于当前时间",
    ],
    [
      "holder.replayed",
      "unknown",
      "ask_holder",
      "this presentation has been used already",
      "该出示已被使用过",
    ],
  ].map(([code, outcome, advice, en, zh]) => [code, { outcome, advice, en, zh }]),
);

/** The sentence of each warning. */
export const WARNINGS = new Map([
  [
    "anchoring.late",
    { en: "it was anchored later after its issue than its category asks", zh: "锚定时间晚于该类证照的规定" },
  ],
  [
    "ledger.retired",
    {
      en: "the ledger has ended: this is as of its final checkpoint, and nothing changes there later",
      zh: "该账本已停用：结论截至其最终检查点，此后不再变更",
    },
  ],
  [
    "node.adds_nothing",
    {
      en: "the node that was named told nothing newer than the evidence",
      zh: "指定的节点没有给出更新的信息",
    },
  ],
]);

/** Outcome of a code: `pass`, `fail` or `unknown`. @param {string} code @returns {string} */
export const outcomeOf = (code) => CODES.get(code)?.outcome ?? "unknown";
