// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICertificateLedger} from "./ICertificateLedger.sol";
import {Signatures} from "./Signatures.sol";

/// @title Registrars: signatures and majority, seats, rotation and challenge
/// @notice SPEC section 12, rule 9.
abstract contract Registrars is Signatures {
    bytes32 private constant REGISTRAR_TYPE =
        keccak256("Registrar(uint16 region,address account,address recovery,uint32 term,uint64 notAfter)");
    bytes32 private constant ROTATE_TYPE =
        keccak256("Rotate(uint16 region,address account,uint32 turn,uint64 notAfter)");
    bytes32 private constant CHALLENGE_TYPE = keccak256("Challenge(uint16 region,uint32 turn,uint64 notAfter)");

    uint256 private constant ROTATION_SECONDS = 7 days;
    uint256 private constant CHALLENGE_SECONDS = 30 days;
    uint256 private constant MIN_REGISTRARS = 3;
    uint256 private constant MAX_REGION = 99;

    mapping(uint16 region => Seat) private _seats;
    mapping(address account => uint16 region) private _regionOf;
    /// @inheritdoc ICertificateLedger
    uint32 public term;
    /// @inheritdoc ICertificateLedger
    uint16 public registrars;

    constructor(FirstRegistrar[] memory first) {
        if (first.length < MIN_REGISTRARS) revert RegistrarsTooFew();
        uint16 before;
        for (uint256 i; i < first.length; ++i) {
            if (first[i].region <= before) revert RegionOrder();
            before = first[i].region;
            _seat(before, first[i].account, first[i].recovery);
            emit RegistrarChanged(before, first[i].account, first[i].recovery, 0, 0, "");
        }
    }

    /// @inheritdoc ICertificateLedger
    function registrar(uint16 region) external view returns (Seat memory) {
        return _seats[region];
    }

    // Acts

    /// @inheritdoc ICertificateLedger
    function changeRegistrar(RegistrarStatement calldata statement, bytes calldata signatures) external onOwnChain {
        _nextTerm(statement.term, statement.notAfter);
        uint256 challenged = _seats[statement.region].challenged;
        bool silent = challenged != 0 && block.timestamp >= challenged + CHALLENGE_SECONDS;
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    REGISTRAR_TYPE,
                    statement.region,
                    statement.account,
                    statement.recovery,
                    statement.term,
                    statement.notAfter
                )
            )
        );
        _requireMajority(digest, signatures, silent ? statement.region : 0);
        _seat(statement.region, statement.account, statement.recovery);
        emit RegistrarChanged(
            statement.region, statement.account, statement.recovery, statement.term, statement.notAfter, signatures
        );
    }

    /// @inheritdoc ICertificateLedger
    function rotateRegistrar(RotateStatement calldata statement, bytes calldata signatures) external onOwnChain {
        Seat storage seat = _seats[statement.region];
        _nextTurn(seat, statement.turn, statement.notAfter);
        _requireCount(signatures, 2);
        bytes32 digest = _digest(
            keccak256(abi.encode(ROTATE_TYPE, statement.region, statement.account, statement.turn, statement.notAfter))
        );
        address signer = _signer(digest, signatures, 0);
        if (signer == seat.account) {
            if (block.timestamp < seat.rotated + ROTATION_SECONDS) revert RotatedRecently();
        } else if (signer != seat.recovery) {
            revert SignerWrong();
        }
        if (_signer(digest, signatures, 1) != statement.account) revert SignerWrong();
        _replaceAccount(seat, statement.region, statement.account);
        seat.rotated = uint40(block.timestamp);
        emit RegistrarRotated(statement.region, statement.account, statement.turn, statement.notAfter, signatures);
    }

    /// @inheritdoc ICertificateLedger
    function challengeRegistrar(ChallengeStatement calldata statement, bytes calldata signatures) external onOwnChain {
        Seat storage seat = _seats[statement.region];
        _nextTurn(seat, statement.turn, statement.notAfter);
        if (seat.account == address(0)) revert RegistrarAccount();
        if (seat.challenged != 0) revert NothingChanges();
        bytes32 digest =
            _digest(keccak256(abi.encode(CHALLENGE_TYPE, statement.region, statement.turn, statement.notAfter)));
        _requireMajority(digest, signatures, statement.region);
        seat.challenged = uint40(block.timestamp);
        emit RegistrarChallenged(statement.region, statement.turn, statement.notAfter, signatures);
    }

    // Signatures of registrars

    function _requireRegistrar(uint256 region, bytes32 digest, bytes calldata signatures, uint256 at) internal {
        Seat storage seat = _seats[uint16(region)];
        if (_signer(digest, signatures, at) != seat.account) revert SignerWrong();
        _answer(seat);
    }

    /// @dev Any registrar but the one of `region`.
    function _requireOtherRegistrar(uint256 region, bytes32 digest, bytes calldata signatures, uint256 at) internal {
        uint16 other = _regionOf[_signer(digest, signatures, at)];
        if (other == 0 || other == region) revert SignerWrong();
        _answer(_seats[other]);
    }

    /// @dev More than half of all registrars but the one of region `without` (0 for none), in ascending order of their
    ///      regions, so that none counts twice.
    function _requireMajority(bytes32 digest, bytes calldata signatures, uint256 without) internal {
        uint256 count = signatures.length / SIGNATURE_BYTES;
        _requireCount(signatures, count);
        if (count * 2 <= (without == 0 ? registrars : registrars - 1)) revert NoMajority();
        uint256 before;
        for (uint256 i; i < count; ++i) {
            uint16 region = _regionOf[_signer(digest, signatures, i)];
            if (region == 0 || region == without) revert SignerWrong();
            if (region <= before) revert RegionOrder();
            before = region;
            _answer(_seats[region]);
        }
    }

    /// @dev Any signature answers a challenge.
    function _answer(Seat storage seat) private {
        if (seat.challenged != 0) seat.challenged = 0;
    }

    // Counters

    /// @dev Counts the holds and releases of a region.
    function _nextNonce(uint16 region, uint64 next) internal {
        Seat storage seat = _seats[region];
        if (next != uint256(seat.nonce) + 1) revert CounterWrong();
        seat.nonce = uint56(next);
    }

    function _nextTerm(uint32 next, uint64 notAfter) internal {
        if (next != term + 1) revert CounterWrong();
        _requireTimely(notAfter);
        term = next;
    }

    function _nextTurn(Seat storage seat, uint32 next, uint64 notAfter) private {
        if (next != seat.turn + 1) revert CounterWrong();
        _requireTimely(notAfter);
        seat.turn = next;
    }

    // Seats

    /// @dev Gives the seat of a region to an account that has none; account 0 removes the region's registrar.
    function _seat(uint16 region, address account, address recovery) private {
        if (region == 0 || region > MAX_REGION) revert RegionOrder();
        Seat storage seat = _seats[region];
        if (account == address(0)) {
            if (seat.account == address(0) || recovery != address(0)) revert RegistrarAccount();
            if (registrars == MIN_REGISTRARS) revert RegistrarsTooFew();
            --registrars;
            delete _regionOf[seat.account];
            seat.account = account;
            seat.recovery = recovery;
            seat.challenged = 0;
        } else {
            if (seat.account == address(0)) ++registrars;
            seat.recovery = recovery;
            _replaceAccount(seat, region, account);
        }
        seat.rotated = 0;
    }

    function _replaceAccount(Seat storage seat, uint16 region, address account) private {
        if (account == address(0) || account == seat.recovery || _regionOf[account] != 0) revert RegistrarAccount();
        delete _regionOf[seat.account];
        _regionOf[account] = region;
        seat.account = account;
        seat.challenged = 0;
    }
}
