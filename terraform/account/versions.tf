terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
  }

  # `make account` writes backend.tf, which names the bucket that this configuration describes.
}
