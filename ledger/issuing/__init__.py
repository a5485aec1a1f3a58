"""The issuing body's own tools: they need no server and no chain, and keys stay with them."""
