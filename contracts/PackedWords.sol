// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {StatusTree} from "./StatusTree.sol";

// The layout of every packed word, most significant bytes first (SPEC sections 8, 12 and 13).  A number behind a member is its
// size in bytes, a number in brackets the shift that brings it to the low end.  Only the libraries of this file shift and mask.
//
//   Issuer's state, an array of words:
//     0     code 18 (112), region 2 (96), kind 1 (88), standing 1 (80), since block 5 (40), catalog version 4 (8), zero 1
//     1     batches 8 (192), certificates 8 (128), epoch 8 (64), revision 4 (32), zero 4
//     2     SHA-256 of the name
//     3     root of the catalog
//     4     digest of the last batch statement
//     5     status root
//     6 ..  key words, 1 to 16
//     then  peaks of the tree of batches: one for each one-bit of `batches`, the greatest first
//   Key word              account 20 (96), purposes 1 (88), from block 5 (48), end block 5 (8), zero 1
//   Given key, bytes21    account 20, purposes 1
//   Key end, bytes6       key index 1 (40), block 5
//   Listed end, bytes8    place in a list of issuers 2 (48), key index 1 (40), block 5
//   Batch head            sequence 8 (192), first 8 (128), count 4 (96), notAfter 8 (32), key index 1 (24), v 1 (16), zero 2
//   Issuer's slot         digest of the state, with the hold bit in place of its lowest bit
//   Roll                  hash chain 28 (32), number of issuers 4

/// @dev Greatest number of a block, since packed words have 5 bytes for one; as the end of a key it means none.
uint256 constant MAX_BLOCK = type(uint40).max;

// Standings
uint256 constant ACTIVE = 1;
uint256 constant SUSPENDED = 2;
uint256 constant CLOSED = 3;
uint256 constant STRUCK = 4;

type KeyWord is uint256;

type BatchHead is uint256;

using KeyWords for KeyWord global;
using BatchHeads for BatchHead global;

