# Permissions of a deployment for its state, the image that it deploys, and its budget.
data "aws_iam_policy_document" "deploy_state_and_image" {
  for_each = local.own

  statement {
    sid       = "ListStateBucket"
    actions   = ["s3:ListBucket"]
    resources = [module.state_bucket.arn]
  }

  statement {
    sid       = "ReadWriteOwnState"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.state_bucket.arn}/${var.project_name}/${each.key}.tfstate*"]
  }

  statement {
    sid       = "ReadArtifactsAndOwnPlans"
    actions   = ["s3:GetObject"]
    resources = [local.artifacts, "${module.state_bucket.arn}/plans/${each.key}/*"]
  }

  statement {
    sid       = "DeleteOwnStateLock"
    actions   = ["s3:DeleteObject"]
    resources = ["${module.state_bucket.arn}/${var.project_name}/${each.key}.tfstate.tflock"]
  }

  statement {
    sid       = "ManageOwnBudget"
    actions   = ["budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource", "budgets:ViewBudget"]
    resources = ["arn:${local.partition}:budgets::${local.account_id}:budget/${each.value}"]
  }

  # PutImage tags an image as released. Without the actions that upload layers it cannot bring in another one.
  statement {
    sid       = "DescribeAndTagImages"
    actions   = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"]
    resources = [local.registry_arn]
  }
}
