// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICertificateLedger} from "./ICertificateLedger.sol";
import {Issuers} from "./Issuers.sol";
import {
    ACTIVE,
    CLOSED,
    IssuerState,
    KeyEnd,
    ListedEnd,
    MAX_BLOCK,
    STRUCK,
    SUSPENDED,
    Slot
} from "./PackedWords.sol";
import {Registrars} from "./Registrars.sol";

/// @title Acts on issuers: registration, catalogs, keys, standings, holds and restorations
/// @notice SPEC section 12.
abstract contract IssuerRegistry is Issuers, Registrars {
    using IssuerState for uint256[];
    using KeyEnd for bytes6;
    using ListedEnd for bytes8;

    bytes32 private constant REGISTER_TYPE =
        keccak256("Register(bytes18 issuer,uint8 kind,bytes32 name,bytes21[] keys,uint64 notAfter)");
    bytes32 private constant CATALOG_TYPE =
        keccak256("Catalog(bytes18 issuer,uint32 version,bytes32 root,uint64 notAfter)");
    bytes32 private constant KEYS_TYPE =
        keccak256("Keys(bytes18 issuer,uint32 revision,bytes21[] added,bytes6[] ends,uint64 notAfter)");
    bytes32 private constant STANDING_TYPE =
        keccak256("Standing(bytes18 issuer,uint32 revision,uint8 standing,uint64 notAfter)");
    bytes32 private constant HOLD_TYPE =
        keccak256("Hold(uint16 region,bytes18[] issuers,uint64 nonce,uint64 notAfter)");
    bytes32 private constant RELEASE_TYPE =
        keccak256("Release(uint16 region,bytes18[] issuers,uint64 nonce,uint64 notAfter)");
    bytes32 private constant RESTORE_TYPE =
        keccak256("Restore(uint32 term,bytes18[] issuers,uint8[] standings,bytes8[] ends,uint64 notAfter)");

    uint256 private constant MAX_KIND = 6;
    uint256 private constant MAX_ISSUERS = 128; // of one hold, release or restore

    /// @inheritdoc ICertificateLedger
    function register(RegisterStatement calldata statement, bytes calldata signatures) external onOwnChain {
        bytes18 code = statement.issuer;
        if (_slots[code] != 0) revert BodyExists();
        uint256 region = _regionOfCode(code);
        if (statement.kind == 0 || statement.kind > MAX_KIND) revert KindUnknown();
        _requireTimely(statement.notAfter);
        _requireCount(signatures, 2 + statement.keys.length);
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    REGISTER_TYPE,
                    code,
                    statement.kind,
                    statement.name,
                    keccak256(abi.encodePacked(statement.keys)),
                    statement.notAfter
                )
            )
        );
        _requireRegistrar(region, digest, signatures, 0);
        _requireOtherRegistrar(region, digest, signatures, 1);
        uint256[] memory issuer = IssuerState.create(code, region, statement.kind, statement.name);
        issuer = _withKeys(issuer, statement.keys, digest, signatures, 2);
        _addToRoll(code);
        emit Registered(code, statement.kind, statement.name, statement.keys, statement.notAfter, signatures);
        _store(issuer, false);
    }

    /// @inheritdoc ICertificateLedger
    function changeCatalog(
        bytes32[] calldata state,
        CatalogStatement calldata statement,
        uint8 key,
        bytes calldata signatures
    ) external onOwnChain {
        (uint256[] memory issuer, bool onHold) = _open(state);
        if (issuer.standing() != ACTIVE) revert StandingForbids();
        if (statement.version != issuer.catalogVersion() + 1) revert CounterWrong();
        _requireTimely(statement.notAfter);
        bytes18 code = issuer.code();
        bytes32 digest =
            _digest(keccak256(abi.encode(CATALOG_TYPE, code, statement.version, statement.root, statement.notAfter)));
        if (key == NO_KEY) {
            if (statement.root != 0) revert CatalogAlone();
            _requireCount(signatures, 1);
            _requireRegistrar(issuer.region(), digest, signatures, 0);
        } else {
            _requireCount(signatures, 2);
            _requireKey(issuer, key, FOR_CATALOG, digest, signatures, 0);
            _requireRegistrar(issuer.region(), digest, signatures, 1);
        }
        issuer.setCatalog(statement.root);
        emit CatalogChanged(code, statement.version, statement.root, statement.notAfter, key, signatures);
        _store(issuer, onHold);
    }

    /// @inheritdoc ICertificateLedger
    function changeKeys(
        bytes32[] calldata state,
        KeysStatement calldata statement,
        uint8 key,
        bytes calldata signatures
    ) external onOwnChain {
        (uint256[] memory issuer, bool onHold) = _open(state);
        if (issuer.standing() == STRUCK) revert StandingForbids();
        _nextRevision(issuer, statement.revision);
        _requireTimely(statement.notAfter);
        if (statement.added.length + statement.ends.length == 0) revert NothingChanges();
        bytes18 code = issuer.code();
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    KEYS_TYPE,
                    code,
                    statement.revision,
                    keccak256(abi.encodePacked(statement.added)),
                    keccak256(abi.encodePacked(statement.ends)),
                    statement.notAfter
                )
            )
        );
        if (signatures.length == SIGNATURE_BYTES) {
            if (onHold) revert BodyHeld();
            if (statement.added.length != 0 || statement.ends.length != 1) revert EndAlone();
            if (statement.ends[0].key() != key || statement.ends[0].end() <= block.number) revert EndAlone();
            _requireKey(issuer, key, ALL_PURPOSES, digest, signatures, 0);
            if (issuer.key(key).end() != MAX_BLOCK) revert EndAlone();
        } else {
            _requireCount(signatures, 2 + statement.added.length);
            _requireRegistrar(issuer.region(), digest, signatures, 0);
            if (key == NO_KEY) _requireOtherRegistrar(issuer.region(), digest, signatures, 1);
            else _requireKey(issuer, key, FOR_KEYS, digest, signatures, 1);
        }
        uint256 least;
        for (uint256 i; i < statement.ends.length; ++i) {
            least = _endKey(issuer, least, statement.ends[i].key(), statement.ends[i].end(), false);
        }
        issuer = _withKeys(issuer, statement.added, digest, signatures, 2);
        emit KeysChanged(
            code, statement.revision, statement.added, statement.ends, statement.notAfter, key, signatures
        );
        _store(issuer, onHold);
    }

    /// @inheritdoc ICertificateLedger
    function changeStanding(
        bytes32[] calldata state,
        StandingStatement calldata statement,
        bytes calldata signatures
    ) external onOwnChain {
        (uint256[] memory issuer, bool onHold) = _open(state);
        if (!_mayBecome(issuer.standing(), statement.standing)) revert StandingForbids();
        _nextRevision(issuer, statement.revision);
        _requireTimely(statement.notAfter);
        bytes18 code = issuer.code();
        bytes32 digest = _digest(
            keccak256(
                abi.encode(STANDING_TYPE, code, statement.revision, statement.standing, statement.notAfter)
            )
        );
        bool strike = statement.standing == STRUCK;
        _requireCount(signatures, strike ? 2 : 1);
        _requireRegistrar(issuer.region(), digest, signatures, 0);
        if (strike) _requireOtherRegistrar(issuer.region(), digest, signatures, 1);
        issuer.setStanding(statement.standing);
        emit StandingChanged(code, statement.revision, statement.standing, statement.notAfter, signatures);
        _store(issuer, onHold);
    }

    /// @inheritdoc ICertificateLedger
    /// @dev Needs no state, so that an issuer cannot outrun its registrar by moving the state.
    function hold(HoldStatement calldata statement, bytes calldata signatures) external onOwnChain {
        _setHolds(HOLD_TYPE, statement, signatures);
        emit Held(statement.region, statement.issuers, statement.nonce, statement.notAfter, signatures);
    }

    /// @inheritdoc ICertificateLedger
    /// @dev The nonce is that of holds, so that a release signed before a hold does not undo it.
    function release(HoldStatement calldata statement, bytes calldata signatures) external onOwnChain {
        _setHolds(RELEASE_TYPE, statement, signatures);
        emit Released(statement.region, statement.issuers, statement.nonce, statement.notAfter, signatures);
    }

    /// @inheritdoc ICertificateLedger
    function restore(bytes32[][] calldata states, RestoreStatement calldata statement, bytes calldata signatures)
        external
        onOwnChain
    {
        _nextTerm(statement.term, statement.notAfter);
        bytes18[] memory codes = _codesOf(states);
        if (statement.standings.length != codes.length) revert IssuerList();
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    RESTORE_TYPE,
                    statement.term,
                    keccak256(abi.encodePacked(codes)),
                    keccak256(abi.encodePacked(statement.standings)),
                    keccak256(abi.encodePacked(statement.ends)),
                    statement.notAfter
                )
            )
        );
        _requireMajority(digest, signatures, 0);
        emit Restored(statement.term, codes, statement.standings, statement.ends, statement.notAfter, signatures);
        uint256 next;
        for (uint256 i; i < states.length; ++i) {
            next = _restoreOne(states[i], i, statement.standings[i], statement.ends, next);
        }
        if (next != statement.ends.length) revert EndOrder();
    }

    /// @dev Sets or clears the hold bits of the issuers that a statement names; `kind` is the hash of its type.
    function _setHolds(bytes32 kind, HoldStatement calldata statement, bytes calldata signatures) private {
        _nextNonce(statement.region, statement.nonce);
        _requireTimely(statement.notAfter);
        _requireCount(signatures, 1);
        bytes32 issuers = keccak256(abi.encodePacked(statement.issuers));
        bytes32 digest =
            _digest(keccak256(abi.encode(kind, statement.region, issuers, statement.nonce, statement.notAfter)));
        _requireRegistrar(statement.region, digest, signatures, 0);
        if (statement.issuers.length > MAX_ISSUERS) revert IssuerList();
        bytes18 before;
        for (uint256 i; i < statement.issuers.length; ++i) {
            bytes18 code = statement.issuers[i];
            if (code <= before) revert IssuerList();
            before = code;
            bytes32 current = _slots[code];
            if (current == 0) revert BodyUnknown();
            if (_regionOfCode(code) != statement.region) revert IssuerList();
            if (kind == RELEASE_TYPE && !Slot.onHold(current)) revert NothingChanges();
            _slots[code] = Slot.create(current, kind == HOLD_TYPE);
        }
    }

    /// @dev The codes in states that are not opened yet; they must strictly ascend.
    function _codesOf(bytes32[][] calldata states) private pure returns (bytes18[] memory codes) {
        if (states.length == 0 || states.length > MAX_ISSUERS) revert IssuerList();
        codes = new bytes18[](states.length);
        bytes18 before;
        for (uint256 i; i < states.length; ++i) {
            if (states[i].length == 0) revert StateStale();
            bytes18 code = bytes18(states[i][0]);
            if (code <= before) revert IssuerList();
            codes[i] = before = code;
        }
    }

    /// @dev Restores the issuer in place `at` of a list.  Its ends begin at `next`; returns where those of the next one begin.
    function _restoreOne(bytes32[] calldata state, uint256 at, uint8 standing, bytes8[] calldata ends, uint256 next)
        private
        returns (uint256)
    {
        (uint256[] memory issuer,) = _open(state);
        if (standing < ACTIVE || standing > STRUCK) revert StandingForbids();
        _nextRevision(issuer, issuer.revision() + 1);
        if (issuer.standing() != standing) issuer.setStanding(standing);
        uint256 least;
        for (; next < ends.length && ends[next].place() == at; ++next) {
            least = _endKey(issuer, least, ends[next].key(), ends[next].end(), true);
        }
        _store(issuer, false);
        return next;
    }

    function _nextRevision(uint256[] memory issuer, uint256 revision) private pure {
        if (revision != issuer.revision() + 1) revert CounterWrong();
        issuer.countRevision();
    }

    function _mayBecome(uint256 from, uint256 to) private pure returns (bool) {
        if (to == STRUCK) return from != STRUCK;
        if (to == ACTIVE) return from == SUSPENDED;
        return from == ACTIVE && (to == SUSPENDED || to == CLOSED);
    }

    /// @dev The region is the third and fourth character of a code.
    function _regionOfCode(bytes18 code) private pure returns (uint256) {
        for (uint256 i; i < 18; ++i) {
            uint256 character = uint8(code[i]);
            bool digit = character >= 0x30 && character <= 0x39;
            bool letter = character >= 0x41 && character <= 0x5a;
            if (!digit && (!letter || i == 2 || i == 3)) revert CodeInvalid();
        }
        return (uint256(uint8(code[2])) - 0x30) * 10 + uint256(uint8(code[3])) - 0x30;
    }
}
