"""The formats of SPEC: strict parsers and canonical formatters."""
