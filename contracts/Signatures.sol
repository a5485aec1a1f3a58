// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {ICertificateLedger} from "./ICertificateLedger.sol";
import {MAX_BLOCK} from "./PackedWords.sol";

/// @title Signatures: the ledger's identity, digests of statements, signers and time limits
/// @notice SPEC sections 7 and 12.
/// @dev A rule of a whole act reverts with its error.  A rule that a list applies to its parts, which must not revert, returns
///      the error's selector, zero for none; _refuse makes a revert of it where a whole act is refused.
abstract contract Signatures is ICertificateLedger {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)");
    string private constant NAME = "certledger";
    string private constant VERSION = "1";
    uint256 private constant MIN_CHAIN_TIME = 1_600_000_000;
    uint256 private constant MAX_CHAIN_TIME = 10_000_000_000;
    uint256 private constant MAX_STATEMENT_SECONDS = 7 days;
    uint256 internal constant SIGNATURE_BYTES = 65;

    uint256 private immutable CHAIN_ID;
    bytes32 private immutable SALT;
    /// @inheritdoc ICertificateLedger
    bytes32 public immutable identity;

    /// @dev Refuses what of the chain it can see to be unfit: the formats need Ethereum's hashes and seconds.
    constructor(bytes32 salt) {
        if (block.chainid == 0 || block.number > MAX_BLOCK) revert ChainUnfit();
        if (block.timestamp < MIN_CHAIN_TIME || block.timestamp > MAX_CHAIN_TIME) revert ChainUnfit();
        if (!_hashesAsEthereum()) revert ChainUnfit();
        if (salt == 0) revert SaltMissing();
        CHAIN_ID = block.chainid;
        SALT = salt;
        identity = keccak256(
            abi.encode(
                DOMAIN_TYPE, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), block.chainid, address(this), salt
            )
        );
        emit Created(identity, salt);
    }

    /// @dev An act means nothing on a fork that took another chain id: its statements were not signed for it.
    modifier onOwnChain() {
        if (block.chainid != CHAIN_ID) revert ChainForked();
        _;
    }

    /// @inheritdoc ICertificateLedger
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"1f", NAME, VERSION, CHAIN_ID, address(this), SALT, new uint256[](0));
    }

    /// @dev Reverts with the error whose selector is `reason`; zero is no refusal.
    function _refuse(bytes4 reason) internal pure {
        if (reason != 0) {
            assembly ("memory-safe") {
                mstore(0x00, reason)
                revert(0x00, 0x04)
            }
        }
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(identity, structHash);
    }

    /// @dev Selector of the error for a statement with this `notAfter` in this block, zero for none.
    function _timeRefusal(uint256 notAfter) internal view returns (bytes4) {
        if (notAfter < block.timestamp) return StatementExpired.selector;
        if (notAfter > block.timestamp + MAX_STATEMENT_SECONDS) return StatementTooFar.selector;
        return 0;
    }

    function _requireTimely(uint256 notAfter) internal view {
        _refuse(_timeRefusal(notAfter));
    }

    function _requireCount(bytes calldata signatures, uint256 count) internal pure {
        if (signatures.length != count * SIGNATURE_BYTES) revert SignatureCount();
    }

    /// @dev The account that made signature number `at`.
    function _signer(bytes32 digest, bytes calldata signatures, uint256 at) internal pure returns (address signer) {
        bytes calldata one = signatures[at * SIGNATURE_BYTES:(at + 1) * SIGNATURE_BYTES];
        signer = _recover(digest, uint8(one[64]), bytes32(one[:32]), bytes32(one[32:64]));
        if (signer == address(0)) revert SignatureInvalid();
    }

    /// @dev Zero if the signature is invalid: high s, v other than 27 and 28, or no point.
    function _recover(bytes32 digest, uint8 v, bytes32 r, bytes32 s) internal pure returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest, v, r, s);
    }

    /// @dev Chains of other families answer the same opcodes with other hash functions and curves.  The length is zero in
    ///      every block that has a time, which the compiler does not know: it would else work out the hash itself.
    function _hashesAsEthereum() private view returns (bool) {
        bytes32 empty;
        assembly ("memory-safe") {
            empty := keccak256(0x00, iszero(timestamp()))
        }
        bytes32 digest = 0x18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c;
        bytes32 r = 0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f;
        bytes32 s = 0xeeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549;
        return empty == 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470
            && sha256("") == 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            && ecrecover(digest, 28, r, s) == 0xa94f5374Fce5edBC8E2a8697C15331677e6EbF0B;
    }
}
