"""The issuer's own tool: its folder, catalogs, status changes and signed acts."""
