// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What others ask of a council
/// @notice Whether a signer has a seat, and how many seats there are. Anything that answers these two fits;
/// a Safe does behind an adapter of two functions.
/// @dev A signer is an ERC-7913 key: an address as 20 bytes, or a verifier's address and a key.
interface ISeats {
    /// @notice Whether a signer has a seat.
    function isSigner(bytes memory signer) external view returns (bool);

    /// @notice How many seats there are.
    function getSignerCount() external view returns (uint256);
}

/// @title A council of m of n
/// @notice Acts by calls on which at least `threshold` members agreed with a signature over the typed message
/// `Call`; anybody may carry it. Holds nothing and sends no value.
/// @dev The events are its audit trail: every call with its number, every change of seats twice, announced
/// and made. Seats change only by a call of the council to itself and only after `rotationDelay`: whoever gets
/// hold of m keys can neither unseat the others in the transaction in which he uses them nor count as the full
/// council, and whoever watches has that long to cancel, which takes m keys too, or to revoke.
interface ICouncil is ISeats {
    /// @param nonce Must be `nonce()`: calls are made in the order in which they were agreed on.
    struct Call {
        address target;
        bytes data;
        uint256 nonce;
        uint64 deadline;
    }

    /// @notice The council made a call, and these members agreed on it.
    event Acted(uint256 indexed nonce, address indexed target, bytes data, bytes[] signers);
    /// @notice The council wants other seats, from `readyAt` on.
    event RotationAnnounced(bytes[] added, bytes[] removed, uint64 threshold, uint48 readyAt);
    /// @notice The seats changed.
    event RotationMade(bytes[] added, bytes[] removed, uint64 threshold);
    /// @notice The council took its announcement back.
    event RotationCancelled(bytes32 rotation);

    /// @notice Fewer than `threshold` members signed, one of them twice, out of order, or about another call.
    error CouncilNotAgreed(uint256 nonce);
    /// @notice The call was made already, or an earlier one was not.
    error CouncilWrongNonce(uint256 named, uint256 current);
    /// @notice The signatures are too old.
    error CouncilCallExpired(uint64 deadline, uint256 time);
    /// @notice Only the council, by a call to itself.
    error CouncilNotItself(address caller);
    /// @notice Another rotation was announced, or none.
    error CouncilUnknownRotation(bytes32 announced, bytes32 presented);
    /// @notice The announced rotation waits until then.
    error CouncilRotationWaits(uint48 readyAt);
    /// @notice A rotation that could be made in the block in which it is announced.
    error CouncilWithoutDelay();

    /// @notice Makes a call that the council agreed on.
    /// @param signatures `abi.encode(bytes[] signers, bytes[] signatures)`, signers by ascending keccak-256.
    /// @return What the called function returned; it reverts with what that one reverts with.
    function act(Call calldata call, bytes calldata signatures) external returns (bytes memory);

    /// @notice Announces other seats. Only the council itself.
    function announceRotation(bytes[] calldata added, bytes[] calldata removed, uint64 threshold) external;

    /// @notice Takes an announced rotation back. Only the council itself.
    function cancelRotation() external;

    /// @notice Makes an announced rotation once its time has come. Anybody may.
    function rotate(bytes[] calldata added, bytes[] calldata removed, uint64 threshold) external;

    /// @notice The number of the next call.
    function nonce() external view returns (uint256);

    /// @notice Seconds between the announcement of other seats and their change.
    function rotationDelay() external view returns (uint32);

    /// @notice The announced rotation, as `keccak256(abi.encode(added, removed, threshold))`, and from when it
    /// may be made; zero where none is.
    function announced() external view returns (bytes32 rotation, uint48 readyAt);

    /// @notice What members sign.
    function hashCall(Call calldata call) external view returns (bytes32);
}
