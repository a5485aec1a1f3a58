// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {StatusTree} from "./StatusTree.sol";

// Refusals.  None has arguments, so that a refusal is four bytes and can also be named in an event.

/// @notice The chain does not keep time in seconds, hash or recover as Ethereum does, or has no chain id.
error ChainUnfit();
/// @notice This is a fork with another chain id than the contract was deployed on.
error ChainForked();
/// @notice The salt of the identity is zero.
error SaltMissing();
/// @notice Fewer than three registrars at deployment.
error RegistrarsTooFew();
/// @notice A region is not 1 to 99, or regions (of first registrars, of signers) do not strictly ascend.
error RegionOrder();
/// @notice A registrar's account is zero, already a registrar's, or its own recovery account.
error RegistrarAccount();

/// @notice The statement's `notAfter` has passed.
error StatementExpired();
/// @notice The statement's `notAfter` is more than seven days ahead.
error StatementTooFar();
/// @notice The statement's counter is not the next one.
error CounterWrong();
/// @notice The number of signatures does not fit the act.
error SignatureCount();
/// @notice A signature is not 65 bytes `r s v` with v 27 or 28 and a low s.
error SignatureInvalid();
/// @notice A signature is not by the account that must sign in its place.
error SignerWrong();
/// @notice Too few registrars signed: more than half are needed.
error NoMajority();
/// @notice A registrar's account rotates itself once in seven days.
error RotatedRecently();

/// @notice The state handed in is not the one under the body's slot.
error StateStale();
/// @notice There is no such body.
error BodyUnknown();
/// @notice The body is registered already.
error BodyExists();
/// @notice The registrar holds the body: only acts that it signs too go through.
error BodyHeld();
/// @notice Issuers do not strictly ascend, are more than 128, or one belongs to another region.
error IssuerList();
/// @notice The body's standing, or the one asked for, rules out the act.
error StandingForbids();
/// @notice The code is not 18 characters of `0-9A-Z` with a region in the third and fourth.
error CodeInvalid();
/// @notice There are only the kinds 1 to 6.
error KindUnknown();

/// @notice A body has 1 to 16 keys.
error KeyCount();
/// @notice A key given is no address, has no purpose or an unknown one, or stands twice.
error KeyInvalid();
/// @notice The body has no key of this index.
error KeyUnknown();
/// @notice The key does not speak at this block: it has ended.
error KeyEnded();
/// @notice The key is not for this purpose.
error KeyPurpose();
/// @notice Key indexes of ends do not strictly ascend.
error EndOrder();
/// @notice An end would not be lowered.
error EndRaised();
/// @notice A key that signs alone may end only itself, once, and only after this block.
error EndAlone();
/// @notice The statement would change nothing.
error NothingChanges();
/// @notice A registrar alone may set only the empty catalog.
error CatalogAlone();

