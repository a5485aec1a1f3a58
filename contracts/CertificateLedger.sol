// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICertificateLedger} from "./ICertificateLedger.sol";
import {IssuerRegistry} from "./IssuerRegistry.sol";
import {ACTIVE, BatchHead, CLOSED, IssuerState} from "./PackedWords.sol";
import {Registrars} from "./Registrars.sol";
import {Signatures} from "./Signatures.sol";
import {StatusTree} from "./StatusTree.sol";

/// @title Batches of certificates and changes of their status
/// @notice The one contract of a ledger.  No owner, no proxy: every act is a statement signed by those who may make it, and
///         it never matters who carries it.  SPEC sections 7 to 9, 12 and 13.
contract CertificateLedger is IssuerRegistry {
    using IssuerState for uint256[];

    bytes32 private constant BATCH_TYPE = keccak256(
        "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count,bytes32 catalog,bytes32 countersignature,uint64 notAfter)"
    );
    bytes32 private constant STATUS_TYPE = keccak256(
        "Status(bytes18 issuer,uint64 epoch,uint32[] words,uint256[] masks,uint8 status,bytes3 reason,uint64 notAfter)"
    );

    uint256 private constant MAX_BATCH_CERTIFICATES = 65_536;
    uint256 private constant MAX_CERTIFICATES = 2 ** 32;

    constructor(bytes32 salt, FirstRegistrar[] memory first) Signatures(salt) Registrars(first) {}

    /// @inheritdoc ICertificateLedger
    function anchor(Entry[] calldata list) external onOwnChain {
        bytes18 refused;
        bytes4 reason;
        bool anchored;
        for (uint256 i; i < list.length; ++i) {
            (bytes18 code, bytes4 why, bool moved) = _anchorEntry(list[i]);
            anchored = anchored || moved;
            if (reason == 0 && why != 0) (refused, reason) = (code, why);
        }
        if (!anchored) revert NothingAnchored(refused, reason);
    }

    /// @inheritdoc ICertificateLedger
    function changeStatus(
        bytes32[] calldata state,
        StatusStatement calldata statement,
        uint8 key,
        bytes calldata signatures,
        StatusProof calldata proof
    ) external onOwnChain {
        (uint256[] memory issuer, bool onHold) = _open(state);
        uint256 standing = issuer.standing();
        if (standing != ACTIVE && standing != CLOSED) revert StandingForbids();
        if (statement.epoch != issuer.epoch() + 1) revert CounterWrong();
        _requireTimely(statement.notAfter);
        bool countersigned = signatures.length > SIGNATURE_BYTES;
        if (onHold && !countersigned) revert BodyHeld();
        _requireCount(signatures, countersigned ? 2 : 1);
        bytes32 digest = _statusDigest(issuer.code(), statement);
        _requireKey(issuer, key, FOR_STATUS, digest, signatures, 0);
        if (countersigned) _requireRegistrar(issuer.region(), digest, signatures, 1);
        issuer.setStatusRoot(
            StatusTree.move(
                issuer.statusRoot(),
                issuer.certificates(),
                statement.words,
                statement.masks,
                statement.status,
                countersigned,
                proof
            )
        );
        _emitStatus(issuer.code(), statement, key, signatures);
        _store(issuer, onHold);
    }

    /// @dev Returns the issuer, the first reason for which something was passed over, and whether a batch was appended.
    function _anchorEntry(Entry calldata entry) private returns (bytes18 code, bytes4 reason, bool moved) {
        (uint256[] memory issuer, bool current, bool onHold) = _read(entry.state, entry.batches.length);
        if (!current) return (0, StateStale.selector, false);
        code = issuer.code();
        if (onHold) reason = BodyHeld.selector;
        else if (issuer.standing() != ACTIVE) reason = StandingForbids.selector;
        if (reason != 0) {
            emit Skipped(code, 0, reason);
            return (code, reason, false);
        }
        for (uint256 i; i < entry.batches.length; ++i) {
            bytes32[5] calldata batch = entry.batches[i];
            bytes4 why = _append(issuer, batch);
            if (why == 0) {
                moved = true;
                emit Anchored(code, batch);
            } else {
                if (reason == 0) reason = why;
                emit Skipped(code, uint64(_head(batch).sequence()), why);
            }
        }
        if (moved) _store(issuer, false);
    }

    /// @dev Appends one batch to the state, or returns why not and leaves the state as it was.
    function _append(uint256[] memory issuer, bytes32[5] calldata batch) private view returns (bytes4) {
        BatchHead head = _head(batch);
        uint256 count = head.count();
        if (head.unused() != 0) return BatchMalformed.selector;
        if (head.sequence() != issuer.batches() + 1) return CounterWrong.selector;
        if (head.first() != issuer.certificates()) return FirstWrong.selector;
        if (count == 0 || count > MAX_BATCH_CERTIFICATES) return BatchCount.selector;
        if (issuer.certificates() + count > MAX_CERTIFICATES) return BatchCount.selector;
        bytes4 reason = _timeRefusal(head.notAfter());
        if (reason != 0) return reason;
        bytes32 digest = _batchDigest(issuer, batch);
        address signer = _recover(digest, head.v(), batch[3], batch[4]);
        if (signer == address(0)) return SignatureInvalid.selector;
        reason = _keyRefusal(issuer, head.key(), FOR_BATCHES, signer);
        if (reason != 0) return reason;
        bytes32 leaf =
            sha256(abi.encodePacked(uint8(0), digest, issuer.catalog(), uint8(head.key()), uint40(block.number)));
        issuer.addBatch(count, digest, leaf);
        return 0;
    }

    function _head(bytes32[5] calldata batch) private pure returns (BatchHead) {
        return BatchHead.wrap(uint256(batch[0]));
    }

    function _batchDigest(uint256[] memory issuer, bytes32[5] calldata batch) private view returns (bytes32) {
        BatchHead head = _head(batch);
        return _digest(
            keccak256(
                abi.encode(
                    BATCH_TYPE,
                    issuer.code(),
                    head.sequence(),
                    issuer.lastBatch(),
                    batch[1],
                    head.first(),
                    head.count(),
                    issuer.catalog(),
                    batch[2],
                    head.notAfter()
                )
            )
        );
    }

    function _statusDigest(bytes18 code, StatusStatement calldata statement) private view returns (bytes32) {
        return _digest(
            keccak256(
                abi.encode(
                    STATUS_TYPE,
                    code,
                    statement.epoch,
                    keccak256(abi.encodePacked(statement.words)),
                    keccak256(abi.encodePacked(statement.masks)),
                    statement.status,
                    statement.reason,
                    statement.notAfter
                )
            )
        );
    }

    function _emitStatus(bytes18 code, StatusStatement calldata statement, uint8 key, bytes calldata signatures)
        private
    {
        emit StatusChanged(
            code,
            statement.epoch,
            statement.words,
            statement.masks,
            statement.status,
            statement.reason,
            statement.notAfter,
            key,
            signatures
        );
    }
}
