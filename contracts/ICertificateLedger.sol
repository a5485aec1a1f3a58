// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title The published interface of the one contract of a ledger
/// @notice Every function, event and error of CertificateLedger, with the errors of each act.  SPEC sections 7 to 9, 12 and 13.
/// @dev An act carries a statement, typed data (EIP-712) under the domain `identity`, and `signatures`: 65 bytes `r s v` each,
///      one after another in the order that the act names.  The sender of the transaction never matters.
///
///      `state` is an issuer's whole present state, the words of SPEC section 8.  `key` is the index of the issuer's key that
///      signs, 255 where none does.  *The registrar* is that of the issuer's region.
///
///      `custom:errors` lists the errors that a function can revert with.  The encoding of the arguments is checked
///      first; what is no encoding reverts without data.
interface ICertificateLedger {
    // Errors.  All but one have no arguments, so that a refusal is four bytes and can also be named in an event.

    /// @notice The chain does not count time in seconds, hash or recover as Ethereum does, or has no chain id.
    error ChainUnfit();
    /// @notice This is a fork with another chain id than the contract was deployed on.
    error ChainForked();
    /// @notice The salt of the identity is zero.
    error SaltMissing();
    /// @notice Fewer than three registrars, at deployment or after a removal.
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

    /// @notice The state handed in is not the one under the issuer's slot.
    error StateStale();
    /// @notice There is no such issuer.
    error BodyUnknown();
    /// @notice The issuer is registered already.
    error BodyExists();
    /// @notice The issuer is on hold: only acts that its registrar signs too go through.
    error BodyHeld();
    /// @notice Issuers do not strictly ascend, are more than 128, or one belongs to another region.
    error IssuerList();
    /// @notice The issuer's standing, or the one asked for, rules out the act.
    error StandingForbids();
    /// @notice The code is not 18 characters of `0-9A-Z` with a region in the third and fourth.
    error CodeInvalid();
    /// @notice There are only the kinds 1 to 6.
    error KindUnknown();

    /// @notice An issuer has 1 to 16 keys.
    error KeyCount();
    /// @notice A key given is no address, has no purpose or an unknown one, or occurs twice.
    error KeyInvalid();
    /// @notice The issuer has no key of this index.
    error KeyUnknown();
    /// @notice The key cannot sign in this block: it has ended.
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

    /// @notice The batch's first index is not the number of certificates so far.
    error FirstWrong();
    /// @notice A batch has 1 to 65,536 certificates, and an issuer at most 2^32.
    error BatchCount();
    /// @notice The unused bits of a batch's first word are not zero.
    error BatchMalformed();
    /// @notice No batch of the call was good.
    /// @param issuer of the first refusal; zero with `StateStale`, and where nothing was refused since nothing was handed in
    /// @param reason selector of the first refusal's error; zero where nothing was refused
    error NothingAnchored(bytes18 issuer, bytes4 reason);

    /// @notice The list is empty, longer than 512 words, or its parts differ in length.
    error StatusSize();
    /// @notice There are only the statuses 0 to 3.
    error StatusUnknown();
    /// @notice Positions of words must strictly increase and lie below 2^25.
    error StatusOrder();
    /// @notice A mask is zero, or has one bit of a certificate's cell without the other.
    error StatusMask();
    /// @notice A chosen certificate has not been issued.
    error StatusNotIssued();
    /// @notice A chosen certificate already has this status.
    error StatusUnchanged();
    /// @notice A chosen certificate is revoked or superseded, and the registrar did not sign.
    error StatusTerminal();
    /// @notice The multi-proof has too few or too many siblings or marks, or lists a default.
    error StatusProofShape();
    /// @notice The old words and siblings do not lead to the issuer's status root.
    error StatusProofRoot();

    // Arguments

    /// @notice A registrar at deployment.
    struct FirstRegistrar {
        uint16 region;
        address account;
        address recovery; // zero for none
    }

    /// @notice The seat of a region's registrar.
    struct Seat {
        address account; // zero where the region has no registrar
        uint56 nonce; // counts holds and releases
        uint40 challenged; // time of a challenge that the registrar has not answered, else zero
        address recovery; // may rotate the account too; zero where there is none
        uint32 turn; // counts rotations and challenges
        uint40 rotated; // time of the last rotation
    }

