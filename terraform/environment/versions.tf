terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
  }

  # One state for each environment: dev.s3.tfbackend says which, and the bucket is named at init.
  backend "s3" {}
}
