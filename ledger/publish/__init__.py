"""Publication from the mirror: evidence, snapshots, checkpoints and cosignatures."""
