"""deploy/ held to its promises: manifests by the Kubernetes schemas and our policy, the image built and run."""