/// @title The state of an issuer in memory
/// @dev The free word in front of the array is for the head of the event's data, see Issuers._store.
library IssuerState {
    uint256 internal constant HEAD_WORDS = 6;

    // Members

    function code(uint256[] memory issuer) internal pure returns (bytes18) {
        return bytes18(bytes32(issuer[0]));
    }

    function region(uint256[] memory issuer) internal pure returns (uint256) {
        return uint16(issuer[0] >> 96);
    }

    function standing(uint256[] memory issuer) internal pure returns (uint256) {
        return uint8(issuer[0] >> 80);
    }

    function catalogVersion(uint256[] memory issuer) internal pure returns (uint32) {
        return uint32(issuer[0] >> 8);
    }

    function batches(uint256[] memory issuer) internal pure returns (uint256) {
        return issuer[1] >> 192;
    }

    function certificates(uint256[] memory issuer) internal pure returns (uint256) {
        return uint64(issuer[1] >> 128);
    }

    function epoch(uint256[] memory issuer) internal pure returns (uint64) {
        return uint64(issuer[1] >> 64);
    }

    function revision(uint256[] memory issuer) internal pure returns (uint32) {
        return uint32(issuer[1] >> 32);
    }

    function catalog(uint256[] memory issuer) internal pure returns (bytes32) {
        return bytes32(issuer[3]);
    }

    function lastBatch(uint256[] memory issuer) internal pure returns (bytes32) {
        return bytes32(issuer[4]);
    }

    function statusRoot(uint256[] memory issuer) internal pure returns (bytes32) {
        return bytes32(issuer[5]);
    }

    function key(uint256[] memory issuer, uint256 index) internal pure returns (KeyWord) {
        return KeyWord.wrap(issuer[HEAD_WORDS + index]);
    }

    /// @dev One peak for each binary digit of the number of batches that is 1.
    function peakCount(uint256[] memory issuer) internal pure returns (uint256 count) {
        for (uint256 left = batches(issuer); left != 0; left &= left - 1) {
            unchecked {
                ++count;
            }
        }
    }

    function keyCount(uint256[] memory issuer) internal pure returns (uint256) {
        return issuer.length - HEAD_WORDS - peakCount(issuer);
    }

    /// @dev Whether the array is long enough for its head, a key and its peaks.
    function isComplete(uint256[] memory issuer) internal pure returns (bool) {
        return issuer.length > HEAD_WORDS && issuer.length > HEAD_WORDS + peakCount(issuer);
    }

    /// @dev Keccak over words 0 to 5, the hash of the key words and the hash of the peaks.
    function digest(uint256[] memory issuer) internal pure returns (bytes32 result) {
        uint256 peaks = peakCount(issuer);
        assembly ("memory-safe") {
            let words := add(issuer, 0x20)
            let split := sub(add(words, shl(5, mload(issuer))), shl(5, peaks))
            let keys := add(words, 0xc0)
            let w6 := keccak256(keys, sub(split, keys))
            let w7 := keccak256(split, shl(5, peaks))
            let free := mload(0x40)
            for { let i := 0 } lt(i, 0xc0) { i := add(i, 0x20) } { mstore(add(free, i), mload(add(words, i))) }
            mstore(add(free, 0xc0), w6)
            mstore(add(free, 0xe0), w7)
            result := keccak256(free, 0x100)
        }
    }

    // Changes

    /// @dev A state as it is before its first key.
    function create(bytes18 newCode, uint256 newRegion, uint256 kind, bytes32 name)
        internal
        view
        returns (uint256[] memory issuer)
    {
        issuer = new uint256[](HEAD_WORDS);
        issuer[0] = uint256(bytes32(newCode)) | newRegion << 96 | kind << 88 | ACTIVE << 80 | block.number << 40;
        issuer[2] = uint256(name);
        issuer[5] = uint256(StatusTree.EMPTY_ROOT);
    }

    /// @dev Sets the standing and the block since when.
    function setStanding(uint256[] memory issuer, uint256 newStanding) internal view {
        uint256 cleared = issuer[0] & ~(uint256(type(uint48).max) << 40);
        issuer[0] = cleared | newStanding << 80 | block.number << 40;
    }

    /// @dev Sets the catalog and counts its version.
    function setCatalog(uint256[] memory issuer, bytes32 root) internal pure {
        issuer[0] += 1 << 8;
        issuer[3] = uint256(root);
    }

    /// @dev Sets the status root and counts the epoch.
    function setStatusRoot(uint256[] memory issuer, bytes32 root) internal pure {
        issuer[5] = uint256(root);
        issuer[1] += 1 << 64;
    }

    function countRevision(uint256[] memory issuer) internal pure {
        issuer[1] += 1 << 32;
    }

    function setKey(uint256[] memory issuer, uint256 index, KeyWord word) internal pure {
        issuer[HEAD_WORDS + index] = KeyWord.unwrap(word);
    }

    /// @dev A copy with room for `count` keys between the keys and the peaks; the words there are not cleared.
    function withRoomForKeys(uint256[] memory issuer, uint256 count) internal pure returns (uint256[] memory grown) {
        uint256 split = HEAD_WORDS + keyCount(issuer);
        grown = allocate(issuer.length + count, 0);
        for (uint256 i; i < split; ++i) grown[i] = issuer[i];
        for (uint256 i = split; i < issuer.length; ++i) grown[i + count] = issuer[i];
    }

    /// @dev Counts a batch, links it to the next one by its digest and adds its leaf to the peaks, which are at the end of the
    ///      array.  The array must have room for one more word.
    function addBatch(uint256[] memory issuer, uint256 count, bytes32 batchDigest, bytes32 leaf) internal pure {
        uint256 length = issuer.length;
        for (uint256 size = batches(issuer); size & 1 == 1; size >>= 1) {
            leaf = sha256(abi.encodePacked(uint8(1), issuer[length - 1], leaf));
            --length;
        }
        assembly ("memory-safe") {
            mstore(issuer, add(length, 1))
            mstore(add(issuer, shl(5, add(length, 1))), leaf)
        }
        issuer[1] = issuer[1] + (1 << 192) + (count << 128);
        issuer[4] = uint256(batchDigest);
    }

    // Memory

    /// @dev Copies a state into memory, with room for `room` more words.
    function load(bytes32[] calldata words, uint256 room) internal pure returns (uint256[] memory issuer) {
        uint256 length = words.length;
        issuer = allocate(length, room);
        assembly ("memory-safe") {
            calldatacopy(add(issuer, 0x20), words.offset, shl(5, length))
        }
    }

    /// @dev An array with room for `room` more words and one free word in front of it; its words are not cleared.
    function allocate(uint256 length, uint256 room) internal pure returns (uint256[] memory issuer) {
        assembly ("memory-safe") {
            issuer := add(mload(0x40), 0x20)
            mstore(issuer, length)
            mstore(0x40, add(issuer, shl(5, add(add(length, room), 1))))
        }
    }
}

