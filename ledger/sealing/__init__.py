"""From rows of a sheet to a signed batch; needs no server and no chain."""
