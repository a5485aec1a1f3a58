// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    BodyHeld,
    CounterWrong,
    IssuerRegistry,
    SignatureInvalid,
    StandingForbids,
    StateStale
} from "./IssuerRegistry.sol";
import {StatusTree} from "./StatusTree.sol";

/// @notice The batch's first index is not the number of certificates so far.
error FirstWrong();
/// @notice A batch has 1 to 65,536 certificates, and a body at most 2^32.
error BatchCount();
/// @notice The unused bits of a batch's first word are not zero.
error BatchMalformed();
/// @notice No batch of the call was good; `issuer` and `reason` are those of the first refusal.
error NothingAnchored(bytes18 issuer, bytes4 reason);

/// @title What was said: batches of certificates and changes of their status
/// @notice The one contract of a ledger.  No owner, no proxy: every act is a statement signed by those who may say it, and
///         it never matters who carries it.  SPEC sections 7 to 9, 12 and 13.
contract CertificateLedger is IssuerRegistry {
    /// @dev batches: five words each, see SPEC section 12.
    ///      0: sequence 8, first 8, count 4, notAfter 8, key index 1, v 1, zero 2; 1: root; 2: countersignature; 3: r; 4: s
    struct Entry {
        bytes32[] state;
        bytes32[5][] batches;
    }

    struct StatusStatement {
        uint64 epoch;
        uint32[] words;
        uint256[] masks;
        uint8 status;
        bytes3 reason;
        uint64 notAfter;
    }

    event Anchored(bytes18 indexed issuer, bytes32[5] batch);
    /// @notice A batch, or with sequence 0 a body with all its batches, was passed over; nothing of it changed.  A body
    ///         whose state is not current is passed over without a word, since nothing of it was checked.
    event Skipped(bytes18 indexed issuer, uint64 sequence, bytes4 reason);
    event StatusChanged(
        bytes18 indexed issuer,
        uint64 epoch,
        uint32[] words,
        uint256[] masks,
        uint8 status,
        bytes3 reason,
        uint64 notAfter,
        uint8 key,
        bytes signatures
    );

    bytes32 private constant BATCH_TYPE = keccak256(
        "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count,bytes32 catalog,bytes32 countersignature,uint64 notAfter)"
    );
    bytes32 private constant STATUS_TYPE = keccak256(
        "Status(bytes18 issuer,uint64 epoch,uint32[] words,uint256[] masks,uint8 status,bytes3 reason,uint64 notAfter)"
    );

    uint256 private constant MOST_IN_BATCH = 65_536;
    uint256 private constant MOST_CERTIFICATES = 1 << 32;

    constructor(bytes32 salt, FirstRegistrar[] memory first) IssuerRegistry(salt, first) {}

    /// @notice Anchors batches of any number of bodies.  A body whose state has moved, that is held or not active is passed
    ///         over whole, a bad batch singly.  Reverts if nothing was anchored, naming the first refusal (no issuer where
    ///         the state was not current).
    function anchor(Entry[] calldata list) external onOwnChain {
        bytes18 refused;
        bytes4 reason;
        bool anchored;
        for (uint256 i; i < list.length; ++i) {
            (bytes18 issuer, bytes4 why, bool moved) = _anchorBody(list[i]);
            anchored = anchored || moved;
            if (reason == 0) (refused, reason) = (issuer, why);
        }
        if (!anchored) revert NothingAnchored(refused, reason);
    }

    /// @notice Moves certificates to one status.  Signed by a body key; if the registrar signed too, terminal statuses may
    ///         be left, and a held body may speak.
    /// @param proof the words before and the multi-proof of SPEC section 9
    function changeStatus(
        bytes32[] calldata state,
        StatusStatement calldata said,
        uint8 key,
        bytes calldata signatures,
        StatusTree.Proof calldata proof
    ) external onOwnChain {
        (uint256[] memory body, bool held) = _open(state);
        uint256 standing = _standing(body);
        if (standing != ACTIVE && standing != CLOSED) revert StandingForbids();
        if (said.epoch != uint64(body[1] >> 64) + 1) revert CounterWrong();
        _requireTimely(said.notAfter);
        bool countersigned = signatures.length > 65;
        if (held && !countersigned) revert BodyHeld();
        _requireCount(signatures, countersigned ? 2 : 1);
        bytes32 digest = _statusDigest(_issuer(body), said);
        _requireKey(body, key, FOR_STATUS, digest, signatures, 0);
        if (countersigned) _requireRegistrar(_region(body), digest, signatures, 1);
        body[5] = uint256(
            StatusTree.move(
                bytes32(body[5]), uint64(body[1] >> 128), said.words, said.masks, said.status, countersigned, proof
            )
        );
        body[1] += 1 << 64;
        _emitStatus(_issuer(body), said, key, signatures);
        _store(body, held);
    }

    /// @dev Returns the body, the first reason for which something was passed over, and whether anything was anchored.
    function _anchorBody(Entry calldata entry) private returns (bytes18 issuer, bytes4 reason, bool moved) {
        (uint256[] memory body, bool current, bool held) = _read(entry.state, entry.batches.length);
        if (!current) return (0, StateStale.selector, false);
        issuer = _issuer(body);
        if (held) reason = BodyHeld.selector;
        else if (_standing(body) != ACTIVE) reason = StandingForbids.selector;
        if (reason != 0) {
            emit Skipped(issuer, 0, reason);
            return (issuer, reason, false);
        }
        for (uint256 i; i < entry.batches.length; ++i) {
            bytes32[5] calldata batch = entry.batches[i];
            bytes4 why = _append(body, batch);
            if (why == 0) {
                moved = true;
                emit Anchored(issuer, batch);
            } else {
                if (reason == 0) reason = why;
                emit Skipped(issuer, uint64(uint256(batch[0]) >> 192), why);
            }
        }
        if (moved) _store(body, false);
    }

    /// @dev Appends one batch to the state, or returns why not and leaves the state as it was.
    function _append(uint256[] memory body, bytes32[5] calldata batch) private view returns (bytes4) {
        uint256 head = uint256(batch[0]);
        uint256 counters = body[1];
        uint256 issued = uint64(counters >> 128);
        uint256 count = uint32(head >> 96);
        if (uint16(head) != 0) return BatchMalformed.selector;
        if (head >> 192 != (counters >> 192) + 1) return CounterWrong.selector;
        if (uint64(head >> 128) != issued) return FirstWrong.selector;
        if (count == 0 || count > MOST_IN_BATCH || issued + count > MOST_CERTIFICATES) return BatchCount.selector;
        bytes4 reason = _timeRefusal(uint64(head >> 32));
        if (reason != 0) return reason;
        bytes32 digest = _batchDigest(body, batch);
        address signer = _recover(digest, uint8(head >> 16), batch[3], batch[4]);
        if (signer == address(0)) return SignatureInvalid.selector;
        uint256 key = uint8(head >> 24);
        reason = _keyRefusal(body, key, FOR_BATCHES, signer);
        if (reason != 0) return reason;
        bytes32 leaf = sha256(abi.encodePacked(uint8(0), digest, body[3], uint8(key), uint40(block.number)));
        _grow(body, leaf);
        body[1] = counters + (1 << 192) + (count << 128);
        body[4] = uint256(digest);
        return 0;
    }

    /// @dev Adds a leaf to the peaks, which stand at the end of the state.  The array has room for one more word a batch.
    function _grow(uint256[] memory body, bytes32 leaf) private pure {
        uint256 length = body.length;
        for (uint256 size = body[1] >> 192; size & 1 == 1; size >>= 1) {
            leaf = sha256(abi.encodePacked(uint8(1), body[length - 1], leaf));
            --length;
        }
        assembly ("memory-safe") {
            mstore(body, add(length, 1))
            mstore(add(body, shl(5, add(length, 1))), leaf)
        }
    }

    function _batchDigest(uint256[] memory body, bytes32[5] calldata batch) private view returns (bytes32) {
        uint256 head = uint256(batch[0]);
        return _digest(
            keccak256(
                abi.encode(
                    BATCH_TYPE,
                    _issuer(body),
                    head >> 192,
                    body[4],
                    batch[1],
                    uint64(head >> 128),
                    uint32(head >> 96),
                    body[3],
                    batch[2],
                    uint64(head >> 32)
                )
            )
        );
    }

    function _statusDigest(bytes18 issuer, StatusStatement calldata said) private view returns (bytes32) {
        return _digest(
            keccak256(
                abi.encode(
                    STATUS_TYPE,
                    issuer,
                    said.epoch,
                    keccak256(abi.encodePacked(said.words)),
                    keccak256(abi.encodePacked(said.masks)),
                    said.status,
                    said.reason,
                    said.notAfter
                )
            )
        );
    }

    function _emitStatus(bytes18 issuer, StatusStatement calldata said, uint8 key, bytes calldata signatures) private {
        emit StatusChanged(
            issuer, said.epoch, said.words, said.masks, said.status, said.reason, said.notAfter, key, signatures
        );
    }
}
