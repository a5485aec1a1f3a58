// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICertificateLedger} from "./ICertificateLedger.sol";
import {GivenKey, IssuerState, KeyWord, KeyWords, Roll, Slot} from "./PackedWords.sol";
import {Signatures} from "./Signatures.sol";

/// @title Issuers: one slot with the hash of the whole state, and the keys
/// @notice SPEC sections 8 and 12.
/// @dev The layout of state and slot is described in PackedWords.sol.
abstract contract Issuers is Signatures {
    using IssuerState for uint256[];
    using GivenKey for bytes21;

    uint256 private constant MAX_KEYS = 16;
    uint8 internal constant NO_KEY = 255; // in place of a key index where no key of the issuer signs

    // Purposes of keys
    uint256 internal constant FOR_BATCHES = 1;
    uint256 internal constant FOR_STATUS = 2;
    uint256 internal constant FOR_CATALOG = 4;
    uint256 internal constant FOR_KEYS = 8;
    uint256 internal constant ALL_PURPOSES = 15;

    mapping(bytes18 issuer => bytes32) internal _slots;
    bytes32 private _roll;

    /// @inheritdoc ICertificateLedger
    function slot(bytes18 issuer) external view returns (bytes32) {
        return _slots[issuer];
    }

    /// @inheritdoc ICertificateLedger
    function roll() external view returns (bytes32) {
        return _roll;
    }

    // State

    /// @dev Copies a state into memory, with room for `room` more words, and returns whether it is the one under its slot.
    ///      The caller must not use the state unless it is.
    function _read(bytes32[] calldata state, uint256 room)
        internal
        view
        returns (uint256[] memory issuer, bool current, bool onHold)
    {
        issuer = IssuerState.load(state, room);
        if (!issuer.isComplete()) return (issuer, false, false);
        bytes32 found = _slots[issuer.code()];
        current = Slot.matches(found, issuer.digest());
        onHold = Slot.onHold(found);
    }

    function _open(bytes32[] calldata state) internal view returns (uint256[] memory issuer, bool onHold) {
        bool current;
        (issuer, current, onHold) = _read(state, 0);
        if (!current) revert StateStale();
    }

    /// @dev Stores the state's digest with the hold bit, and emits the whole state.  The event's data are the array as it is in
    ///      memory, with its offset in the free word in front.
    function _store(uint256[] memory issuer, bool onHold) internal {
        bytes18 code = issuer.code();
        _slots[code] = Slot.create(issuer.digest(), onHold);
        bytes32 topic = BodyState.selector;
        assembly ("memory-safe") {
            let data := sub(issuer, 0x20)
            mstore(data, 0x20)
            log2(data, shl(5, add(mload(issuer), 2)), topic, code)
        }
    }

    function _addToRoll(bytes18 code) internal {
        _roll = Roll.next(_roll, code);
    }

    // Keys

    /// @dev Returns the issuer with keys added behind those there are; each must have signed, from signature `at` on.
    function _withKeys(
        uint256[] memory issuer,
        bytes21[] calldata added,
        bytes32 digest,
        bytes calldata signatures,
        uint256 at
    ) internal view returns (uint256[] memory grown) {
        uint256 count = issuer.keyCount();
        uint256 total = count + added.length;
        if (total == 0 || total > MAX_KEYS) revert KeyCount();
        grown = issuer.withRoomForKeys(added.length);
        for (uint256 i; i < added.length; ++i) {
            address account = added[i].account();
            uint256 purposes = added[i].purposes();
            if (account == address(0) || purposes == 0 || purposes > ALL_PURPOSES) revert KeyInvalid();
            for (uint256 j; j < count + i; ++j) if (grown.key(j).account() == account) revert KeyInvalid();
            if (_signer(digest, signatures, at + i) != account) revert SignerWrong();
            grown.setKey(count + i, KeyWords.create(added[i]));
        }
    }

    /// @dev Sets the end of a key; only with `raise` may it move up.  Returns the least index that the next end may have.
    function _endKey(uint256[] memory issuer, uint256 least, uint256 index, uint256 end, bool raise)
        internal
        pure
        returns (uint256)
    {
        if (index < least) revert EndOrder();
        if (index >= issuer.keyCount()) revert KeyUnknown();
        KeyWord key = issuer.key(index);
        if (!raise && end >= key.end()) revert EndRaised();
        issuer.setKey(index, key.withEnd(end));
        return index + 1;
    }

    /// @dev Selector of the error if `signer` cannot sign as key `index` for any of `purposes` in this block, else zero.
    function _keyRefusal(uint256[] memory issuer, uint256 index, uint256 purposes, address signer)
        internal
        view
        returns (bytes4)
    {
        if (index >= issuer.keyCount()) return KeyUnknown.selector;
        KeyWord key = issuer.key(index);
        if (key.account() != signer) return SignerWrong.selector;
        if (!key.has(purposes)) return KeyPurpose.selector;
        // A key is added in a block before or this one, so that only its end can have passed.
        if (block.number >= key.end()) return KeyEnded.selector;
        return 0;
    }

    function _requireKey(
        uint256[] memory issuer,
        uint256 index,
        uint256 purposes,
        bytes32 digest,
        bytes calldata signatures,
        uint256 at
    ) internal view {
        _refuse(_keyRefusal(issuer, index, purposes, _signer(digest, signatures, at)));
    }
}
