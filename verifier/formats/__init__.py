"""The formats of SPEC: each parsed strictly and formatted in its one spelling."""
