"""The service's verdicts, and the verification receipts signed for them."""
