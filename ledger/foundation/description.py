"""What a founding says, in Chinese and English, for its signers."""

from __future__ import annotations

from collections.abc import Iterator

from certledger.ledger.foundation.document import UNDEPLOYED, SignedFounding
from certledger.ledger.foundation.part import RegionPart, SignedPart
from certledger.verifier.cli.output import plain
from certledger.verifier.cli.policy_text import describe_policy, line
from certledger.verifier.console import bilingual
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.regions import region_named


def describe_part(signed: SignedPart) -> Iterator[str]:
    """Yield the lines of one party's part."""
    part = signed.part
    if not isinstance(part, RegionPart):
        yield line("运营方", "Operator", plain(part.name))
        yield f"  {line('账户', 'account', f'0x{part.address.hex()}')}"
        yield f"  {line('服务地址', 'service', plain(part.url))}"
        yield f"  {line('链', 'chain', part.chain_id)}"
        yield f"  {line('创世区块', 'genesis', f'0x{part.genesis.hex()}')}"
        kind = ("自带的链", "its own embedded chain") if part.embedded else ("以太坊", "Ethereum")
        yield f"  {line('链的种类', 'kind of chain', bilingual(*kind))}"
        return
    region = region_named(part.region)
    yield line("地区", "Region", f"{part.region:02} {bilingual(region.zh, region.en)}")
    yield f"  {line('机构名', 'operator name', plain(part.operator))}"
    if part.registrar is not None:
        yield f"  {line('登记机关账户', 'registrar', f'0x{part.registrar.hex()}')}"
    if part.recovery is not None:
        yield f"  {line('备用账户', 'recovery account', f'0x{part.recovery.hex()}')}"
    if part.root is not None:
        yield f"  {line('根密钥', 'root key', part.root.key.hex())}"
        if part.root.replaces is not None:
            yield f"    {line('取代', 'replaces', part.root.replaces.hex())}"
    if part.witness is not None:
        yield f"  {line('见证人', 'witness', plain(part.witness.name))}"
        yield f"    {line('密钥', 'key', part.witness.key.hex())}"
        yield f"    {line('地址', 'address', plain(part.witness.url))}"
        if part.witness.replaces is not None:
            yield f"    {line('取代', 'replaces', plain(part.witness.replaces))}"


def describe_founding(signed: SignedFounding) -> Iterator[str]:
    """Yield the lines of a founding document, and who has signed it."""
    founding = signed.founding
    yield line("账本", "Ledger", plain(founding.name))
    yield line("文件摘要", "Digest of the document", founding.words)
    yield f"  {founding.digest.hex()}"
    yield from describe_part(founding.operator)
    for one in founding.regions:
        yield from describe_part(one)
        region = one.part.region if isinstance(one.part, RegionPart) else 0
        state = ("已签", "has signed") if region in signed.signatures else ("未签", "not signed")
        yield f"  {bilingual(*state)}"
    yield bilingual("第一版信任策略（账本部署后补入其地址）", "The first trust policy (the ledger's"
                    " address follows once it is deployed)") + ":"  # fmt: skip
    policy = founding.policy(UNDEPLOYED)
    for one_line in describe_policy(SignedPolicy(policy=policy, signatures={}), ledgers=False):
        yield f"  {one_line}"
