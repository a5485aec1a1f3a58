// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICertificateLedger} from "./ICertificateLedger.sol";

/// @title The list of statuses of one issuer: two bits a certificate under a Merkle root
/// @notice Moves chosen certificates to one status and follows the root.  SPEC section 9.
/// @dev Cells: 0 valid, 1 revoked, 2 suspended, 3 superseded, so a terminal status is one with its low bit set.
library StatusTree {
    uint256 internal constant LEVELS = 25;
    uint256 internal constant MAX_WORDS = 512;
    bytes32 internal constant EMPTY_ROOT = 0x0abf5ac974a1ed57f4050aa510dd9c74f508277b39d7973bb2dfccc5eeb0618d;

    uint256 private constant LOW_BITS = type(uint256).max / 3; // the low bit of each of the 128 cells
    uint256 private constant NODE = 96; // a node in memory: position, hash before, hash after

    /// @notice Returns the root after the cells in `masks` became `status`.
    /// @param root the root before, which `proof` must lead to
    /// @param issued number of certificates of the issuer
    /// @param anyStep true if the registrar signed too, so that terminal statuses may be left
    function move(
        bytes32 root,
        uint256 issued,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint256 status,
        bool anyStep,
        ICertificateLedger.StatusProof calldata proof
    ) internal pure returns (bytes32) {
        if (words.length == 0 || words.length > MAX_WORDS) revert ICertificateLedger.StatusSize();
        if (masks.length != words.length || proof.words.length != words.length) revert ICertificateLedger.StatusSize();
        if (status > 3) revert ICertificateLedger.StatusUnknown();
        uint256 nodes = _leaves(issued, words, masks, status, anyStep, proof.words);
        (bytes32 before, bytes32 later) = _climb(nodes, words.length, proof.marks, proof.siblings);
        if (before != root) revert ICertificateLedger.StatusProofRoot();
        return later;
    }

    /// @dev Checks every word and writes its node; returns where in memory the nodes are.
    function _leaves(
        uint256 issued,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint256 status,
        bool anyStep,
        bytes32[] calldata olds
    ) private pure returns (uint256 nodes) {
        uint256 count = words.length;
        uint256 target = status * LOW_BITS;
        uint256 terminal = anyStep ? 0 : LOW_BITS;
        uint256 least; // position that the next word may have
        assembly ("memory-safe") {
            nodes := mload(0x40)
            mstore(0x40, add(nodes, mul(count, NODE)))
        }
        unchecked {
            for (uint256 i; i < count; ++i) {
                uint256 word;
                uint256 mask;
                uint256 old;
                assembly ("memory-safe") {
                    let at := shl(5, i)
                    word := calldataload(add(words.offset, at))
                    mask := calldataload(add(masks.offset, at))
                    old := calldataload(add(olds.offset, at))
                }
                if (word < least || word >> LEVELS != 0) revert ICertificateLedger.StatusOrder();
                least = word + 1;
                uint256 chosen = mask & LOW_BITS;
                if (mask == 0 || chosen * 3 != mask) revert ICertificateLedger.StatusMask();
                if (least << 7 > issued) _checkIssued(word << 7, mask, issued);
                if (old & chosen & terminal != 0) revert ICertificateLedger.StatusTerminal();
                uint256 change = (old ^ target) & mask;
                if ((change | change >> 1) & chosen != chosen) revert ICertificateLedger.StatusUnchanged();
                assembly ("memory-safe") {
                    let node := add(nodes, mul(i, NODE))
                    mstore(node, word)
                    mstore(add(node, 32), old)
                    mstore(add(node, 64), xor(old, change))
                }
            }
        }
    }

    /// @dev `start` is the index of the word's first certificate; some of the word's cells lie beyond `issued`.
    function _checkIssued(uint256 start, uint256 mask, uint256 issued) private pure {
        if (start >= issued || mask >> (2 * (issued - start)) != 0) revert ICertificateLedger.StatusNotIssued();
    }

    /// @dev Walks up all levels at once, before and after together.  Each level overwrites the one below, which is
    ///      safe because it is never longer.
    function _climb(uint256 nodes, uint256 count, bytes calldata marks, bytes32[] calldata siblings)
        private
        pure
        returns (bytes32 before, bytes32 later)
    {
        bool bad;
        assembly ("memory-safe") {
            let marked := 0 // bits of marks read
            let next := siblings.offset
            let none := 0 // the default of this level
            let end := add(nodes, mul(count, NODE))
            for { let level := 0 } lt(level, LEVELS) { level := add(level, 1) } {
                let parent := nodes
                for { let node := nodes } lt(node, end) {} {
                    let position := mload(node)
                    let old := mload(add(node, 32))
                    let changed := mload(add(node, 64))
                    node := add(node, NODE)
                    switch and(iszero(and(position, 1)), and(lt(node, end), eq(mload(node), add(position, 1))))
                    case 1 {
                        mstore(0x00, old)
                        mstore(0x20, mload(add(node, 32)))
                        old := keccak256(0x00, 0x40)
                        mstore(0x00, changed)
                        mstore(0x20, mload(add(node, 64)))
                        changed := keccak256(0x00, 0x40)
                        node := add(node, NODE)
                    }
                    default {
                        let sibling := none
                        let listed := and(shr(and(marked, 7), byte(0, calldataload(add(marks.offset, shr(3, marked))))), 1)
                        marked := add(marked, 1)
                        if listed {
                            sibling := calldataload(next)
                            next := add(next, 32)
                            bad := or(bad, eq(sibling, none))
                        }
                        let side := shl(5, and(position, 1)) // the place of this node in the pair
                        mstore(sub(0x20, side), sibling)
                        mstore(side, old)
                        old := keccak256(0x00, 0x40)
                        mstore(side, changed)
                        changed := keccak256(0x00, 0x40)
                    }
                    mstore(parent, shr(1, position))
                    mstore(add(parent, 32), old)
                    mstore(add(parent, 64), changed)
                    parent := add(parent, NODE)
                }
                end := parent
                mstore(0x00, none)
                mstore(0x20, none)
                none := keccak256(0x00, 0x40)
            }
            // Every sibling and every mark is used up, and the spare bits of the last byte of marks are zero.
            bad := or(bad, iszero(eq(next, add(siblings.offset, shl(5, siblings.length)))))
            bad := or(bad, iszero(eq(marks.length, shr(3, add(marked, 7)))))
            if and(marked, 7) {
                let last := byte(0, calldataload(add(marks.offset, shr(3, marked))))
                bad := or(bad, iszero(iszero(shr(and(marked, 7), last))))
            }
            before := mload(add(nodes, 32))
            later := mload(add(nodes, 64))
        }
        if (bad) revert ICertificateLedger.StatusProofShape();
    }
}
