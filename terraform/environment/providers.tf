locals {
  tags = { Project = var.project_name, Environment = var.environment, ManagedBy = "terraform" }
}

provider "aws" {
  region = var.region

  default_tags { tags = local.tags }
}
