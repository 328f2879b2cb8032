# Permissions of a deployment for its state, the image that it deploys, and its budget.
locals {
  deploy_state_and_image = { for name, own in local.own : name => [
    { Sid = "ListStateBucket", Action = ["s3:ListBucket"], Resource = [module.state_bucket.arn] },
    {
      Sid      = "ReadWriteOwnState"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = ["${module.state_bucket.arn}/${var.project_name}/${name}.tfstate*"]
    },
    { Sid = "ReadArtifactsAndOwnPlans", Action = ["s3:GetObject"], Resource = [local.artifacts, "${module.state_bucket.arn}/plans/${name}/*"] },
    {
      Sid      = "DeleteOwnStateLock"
      Action   = ["s3:DeleteObject"]
      Resource = ["${module.state_bucket.arn}/${var.project_name}/${name}.tfstate.tflock"]
    },
    {
      Sid      = "ManageOwnBudget"
      Action   = ["budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource", "budgets:ViewBudget"]
      Resource = ["arn:${local.partition}:budgets::${local.account_id}:budget/${own}"]
    },
    # PutImage tags an image as released. Without the actions that upload layers it cannot bring in another one.
    { Sid = "DescribeAndTagImages", Action = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"], Resource = [local.registry_arn] },
  ] }
}
