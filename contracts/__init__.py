"""The ledger's Solidity contracts, their build, their artifacts and a loader."""