/// @title Who may speak
/// @notice Registrars, bodies, their keys, catalogs and standings.  SPEC sections 7, 8, 12 and 13.
/// @dev A body is one slot: the hash of its whole state, which callers hand in as one array: the words w0 to w5 of SPEC
///      section 8, then the key words, then the peaks.  Bit 0 of the slot is the brake, not part of the hash.
abstract contract IssuerRegistry {
    struct FirstRegistrar {
        uint16 region;
        address account;
        address recovery;
    }

    struct Seat {
        address account;
        uint56 nonce; // counts holds and releases
        uint40 challenged; // time of a challenge that the registrar has not answered, else zero
        address recovery; // may rotate the account too; zero where there is none
        uint32 turn; // counts rotations and challenges
        uint40 rotated; // time of the last rotation
    }

    struct RegisterStatement {
        bytes18 issuer;
        uint8 kind;
        bytes32 name;
        bytes21[] keys;
        uint64 notAfter;
    }

    struct CatalogStatement {
        uint32 version;
        bytes32 root;
        uint64 notAfter;
    }

    struct KeysStatement {
        uint32 revision;
        bytes21[] added;
        bytes6[] ends;
        uint64 notAfter;
    }

    struct StandingStatement {
        uint32 revision;
        uint8 standing;
        uint64 notAfter;
    }

    struct BrakeStatement {
        uint16 region;
        bytes18[] issuers;
        uint64 nonce;
        uint64 notAfter;
    }

    struct RestoreStatement {
        uint32 term;
        uint8[] standings;
        bytes8[] ends;
        uint64 notAfter;
    }

    struct RegistrarStatement {
        uint16 region;
        address account;
        address recovery;
        uint32 term;
        uint64 notAfter;
    }

    struct RotateStatement {
        uint16 region;
        address account;
        uint32 turn;
        uint64 notAfter;
    }

    struct ChallengeStatement {
        uint16 region;
        uint32 turn;
        uint64 notAfter;
    }

    /// @notice The ledger begins; `identity` is its domain separator.
    event Created(bytes32 indexed identity, bytes32 salt);
    /// @notice A region's registrar was set, or removed with account 0; at deployment with term 0, notAfter 0 and no
    ///         signatures.
    event RegistrarChanged(
        uint16 indexed region, address account, address recovery, uint32 term, uint64 notAfter, bytes signatures
    );
    /// @notice A registrar has another account.
    event RegistrarRotated(uint16 indexed region, address account, uint32 turn, uint64 notAfter, bytes signatures);
    /// @notice A registrar must sign something within 30 days, or the others replace it without it.
    event RegistrarChallenged(uint16 indexed region, uint32 turn, uint64 notAfter, bytes signatures);
    event Registered(bytes18 indexed issuer, uint8 kind, bytes32 name, bytes21[] keys, uint64 notAfter, bytes signatures);
    event CatalogChanged(bytes18 indexed issuer, uint32 version, bytes32 root, uint64 notAfter, uint8 key, bytes signatures);
    event KeysChanged(
        bytes18 indexed issuer, uint32 revision, bytes21[] added, bytes6[] ends, uint64 notAfter, uint8 key, bytes signatures
    );
    event StandingChanged(bytes18 indexed issuer, uint32 revision, uint8 standing, uint64 notAfter, bytes signatures);
    event Held(uint16 indexed region, bytes18[] issuers, uint64 nonce, uint64 notAfter, bytes signatures);
    event Released(uint16 indexed region, bytes18[] issuers, uint64 nonce, uint64 notAfter, bytes signatures);
    event Restored(
        uint32 indexed term, bytes18[] issuers, uint8[] standings, bytes8[] ends, uint64 notAfter, bytes signatures
    );
    /// @notice The body's whole state after the acts that were reported just before.
    event BodyState(bytes18 indexed issuer, bytes32[] state);

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)");
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
    bytes32 private constant REGISTRAR_TYPE =
        keccak256("Registrar(uint16 region,address account,address recovery,uint32 term,uint64 notAfter)");
    bytes32 private constant ROTATE_TYPE =
        keccak256("Rotate(uint16 region,address account,uint32 turn,uint64 notAfter)");
    bytes32 private constant CHALLENGE_TYPE = keccak256("Challenge(uint16 region,uint32 turn,uint64 notAfter)");

    string private constant NAME = "certledger";
    string private constant VERSION = "1";
    uint256 private constant LONGEST_LIFE = 7 days;
    uint256 private constant ROTATION_SECONDS = 7 days;
    uint256 private constant CHALLENGE_SECONDS = 30 days;
    uint256 private constant MAX_ISSUERS = 128; // of one hold, release or restore
    uint256 private constant MIN_REGISTRARS = 3;
    uint256 private constant SIGNATURE = 65;
    uint256 private constant MOST_KEYS = 16;
    uint256 private constant MOST_REGION = 99;
    uint256 private constant NO_END = type(uint40).max;
    uint8 internal constant NO_KEY = 255; // in place of a key index where no key of the body signs

    // Purposes of keys.
    uint256 internal constant FOR_BATCHES = 1;
    uint256 internal constant FOR_STATUS = 2;
    uint256 internal constant FOR_CATALOG = 4;
    uint256 internal constant FOR_KEYS = 8;
    uint256 private constant ALL_PURPOSES = 15;

    // Standings.
    uint256 internal constant ACTIVE = 1;
    uint256 internal constant SUSPENDED = 2;
    uint256 internal constant CLOSED = 3;
    uint256 internal constant STRUCK = 4;

    // Words before the keys in a state.
    uint256 internal constant HEAD = 6;

    bytes32 private constant BRAKE = bytes32(uint256(1));

    uint256 private immutable CHAIN_ID;
    bytes32 private immutable SALT;
    /// @notice The ledger's identity: its EIP-712 domain separator.
    bytes32 public immutable identity;

    mapping(bytes18 issuer => bytes32) private _slots;
    bytes32 private _roll;
    mapping(uint16 region => Seat) private _seats;
    mapping(address account => uint16 region) private _regionOf;
    /// @notice Counts the changes of registrars.
    uint32 public term;
    /// @notice Number of registrars.
    uint16 public registrars;

    /// @dev Refuses what of the chain it can see to be unfit: the formats need Ethereum's hashes and seconds.
    constructor(bytes32 salt, FirstRegistrar[] memory first) {
        if (block.chainid == 0 || block.number > NO_END) revert ChainUnfit();
        if (block.timestamp < 1_600_000_000 || block.timestamp > 10_000_000_000) revert ChainUnfit();
        if (!_hashesAsEthereum()) revert ChainUnfit();
        if (salt == 0) revert SaltMissing();
        if (first.length < MIN_REGISTRARS) revert RegistrarsTooFew();
        CHAIN_ID = block.chainid;
        SALT = salt;
        identity = keccak256(
            abi.encode(
                DOMAIN_TYPE, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), block.chainid, address(this), salt
            )
        );
        emit Created(identity, salt);
        uint16 before;
        for (uint256 i; i < first.length; ++i) {
            if (first[i].region <= before) revert RegionOrder();
            before = first[i].region;
            _seat(before, first[i].account, first[i].recovery);
            emit RegistrarChanged(before, first[i].account, first[i].recovery, 0, 0, "");
        }
    }

    /// @dev An act means nothing on a fork that took another chain id: its statements were not signed for it.
    modifier onOwnChain() {
        if (block.chainid != CHAIN_ID) revert ChainForked();
        _;
    }

    // Views

    /// @notice The body's slot: the digest of its state, bit 0 being the brake; zero for an unknown body.
    function slot(bytes18 issuer) external view returns (bytes32) {
        return _slots[issuer];
    }

    /// @notice The registrar of `region`: its account, the nonce of its last hold or release, and so on.
    function registrar(uint16 region) external view returns (Seat memory) {
        return _seats[region];
    }

    /// @notice Hash chain (28 bytes) and number (4 bytes) of all bodies, in order of registration.
    function roll() external view returns (bytes32) {
        return _roll;
    }

    /// @notice EIP-5267.
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"1f", NAME, VERSION, CHAIN_ID, address(this), SALT, new uint256[](0));
    }

    // Acts

    /// @notice Registers a body.  Signed by the registrar of its region, another region's, then by each of its keys, in
    ///         order.
    function register(RegisterStatement calldata said, bytes calldata signatures) external onOwnChain {
        bytes18 issuer = said.issuer;
        if (_slots[issuer] != 0) revert BodyExists();
        uint256 region = _regionOfCode(issuer);
        if (said.kind == 0 || said.kind > 6) revert KindUnknown();
        _requireTimely(said.notAfter);
        _requireCount(signatures, 2 + said.keys.length);
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    REGISTER_TYPE, issuer, said.kind, said.name, keccak256(abi.encodePacked(said.keys)), said.notAfter
                )
            )
        );
        _requireRegistrar(region, digest, signatures, 0);
        _requireOtherRegistrar(region, digest, signatures, 1);
        uint256[] memory body = _newBody(issuer, region, said.kind, said.name);
        body = _addKeys(body, said.keys, digest, signatures, 2);
        _roll = bytes32(bytes28(keccak256(abi.encodePacked(_roll, issuer)))) | bytes32(uint256(uint32(uint256(_roll)) + 1));
        emit Registered(issuer, said.kind, said.name, said.keys, said.notAfter, signatures);
        _store(body, false);
    }

    /// @notice Sets the root of what the body may issue.  Signed by a body key and the registrar; with `key` = 255 by the
    ///         registrar alone, and then only to the empty root.
    function changeCatalog(
        bytes32[] calldata state,
        CatalogStatement calldata said,
        uint8 key,
        bytes calldata signatures
    ) external onOwnChain {
        (uint256[] memory body, bool held) = _open(state);
        if (_standing(body) != ACTIVE) revert StandingForbids();
        if (said.version != uint32(body[0] >> 8) + 1) revert CounterWrong();
        _requireTimely(said.notAfter);
        bytes18 issuer = _issuer(body);
        bytes32 digest = _digest(keccak256(abi.encode(CATALOG_TYPE, issuer, said.version, said.root, said.notAfter)));
        if (key == NO_KEY) {
            if (said.root != 0) revert CatalogAlone();
            _requireCount(signatures, 1);
            _requireRegistrar(_region(body), digest, signatures, 0);
        } else {
            _requireCount(signatures, 2);
            _requireKey(body, key, FOR_CATALOG, digest, signatures, 0);
            _requireRegistrar(_region(body), digest, signatures, 1);
        }
        body[0] += 1 << 8;
        body[3] = uint256(said.root);
        emit CatalogChanged(issuer, said.version, said.root, said.notAfter, key, signatures);
        _store(body, held);
    }

    /// @notice Adds and ends keys.  Signed by the registrar, then a body key (with `key` = 255 another registrar), then
    ///         each added key; or by one body key alone, which may only end itself, once, after this block.
    function changeKeys(bytes32[] calldata state, KeysStatement calldata said, uint8 key, bytes calldata signatures)
        external
        onOwnChain
    {
        (uint256[] memory body, bool held) = _open(state);
        if (_standing(body) == STRUCK) revert StandingForbids();
        _advanceRevision(body, said.revision);
        _requireTimely(said.notAfter);
        if (said.added.length + said.ends.length == 0) revert NothingChanges();
        bytes18 issuer = _issuer(body);
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    KEYS_TYPE,
                    issuer,
                    said.revision,
                    keccak256(abi.encodePacked(said.added)),
                    keccak256(abi.encodePacked(said.ends)),
                    said.notAfter
                )
            )
        );
        if (signatures.length == SIGNATURE) {
            if (held) revert BodyHeld();
            if (said.added.length != 0 || said.ends.length != 1) revert EndAlone();
            if (uint8(said.ends[0][0]) != key || uint40(uint48(said.ends[0])) <= block.number) revert EndAlone();
            _requireKey(body, key, ALL_PURPOSES, digest, signatures, 0);
            if (uint40(body[HEAD + key] >> 8) != NO_END) revert EndAlone();
        } else {
            _requireCount(signatures, 2 + said.added.length);
            _requireRegistrar(_region(body), digest, signatures, 0);
            if (key == NO_KEY) _requireOtherRegistrar(_region(body), digest, signatures, 1);
            else _requireKey(body, key, FOR_KEYS, digest, signatures, 1);
        }
        uint256 least;
        for (uint256 i; i < said.ends.length; ++i) {
            least = _endKey(body, least, uint8(said.ends[i][0]), uint40(uint48(said.ends[i])), false);
        }
        body = _addKeys(body, said.added, digest, signatures, 2);
        emit KeysChanged(issuer, said.revision, said.added, said.ends, said.notAfter, key, signatures);
        _store(body, held);
    }

    /// @notice Suspends an active body, resumes a suspended one, closes an active one: signed by its registrar.  Strikes
    ///         any but a struck one: signed by its registrar and another.
    function changeStanding(bytes32[] calldata state, StandingStatement calldata said, bytes calldata signatures)
        external
        onOwnChain
    {
        (uint256[] memory body, bool held) = _open(state);
        if (!_mayBecome(_standing(body), said.standing)) revert StandingForbids();
        _advanceRevision(body, said.revision);
        _requireTimely(said.notAfter);
        bytes18 issuer = _issuer(body);
        bytes32 digest =
            _digest(keccak256(abi.encode(STANDING_TYPE, issuer, said.revision, said.standing, said.notAfter)));
        bool strike = said.standing == STRUCK;
        _requireCount(signatures, strike ? 2 : 1);
        _requireRegistrar(_region(body), digest, signatures, 0);
        if (strike) _requireOtherRegistrar(_region(body), digest, signatures, 1);
        _setStanding(body, said.standing);
        emit StandingChanged(issuer, said.revision, said.standing, said.notAfter, signatures);
        _store(body, held);
    }

    /// @notice Sets the brake on bodies of a region, whatever their state: signed by its registrar.
    /// @dev Needs no state, so that nobody who can move the state can outrun the registrar.
    function hold(BrakeStatement calldata said, bytes calldata signatures) external onOwnChain {
        _moveBrakes(HOLD_TYPE, said, signatures);
        emit Held(said.region, said.issuers, said.nonce, said.notAfter, signatures);
    }

    /// @notice Clears the brake of bodies that are held: signed by their registrar.
    /// @dev The nonce is that of holds, so that a release signed before a hold does not undo it.
    function release(BrakeStatement calldata said, bytes calldata signatures) external onOwnChain {
        _moveBrakes(RELEASE_TYPE, said, signatures);
        emit Released(said.region, said.issuers, said.nonce, said.notAfter, signatures);
    }

    /// @notice Sets any standing and any key ends of bodies, raised ones too, and clears their brake: signed by a majority
    ///         of registrars.
    /// @param states the states of bodies in ascending order of their codes
    function restore(bytes32[][] calldata states, RestoreStatement calldata said, bytes calldata signatures)
        external
        onOwnChain
    {
        _nextTerm(said.term, said.notAfter);
        bytes18[] memory issuers = _issuersOf(states);
        if (said.standings.length != issuers.length) revert IssuerList();
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    RESTORE_TYPE,
                    said.term,
                    keccak256(abi.encodePacked(issuers)),
                    keccak256(abi.encodePacked(said.standings)),
                    keccak256(abi.encodePacked(said.ends)),
                    said.notAfter
                )
            )
        );
        _requireMajority(digest, signatures, 0);
        emit Restored(said.term, issuers, said.standings, said.ends, said.notAfter, signatures);
        uint256 next;
        for (uint256 i; i < states.length; ++i) next = _restoreOne(states[i], i, said.standings[i], said.ends, next);
        if (next != said.ends.length) revert EndOrder();
    }

    /// @notice Replaces or removes a region's registrar, or adds a region: signed by a majority of registrars, or, where
    ///         the registrar left a challenge without an answer for 30 days, of the others.
    function changeRegistrar(RegistrarStatement calldata said, bytes calldata signatures) external onOwnChain {
        _nextTerm(said.term, said.notAfter);
        uint256 challenged = _seats[said.region].challenged;
        bool silent = challenged != 0 && block.timestamp >= challenged + CHALLENGE_SECONDS;
        bytes32 digest = _digest(
            keccak256(
                abi.encode(REGISTRAR_TYPE, said.region, said.account, said.recovery, said.term, said.notAfter)
            )
        );
        _requireMajority(digest, signatures, silent ? said.region : 0);
        _seat(said.region, said.account, said.recovery);
        emit RegistrarChanged(said.region, said.account, said.recovery, said.term, said.notAfter, signatures);
    }

    /// @notice Gives a registrar another account: signed by the present account or the recovery account, then by the new one.
    function rotateRegistrar(RotateStatement calldata said, bytes calldata signatures) external onOwnChain {
        Seat storage seat = _seats[said.region];
        _nextTurn(seat, said.turn, said.notAfter);
        _requireCount(signatures, 2);
        bytes32 digest =
            _digest(keccak256(abi.encode(ROTATE_TYPE, said.region, said.account, said.turn, said.notAfter)));
        address signer = _signer(digest, signatures, 0);
        if (signer == seat.account) {
            if (block.timestamp < seat.rotated + ROTATION_SECONDS) revert RotatedRecently();
        } else if (signer != seat.recovery) {
            revert SignerWrong();
        }
        if (_signer(digest, signatures, 1) != said.account) revert SignerWrong();
        _replaceAccount(seat, said.region, said.account);
        seat.rotated = uint40(block.timestamp);
        emit RegistrarRotated(said.region, said.account, said.turn, said.notAfter, signatures);
    }

    /// @notice Asks a registrar for an answer, which any act is that it signs: signed by a majority of the others.
    function challengeRegistrar(ChallengeStatement calldata said, bytes calldata signatures) external onOwnChain {
        Seat storage seat = _seats[said.region];
        _nextTurn(seat, said.turn, said.notAfter);
        if (seat.account == address(0)) revert RegistrarAccount();
        if (seat.challenged != 0) revert NothingChanges();
        bytes32 digest = _digest(keccak256(abi.encode(CHALLENGE_TYPE, said.region, said.turn, said.notAfter)));
        _requireMajority(digest, signatures, said.region);
        seat.challenged = uint40(block.timestamp);
        emit RegistrarChallenged(said.region, said.turn, said.notAfter, signatures);
    }

    // Slot and state

    /// @dev Copies a state into memory, with room for `room` more words, and tells whether it is the one under its slot.
    ///      What comes back is never used unless it is.
    function _read(bytes32[] calldata state, uint256 room)
        internal
        view
        returns (uint256[] memory body, bool current, bool held)
    {
        uint256 length = state.length;
        body = _allocate(length, room);
        assembly ("memory-safe") {
            calldatacopy(add(body, 0x20), state.offset, shl(5, length))
        }
        if (length <= HEAD || length <= HEAD + _peakCount(body)) return (body, false, false);
        bytes32 found = _slots[_issuer(body)];
        current = found | BRAKE == _stateDigest(body) | BRAKE && found != 0;
        held = found & BRAKE != 0;
    }

    /// @dev An array for a state with room for `room` more words; its words are not cleared.  One word is kept in front of it
    ///      for the head of the event's data, see _store.
    function _allocate(uint256 length, uint256 room) private pure returns (uint256[] memory body) {
        assembly ("memory-safe") {
            body := add(mload(0x40), 0x20)
            mstore(body, length)
            mstore(0x40, add(body, shl(5, add(add(length, room), 1))))
        }
    }

    function _open(bytes32[] calldata state) internal view returns (uint256[] memory body, bool held) {
        bool current;
        (body, current, held) = _read(state, 0);
        if (!current) revert StateStale();
    }

    /// @dev Stores the state's digest with the brake as it is to be, and tells the whole state.
    function _store(uint256[] memory body, bool held) internal {
        bytes18 issuer = _issuer(body);
        bytes32 digest = _stateDigest(body);
        _slots[issuer] = held ? digest | BRAKE : digest & ~BRAKE;
        bytes32 topic = BodyState.selector;
        assembly ("memory-safe") {
            let data := sub(body, 0x20)
            mstore(data, 0x20)
            log2(data, shl(5, add(mload(body), 2)), topic, issuer)
        }
    }

    /// @dev Keccak over w0 to w5, the hash of the key words and the hash of the peaks.
    function _stateDigest(uint256[] memory body) private pure returns (bytes32 digest) {
        uint256 peaks = _peakCount(body);
        assembly ("memory-safe") {
            let words := add(body, 0x20)
            let split := sub(add(words, shl(5, mload(body))), shl(5, peaks))
            let keys := add(words, 0xc0)
            let w6 := keccak256(keys, sub(split, keys))
            let w7 := keccak256(split, shl(5, peaks))
            let free := mload(0x40)
            for { let i := 0 } lt(i, 0xc0) { i := add(i, 0x20) } { mstore(add(free, i), mload(add(words, i))) }
            mstore(add(free, 0xc0), w6)
            mstore(add(free, 0xe0), w7)
            digest := keccak256(free, 0x100)
        }
    }

    /// @dev One peak for each binary digit of the number of batches.
    function _peakCount(uint256[] memory body) private pure returns (uint256 count) {
        for (uint256 left = body[1] >> 192; left != 0; left &= left - 1) {
            unchecked {
                ++count;
            }
        }
    }

    function _keyCount(uint256[] memory body) internal pure returns (uint256) {
        return body.length - HEAD - _peakCount(body);
    }

    function _issuer(uint256[] memory body) internal pure returns (bytes18) {
        return bytes18(bytes32(body[0]));
    }

    function _region(uint256[] memory body) internal pure returns (uint256) {
        return uint16(body[0] >> 96);
    }

    function _standing(uint256[] memory body) internal pure returns (uint256) {
        return uint8(body[0] >> 80);
    }

    /// @dev Moves the brakes of the bodies that a hold or a release names; `kind` is the hash of its type.
    function _moveBrakes(bytes32 kind, BrakeStatement calldata said, bytes calldata signatures) private {
        Seat storage seat = _seats[said.region];
        if (said.nonce != uint256(seat.nonce) + 1) revert CounterWrong();
        _requireTimely(said.notAfter);
        _requireCount(signatures, 1);
        bytes32 issuers = keccak256(abi.encodePacked(said.issuers));
        bytes32 digest = _digest(keccak256(abi.encode(kind, said.region, issuers, said.nonce, said.notAfter)));
        _requireRegistrar(said.region, digest, signatures, 0);
        seat.nonce = uint56(said.nonce);
        if (said.issuers.length > MAX_ISSUERS) revert IssuerList();
        bytes18 before;
        for (uint256 i; i < said.issuers.length; ++i) {
            bytes18 issuer = said.issuers[i];
            if (issuer <= before) revert IssuerList();
            before = issuer;
            bytes32 current = _slots[issuer];
            if (current == 0) revert BodyUnknown();
            if (_regionOfCode(issuer) != said.region) revert IssuerList();
            if (kind == RELEASE_TYPE && current & BRAKE == 0) revert NothingChanges();
            _slots[issuer] = kind == HOLD_TYPE ? current | BRAKE : current & ~BRAKE;
        }
    }

    /// @dev The codes in states that are yet to be opened; they must strictly ascend.
    function _issuersOf(bytes32[][] calldata states) private pure returns (bytes18[] memory issuers) {
        if (states.length == 0 || states.length > MAX_ISSUERS) revert IssuerList();
        issuers = new bytes18[](states.length);
        bytes18 before;
        for (uint256 i; i < states.length; ++i) {
            if (states[i].length == 0) revert StateStale();
            bytes18 issuer = bytes18(states[i][0]);
            if (issuer <= before) revert IssuerList();
            issuers[i] = before = issuer;
        }
    }

    /// @dev Restores the body in place `at` of a list; its ends begin at `next`, and those of the next one at what is
    ///      returned.
    function _restoreOne(bytes32[] calldata state, uint256 at, uint8 standing, bytes8[] calldata ends, uint256 next)
        private
        returns (uint256)
    {
        (uint256[] memory body,) = _open(state);
        if (standing < ACTIVE || standing > STRUCK) revert StandingForbids();
        _advanceRevision(body, uint256(uint32(body[1] >> 32)) + 1);
        if (_standing(body) != standing) _setStanding(body, standing);
        uint256 least;
        for (; next < ends.length && uint64(ends[next]) >> 48 == at; ++next) {
            least = _endKey(body, least, uint8(uint64(ends[next]) >> 40), uint40(uint64(ends[next])), true);
        }
        _store(body, false);
        return next;
    }

    function _setStanding(uint256[] memory body, uint256 standing) private view {
        uint256 cleared = body[0] & ~(uint256(type(uint48).max) << 40);
        body[0] = cleared | standing << 80 | block.number << 40;
    }

    function _mayBecome(uint256 from, uint256 to) private pure returns (bool) {
        if (to == STRUCK) return from != STRUCK;
        if (to == ACTIVE) return from == SUSPENDED;
        return from == ACTIVE && (to == SUSPENDED || to == CLOSED);
    }

    function _advanceRevision(uint256[] memory body, uint256 revision) private pure {
        if (revision != uint32(body[1] >> 32) + 1) revert CounterWrong();
        body[1] += 1 << 32;
    }

    function _newBody(bytes18 issuer, uint256 region, uint256 kind, bytes32 name)
        private
        view
        returns (uint256[] memory body)
    {
        body = new uint256[](HEAD);
        body[0] = uint256(bytes32(issuer)) | region << 96 | kind << 88 | ACTIVE << 80 | block.number << 40;
        body[2] = uint256(name);
        body[5] = uint256(StatusTree.EMPTY_ROOT);
    }

    // Keys

    /// @dev Puts keys behind those there are; each must have signed, from signature `at` on.
    function _addKeys(
        uint256[] memory body,
        bytes21[] calldata added,
        bytes32 digest,
        bytes calldata signatures,
        uint256 at
    ) private view returns (uint256[] memory grown) {
        uint256 keys = HEAD + _keyCount(body);
        uint256 end = keys + added.length;
        if (end == HEAD || end > HEAD + MOST_KEYS) revert KeyCount();
        grown = _allocate(body.length + added.length, 0);
        for (uint256 i; i < keys; ++i) grown[i] = body[i];
        for (uint256 i = keys; i < body.length; ++i) grown[i + added.length] = body[i];
        for (uint256 i; i < added.length; ++i) {
            address account = address(bytes20(added[i]));
            uint256 purposes = uint8(added[i][20]);
            if (account == address(0) || purposes == 0 || purposes > ALL_PURPOSES) revert KeyInvalid();
            for (uint256 j = HEAD; j < keys + i; ++j) if (grown[j] >> 96 == uint160(account)) revert KeyInvalid();
            if (_signer(digest, signatures, at + i) != account) revert SignerWrong();
            grown[keys + i] = uint256(bytes32(added[i])) | block.number << 48 | NO_END << 8;
        }
    }

    /// @dev Sets the end of a key; only `raise` lets it move up.  Returns the least index that the next end may have.
    function _endKey(uint256[] memory body, uint256 least, uint256 key, uint256 end, bool raise)
        private
        pure
        returns (uint256)
    {
        if (key < least) revert EndOrder();
        if (key >= _keyCount(body)) revert KeyUnknown();
        uint256 word = body[HEAD + key];
        if (!raise && end >= uint40(word >> 8)) revert EndRaised();
        body[HEAD + key] = word & ~(NO_END << 8) | end << 8;
        return key + 1;
    }

    /// @dev Returns why `signer` does not speak as key `key` for any of `purposes` in this block, or zero if it does.
    function _keyRefusal(uint256[] memory body, uint256 key, uint256 purposes, address signer)
        internal
        view
        returns (bytes4)
    {
        if (key >= _keyCount(body)) return KeyUnknown.selector;
        uint256 word = body[HEAD + key];
        if (word >> 96 != uint160(signer)) return SignerWrong.selector;
        if ((word >> 88) & purposes == 0) return KeyPurpose.selector;
        // A key is added in a block before or this one, so that only its end can have passed.
        if (block.number >= uint40(word >> 8)) return KeyEnded.selector;
        return 0;
    }

    // Signatures

    function _requireKey(
        uint256[] memory body,
        uint256 key,
        uint256 purposes,
        bytes32 digest,
        bytes calldata signatures,
        uint256 at
    ) internal view {
        bytes4 reason = _keyRefusal(body, key, purposes, _signer(digest, signatures, at));
        if (reason != 0) {
            assembly ("memory-safe") {
                mstore(0x00, reason)
                revert(0x00, 0x04)
            }
        }
    }

    function _requireRegistrar(uint256 region, bytes32 digest, bytes calldata signatures, uint256 at) internal {
        Seat storage seat = _seats[uint16(region)];
        if (_signer(digest, signatures, at) != seat.account) revert SignerWrong();
        _answer(seat);
    }

    /// @dev Any registrar but the one of `region`.
    function _requireOtherRegistrar(uint256 region, bytes32 digest, bytes calldata signatures, uint256 at) private {
        uint16 other = _regionOf[_signer(digest, signatures, at)];
        if (other == 0 || other == region) revert SignerWrong();
        _answer(_seats[other]);
    }

    /// @dev More than half of all registrars but the one of region `without` (0 for none), in ascending order of their
    ///      regions, so that none counts twice.
    function _requireMajority(bytes32 digest, bytes calldata signatures, uint256 without) private {
        uint256 count = signatures.length / SIGNATURE;
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

    /// @dev A registrar that signs is not silent.
    function _answer(Seat storage seat) private {
        if (seat.challenged != 0) seat.challenged = 0;
    }

    function _requireCount(bytes calldata signatures, uint256 count) internal pure {
        if (signatures.length != count * SIGNATURE) revert SignatureCount();
    }

    function _requireTimely(uint256 notAfter) internal view {
        if (notAfter < block.timestamp) revert StatementExpired();
        if (notAfter > block.timestamp + LONGEST_LIFE) revert StatementTooFar();
    }

    /// @dev The same as a reason, for acts that refuse parts of a call.
    function _timeRefusal(uint256 notAfter) internal view returns (bytes4) {
        if (notAfter < block.timestamp) return StatementExpired.selector;
        if (notAfter > block.timestamp + LONGEST_LIFE) return StatementTooFar.selector;
        return 0;
    }

    /// @dev The account behind signature number `at` of those that stand one after another in `signatures`.
    function _signer(bytes32 digest, bytes calldata signatures, uint256 at) private pure returns (address signer) {
        bytes calldata one = signatures[at * SIGNATURE:(at + 1) * SIGNATURE];
        signer = _recover(digest, uint8(one[64]), bytes32(one[:32]), bytes32(one[32:64]));
        if (signer == address(0)) revert SignatureInvalid();
    }

    /// @dev Zero if the signature is invalid: high s, v other than 27 and 28, or no point.
    function _recover(bytes32 digest, uint8 v, bytes32 r, bytes32 s) internal pure returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest, v, r, s);
    }

    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(identity, structHash);
    }

    // Regions and chain

    function _nextTerm(uint32 next, uint64 notAfter) private {
        if (next != term + 1) revert CounterWrong();
        _requireTimely(notAfter);
        term = next;
    }

    function _nextTurn(Seat storage seat, uint32 next, uint64 notAfter) private {
        if (next != seat.turn + 1) revert CounterWrong();
        _requireTimely(notAfter);
        seat.turn = next;
    }

    /// @dev Gives the seat of a region to an account that has none; account 0 removes the region's registrar.
    function _seat(uint16 region, address account, address recovery) private {
        if (region == 0 || region > MOST_REGION) revert RegionOrder();
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

    /// @dev The region stands in the third and fourth character of a code.
    function _regionOfCode(bytes18 code) private pure returns (uint256) {
        for (uint256 i; i < 18; ++i) {
            uint256 character = uint8(code[i]);
            bool digit = character >= 0x30 && character <= 0x39;
            bool letter = character >= 0x41 && character <= 0x5a;
            if (!digit && (!letter || i == 2 || i == 3)) revert CodeInvalid();
        }
        return (uint256(uint8(code[2])) - 0x30) * 10 + uint256(uint8(code[3])) - 0x30;
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