/// @title A key in the state of an issuer
library KeyWords {
    /// @dev A key as statements give it, from this block on and without an end.
    function create(bytes21 given) internal view returns (KeyWord) {
        return KeyWord.wrap(uint256(bytes32(given)) | block.number << 48 | MAX_BLOCK << 8);
    }

    function account(KeyWord word) internal pure returns (address) {
        return address(uint160(KeyWord.unwrap(word) >> 96));
    }

    function has(KeyWord word, uint256 purposes) internal pure returns (bool) {
        return (KeyWord.unwrap(word) >> 88) & purposes != 0;
    }

    function end(KeyWord word) internal pure returns (uint256) {
        return uint40(KeyWord.unwrap(word) >> 8);
    }

    function withEnd(KeyWord word, uint256 newEnd) internal pure returns (KeyWord) {
        return KeyWord.wrap(KeyWord.unwrap(word) & ~(MAX_BLOCK << 8) | newEnd << 8);
    }
}

/// @title A key as statements give it
library GivenKey {
    function account(bytes21 given) internal pure returns (address) {
        return address(bytes20(given));
    }

    function purposes(bytes21 given) internal pure returns (uint256) {
        return uint8(given[20]);
    }
}

/// @title The end of a key of one issuer
library KeyEnd {
    function key(bytes6 ending) internal pure returns (uint256) {
        return uint8(ending[0]);
    }

    function end(bytes6 ending) internal pure returns (uint256) {
        return uint40(uint48(ending));
    }
}

/// @title The end of a key of one issuer of a list
library ListedEnd {
    function place(bytes8 ending) internal pure returns (uint256) {
        return uint64(ending) >> 48;
    }

    function key(bytes8 ending) internal pure returns (uint256) {
        return uint8(uint64(ending) >> 40);
    }

    function end(bytes8 ending) internal pure returns (uint256) {
        return uint40(uint64(ending));
    }
}

/// @title The first word of a batch
library BatchHeads {
    function sequence(BatchHead head) internal pure returns (uint256) {
        return BatchHead.unwrap(head) >> 192;
    }

    function first(BatchHead head) internal pure returns (uint256) {
        return uint64(BatchHead.unwrap(head) >> 128);
    }

    function count(BatchHead head) internal pure returns (uint256) {
        return uint32(BatchHead.unwrap(head) >> 96);
    }

    function notAfter(BatchHead head) internal pure returns (uint256) {
        return uint64(BatchHead.unwrap(head) >> 32);
    }

    function key(BatchHead head) internal pure returns (uint256) {
        return uint8(BatchHead.unwrap(head) >> 24);
    }

    function v(BatchHead head) internal pure returns (uint8) {
        return uint8(BatchHead.unwrap(head) >> 16);
    }

    function unused(BatchHead head) internal pure returns (uint256) {
        return uint16(BatchHead.unwrap(head));
    }
}

/// @title The slot of an issuer
library Slot {
    bytes32 private constant HOLD_BIT = bytes32(uint256(1));

    function create(bytes32 digest, bool hold) internal pure returns (bytes32) {
        return hold ? digest | HOLD_BIT : digest & ~HOLD_BIT;
    }

    function onHold(bytes32 slot) internal pure returns (bool) {
        return slot & HOLD_BIT != 0;
    }

    function matches(bytes32 slot, bytes32 digest) internal pure returns (bool) {
        return slot | HOLD_BIT == digest | HOLD_BIT && slot != 0;
    }
}

/// @title The roll of all issuers
library Roll {
    /// @dev The roll after one more issuer.
    function next(bytes32 roll, bytes18 code) internal pure returns (bytes32) {
        return bytes32(bytes28(keccak256(abi.encodePacked(roll, code)))) | bytes32(uint256(uint32(uint256(roll)) + 1));
    }
}
