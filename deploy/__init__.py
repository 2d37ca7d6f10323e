"""What builds, audits and releases; the manifests lie beside it. For developers: it is in no wheel and in no image."""
