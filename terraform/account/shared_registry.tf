# One account can keep the registry for others: an image is built once and promoted by its digest, also from one account to
# another. IAM of the other account decides which of its roles use it.
locals {
  has_registry        = var.registry_account_id == null
  registry_account_id = coalesce(var.registry_account_id, local.account_id)
  registry_arn        = "arn:${local.partition}:ecr:${var.region}:${local.registry_account_id}:repository/${var.project_name}"
}

data "aws_iam_policy_document" "registry_clients" {
  statement {
    sid     = "PullAndTagFromOtherAccounts"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer", "ecr:PutImage"]

    principals {
      type        = "AWS"
      identifiers = [for id in var.registry_client_account_ids : "arn:${local.partition}:iam::${id}:root"]
    }
  }
}

resource "aws_ecr_repository_policy" "clients" {
  count = length(var.registry_client_account_ids) > 0 ? 1 : 0

  repository = aws_ecr_repository.service[0].name
  policy     = data.aws_iam_policy_document.registry_clients.json
}
