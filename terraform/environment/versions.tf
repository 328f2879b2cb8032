terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100, < 7" }
  }

  # `init` gets the bucket, its region, and the key of the environment's state: taproom/NAME.tfstate.
  backend "s3" { use_lockfile = true }
}