    /// @notice Statement `Register`: `name` is a SHA-256, a key is its address and a byte of purposes.
    struct RegisterStatement {
        bytes18 issuer;
        uint8 kind;
        bytes32 name;
        bytes21[] keys;
        uint64 notAfter;
    }

    /// @notice Statement `Catalog`, without the issuer, which the state names.
    struct CatalogStatement {
        uint32 version;
        bytes32 root;
        uint64 notAfter;
    }

    /// @notice Statement `Keys`, without the issuer: an end is a key index (1 byte) and a block (5 bytes).
    struct KeysStatement {
        uint32 revision;
        bytes21[] added;
        bytes6[] ends;
        uint64 notAfter;
    }

    /// @notice Statement `Standing`, without the issuer: 1 active, 2 suspended, 3 closed, 4 struck.
    struct StandingStatement {
        uint32 revision;
        uint8 standing;
        uint64 notAfter;
    }

    /// @notice Statement `Hold` or `Release`.
    struct HoldStatement {
        uint16 region;
        bytes18[] issuers;
        uint64 nonce;
        uint64 notAfter;
    }

    /// @notice Statement `Restore`, without the issuers: an end is a place in the list (2 bytes), a key index (1 byte) and a
    ///         block (5 bytes).
    struct RestoreStatement {
        uint32 term;
        uint8[] standings;
        bytes8[] ends;
        uint64 notAfter;
    }

    /// @notice Statement `Registrar`.
    struct RegistrarStatement {
        uint16 region;
        address account;
        address recovery;
        uint32 term;
        uint64 notAfter;
    }

    /// @notice Statement `Rotate`.
    struct RotateStatement {
        uint16 region;
        address account;
        uint32 turn;
        uint64 notAfter;
    }

    /// @notice Statement `Challenge`.
    struct ChallengeStatement {
        uint16 region;
        uint32 turn;
        uint64 notAfter;
    }

    /// @notice Batches to append to one issuer; each is five words: the packed head, root, countersignature, r, s.
    struct Entry {
        bytes32[] state;
        bytes32[5][] batches;
    }

    /// @notice Statement `Status`, without the issuer: the cells in `masks` of the words at positions `words` become `status`.
    struct StatusStatement {
        uint64 epoch;
        uint32[] words;
        uint256[] masks;
        uint8 status;
        bytes3 reason;
        uint64 notAfter;
    }

    /// @notice The multi-proof of SPEC section 9.
    struct StatusProof {
        bytes32[] words; // the words before the change
        bytes marks; // one bit a missing sibling: 0 default of its level, 1 next of `siblings`
        bytes32[] siblings;
    }

    // Events.  An act's event has its statement's members, the key where one may sign, and the signatures as handed in.

    /// @notice The ledger begins.
    /// @param identity the domain separator, which is the ledger's identity
    /// @param salt drawn at deployment, a part of the domain
    event Created(bytes32 indexed identity, bytes32 salt);

    /// @notice A region's registrar was set, or removed with account 0.
    /// @param region 1 to 99
    /// @param account the registrar's account from now on
    /// @param recovery the account that may rotate it too; zero for none
    /// @param term number of the change; 0 at deployment
    /// @param notAfter of the statement; 0 at deployment
    /// @param signatures as handed in; none at deployment
    event RegistrarChanged(
        uint16 indexed region, address account, address recovery, uint32 term, uint64 notAfter, bytes signatures
    );

    /// @notice A registrar has another account.
    /// @param region of the registrar
    /// @param account from now on
    /// @param turn the region's number of rotations and challenges
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event RegistrarRotated(uint16 indexed region, address account, uint32 turn, uint64 notAfter, bytes signatures);

    /// @notice A registrar must sign something within 30 days, or the others can replace it without it.
    /// @param region of the registrar
    /// @param turn the region's number of rotations and challenges
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event RegistrarChallenged(uint16 indexed region, uint32 turn, uint64 notAfter, bytes signatures);

