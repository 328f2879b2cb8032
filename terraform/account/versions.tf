terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # No backend yet: this configuration makes the bucket in which all states live. ../README.md moves its own state there.
}
