"""The audit: everything said since the deployment, said again and compared with what is there."""