    /// @notice An issuer was registered.
    /// @param issuer its code
    /// @param kind 1 to 6
    /// @param name SHA-256 of the name
    /// @param keys its first keys
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event Registered(bytes18 indexed issuer, uint8 kind, bytes32 name, bytes21[] keys, uint64 notAfter, bytes signatures);

    /// @notice An issuer has another catalog.
    /// @param issuer its code
    /// @param version of the catalog
    /// @param root of the catalog; zero for the empty one
    /// @param notAfter of the statement
    /// @param key that signed; 255 where the registrar did alone
    /// @param signatures as handed in
    event CatalogChanged(bytes18 indexed issuer, uint32 version, bytes32 root, uint64 notAfter, uint8 key, bytes signatures);

    /// @notice Keys of an issuer were added or ended.
    /// @param issuer its code
    /// @param revision the issuer's number of changes of keys and standing
    /// @param added keys, behind those there are
    /// @param ends by key index
    /// @param notAfter of the statement
    /// @param key that signed; 255 where another region's registrar did instead
    /// @param signatures as handed in
    event KeysChanged(
        bytes18 indexed issuer, uint32 revision, bytes21[] added, bytes6[] ends, uint64 notAfter, uint8 key, bytes signatures
    );

    /// @notice An issuer was suspended, resumed, closed or struck.
    /// @param issuer its code
    /// @param revision the issuer's number of changes of keys and standing
    /// @param standing from this block on
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event StandingChanged(bytes18 indexed issuer, uint32 revision, uint8 standing, uint64 notAfter, bytes signatures);

    /// @notice Issuers were put on hold.
    /// @param region of the registrar that signed
    /// @param issuers their codes, ascending
    /// @param nonce the region's number of holds and releases
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event Held(uint16 indexed region, bytes18[] issuers, uint64 nonce, uint64 notAfter, bytes signatures);

    /// @notice Holds on issuers were released.
    /// @param region of the registrar that signed
    /// @param issuers their codes, ascending
    /// @param nonce the region's number of holds and releases
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event Released(uint16 indexed region, bytes18[] issuers, uint64 nonce, uint64 notAfter, bytes signatures);

    /// @notice A majority of registrars set standings and key ends, and released holds.
    /// @param term number of the change by a majority
    /// @param issuers their codes, ascending
    /// @param standings one for each issuer
    /// @param ends by place of the issuer and key index
    /// @param notAfter of the statement
    /// @param signatures as handed in
    event Restored(
        uint32 indexed term, bytes18[] issuers, uint8[] standings, bytes8[] ends, uint64 notAfter, bytes signatures
    );

    /// @notice A batch was appended.
    /// @param issuer its code
    /// @param batch the five words as handed in
    event Anchored(bytes18 indexed issuer, bytes32[5] batch);

    /// @notice A batch, or with sequence 0 an issuer with all its batches, was passed over; nothing of it changed.  An issuer
    ///         whose state is not current is passed over without an event, since nothing of it was checked.
    /// @param issuer its code
    /// @param sequence of the batch as its head has it; 0 for all batches of the issuer
    /// @param reason selector of the error
    event Skipped(bytes18 indexed issuer, uint64 sequence, bytes4 reason);

    /// @notice Certificates have another status.
    /// @param issuer its code
    /// @param epoch the issuer's number of changes of status
    /// @param words positions of the changed words
    /// @param masks the chosen cells of each word, both bits of a cell
    /// @param status 0 valid, 1 revoked, 2 suspended, 3 superseded
    /// @param reason code of SPEC section 10
    /// @param notAfter of the statement
    /// @param key that signed
    /// @param signatures as handed in
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

    /// @notice The issuer's whole state after the acts whose events come just before.
    /// @param issuer its code
    /// @param state the words of SPEC section 8
    event BodyState(bytes18 indexed issuer, bytes32[] state);

    // Views

    /// @notice The ledger's identity: its EIP-712 domain separator.
    /// @return the domain separator
    function identity() external view returns (bytes32);

    /// @notice The issuer's slot: the digest of its state, bit 0 being set while it is on hold.
    /// @param issuer its code
    /// @return the slot; zero for an unknown issuer
    function slot(bytes18 issuer) external view returns (bytes32);

