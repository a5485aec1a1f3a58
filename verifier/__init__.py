"""The format of certificates and everything that checks it; installs alone, small."""
