"""What is published of the mirror: evidence, snapshots, checkpoints and cosignatures."""