    /// @notice Hash chain (28 bytes) and number (4 bytes) of all issuers, in order of registration.
    /// @return the chain and the number
    function roll() external view returns (bytes32);

    /// @notice The registrar of a region.
    /// @param region 1 to 99
    /// @return its seat
    function registrar(uint16 region) external view returns (Seat memory);

    /// @notice Number of registrars.
    /// @return at least three
    function registrars() external view returns (uint16);

    /// @notice Number of the last act that a majority of registrars signed (`restore`, `changeRegistrar`).
    /// @return zero before the first
    function term() external view returns (uint32);

    /// @notice The EIP-712 domain, as EIP-5267 asks for it.
    /// @return fields, name, version, chain id, contract, salt, and no extensions
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory);

    // Acts

    /// @notice Registers an issuer.
    /// @param statement its code, kind, name and keys
    /// @param signatures of the registrar, of another region's registrar, then of each key, in order
    /// @custom:errors ChainForked, BodyExists, CodeInvalid, KindUnknown, StatementExpired, StatementTooFar, SignatureCount,
    /// SignatureInvalid, SignerWrong, KeyCount, KeyInvalid
    function register(RegisterStatement calldata statement, bytes calldata signatures) external;

    /// @notice Appends batches of any number of issuers.  An issuer whose state has moved, that is on hold or not active is
    ///         passed over whole, a bad batch singly.  Reverts if nothing was appended.
    /// @param list issuers with their batches; each batch is signed by an issuer's key for batches
    /// @custom:errors ChainForked, NothingAnchored
    /// @custom:reasons StateStale, BodyHeld, StandingForbids, BatchMalformed, CounterWrong, FirstWrong, BatchCount,
    /// StatementExpired, StatementTooFar, SignatureInvalid, KeyUnknown, SignerWrong, KeyPurpose, KeyEnded
    function anchor(Entry[] calldata list) external;

    /// @notice Gives certificates a status.  If the registrar signs too, terminal statuses may be left, and the act goes
    ///         through under a hold.
    /// @param state the issuer's present state; its standing is active or closed
    /// @param statement which certificates, and which status
    /// @param key for status
    /// @param signatures of the key, and optionally of the registrar
    /// @param proof the words before and their multi-proof
    /// @custom:errors ChainForked, StateStale, StandingForbids, CounterWrong, StatementExpired, StatementTooFar, BodyHeld,
    /// SignatureCount, SignatureInvalid, KeyUnknown, SignerWrong, KeyPurpose, KeyEnded, StatusSize, StatusUnknown,
    /// StatusOrder, StatusMask, StatusNotIssued, StatusTerminal, StatusUnchanged, StatusProofShape, StatusProofRoot
    function changeStatus(
        bytes32[] calldata state,
        StatusStatement calldata statement,
        uint8 key,
        bytes calldata signatures,
        StatusProof calldata proof
    ) external;

    /// @notice Sets the root of what the issuer may issue.
    /// @param state the issuer's present state; its standing is active
    /// @param statement the catalog's version and root
    /// @param key for catalogs; 255 if the registrar signs alone, and then the root is zero
    /// @param signatures of the key, if any, and of the registrar
    /// @custom:errors ChainForked, StateStale, StandingForbids, CounterWrong, StatementExpired, StatementTooFar,
    /// CatalogAlone, SignatureCount, SignatureInvalid, KeyUnknown, SignerWrong, KeyPurpose, KeyEnded
    function changeCatalog(
        bytes32[] calldata state,
        CatalogStatement calldata statement,
        uint8 key,
        bytes calldata signatures
    ) external;

    /// @notice Adds and ends keys.  A key that signs alone may only end itself, once, after this block, and not under a hold.
    /// @param state the issuer's present state; its standing is not struck
    /// @param statement keys to add, and ends
    /// @param key for keys, of any purpose if it signs alone; 255 if another region's registrar signs in its place
    /// @param signatures of the registrar, of the key or the other registrar, then of each added key; or of the key alone
    /// @custom:errors ChainForked, StateStale, StandingForbids, CounterWrong, StatementExpired, StatementTooFar,
    /// NothingChanges, BodyHeld, EndAlone, SignatureCount, SignatureInvalid, SignerWrong, KeyUnknown, KeyPurpose, KeyEnded,
    /// EndOrder, EndRaised, KeyCount, KeyInvalid
    function changeKeys(
        bytes32[] calldata state,
        KeysStatement calldata statement,
        uint8 key,
        bytes calldata signatures
    ) external;

    /// @notice Suspends an active issuer, resumes a suspended one, closes an active one, strikes any but a struck one.
    /// @param state the issuer's present state
    /// @param statement the standing
    /// @param signatures of the registrar, and to strike of another region's registrar
    /// @custom:errors ChainForked, StateStale, StandingForbids, CounterWrong, StatementExpired, StatementTooFar,
    /// SignatureCount, SignatureInvalid, SignerWrong
    function changeStanding(
        bytes32[] calldata state,
        StandingStatement calldata statement,
        bytes calldata signatures
    ) external;

    /// @notice Puts issuers of a region on hold, whatever their state.
    /// @param statement the region and its issuers, ascending, at most 128
    /// @param signatures of the region's registrar
    /// @custom:errors ChainForked, CounterWrong, StatementExpired, StatementTooFar, SignatureCount, SignatureInvalid,
    /// SignerWrong, IssuerList, BodyUnknown
    function hold(HoldStatement calldata statement, bytes calldata signatures) external;

    /// @notice Releases issuers from a hold.
    /// @param statement the region and its issuers, ascending, at most 128, all on hold
    /// @param signatures of the region's registrar
    /// @custom:errors ChainForked, CounterWrong, StatementExpired, StatementTooFar, SignatureCount, SignatureInvalid,
    /// SignerWrong, IssuerList, BodyUnknown, NothingChanges
    function release(HoldStatement calldata statement, bytes calldata signatures) external;

    /// @notice Sets any standing and any key ends of issuers, raised ones too, and releases their holds.
    /// @param states the issuers' present states in ascending order of their codes, 1 to 128
    /// @param statement a standing for each issuer, and ends
    /// @param signatures of more than half of the registrars, in ascending order of regions
    /// @custom:errors ChainForked, CounterWrong, StatementExpired, StatementTooFar, IssuerList, StateStale, SignatureCount,
    /// NoMajority, SignatureInvalid, SignerWrong, RegionOrder, StandingForbids, EndOrder, KeyUnknown
    function restore(bytes32[][] calldata states, RestoreStatement calldata statement, bytes calldata signatures) external;

    /// @notice Replaces or removes a region's registrar, or adds a region.
    /// @param statement the region, the account (zero to remove) and its recovery account
    /// @param signatures of more than half of the registrars, in ascending order of regions; of the others alone where the
    ///        registrar left a challenge without an answer for 30 days
    /// @custom:errors ChainForked, CounterWrong, StatementExpired, StatementTooFar, SignatureCount, NoMajority,
    /// SignatureInvalid, SignerWrong, RegionOrder, RegistrarAccount, RegistrarsTooFew
    function changeRegistrar(RegistrarStatement calldata statement, bytes calldata signatures) external;

    /// @notice Gives a registrar another account.
    /// @param statement the region and the account
    /// @param signatures of the present account or the recovery account, then of the new one
    /// @custom:errors ChainForked, CounterWrong, StatementExpired, StatementTooFar, SignatureCount, SignatureInvalid,
    /// RotatedRecently, SignerWrong, RegistrarAccount
    function rotateRegistrar(RotateStatement calldata statement, bytes calldata signatures) external;

    /// @notice Asks a registrar for an answer, which is any act that it signs.
    /// @param statement the region
    /// @param signatures of more than half of the other registrars, in ascending order of regions
    /// @custom:errors ChainForked, CounterWrong, StatementExpired, StatementTooFar, RegistrarAccount, NothingChanges,
    /// SignatureCount, NoMajority, SignatureInvalid, SignerWrong, RegionOrder
    function challengeRegistrar(ChallengeStatement calldata statement, bytes calldata signatures) external;
}
