"""A rehearsal of the deployment on one machine: the real Terraform against a local AWS."""
