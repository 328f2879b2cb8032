output "state_bucket_name" {
  description = "Bucket of the states; GitHub's variable STATE_BUCKET."
  value       = module.state_bucket.name
}

output "region" {
  description = "Region of the states and the registry; GitHub's variable AWS_REGION."
  value       = var.region
}

output "image_repository_url" {
  description = "Repository for images; GitHub's variable IMAGE_REPOSITORY."
  value       = local.has_registry ? aws_ecr_repository.service[0].repository_url : "${local.registry_account_id}.dkr.ecr.${var.region}.amazonaws.com/${var.project_name}"
}

output "deploy_role_arns" {
  description = "Roles of deployments by environment; AWS_DEPLOY_ROLE_ARN of each environment in GitHub."
  value       = { for name, role in aws_iam_role.deploy : name => role.arn }
}

output "build_role_arn" {
  description = "Role with which main pushes images; GitHub's variable AWS_BUILD_ROLE_ARN. Null where another account has the registry."
  value       = try(aws_iam_role.repository["build"].arn, null)
}

output "drift_role_arn" {
  description = "Role of drift checks; GitHub's variable AWS_DRIFT_ROLE_ARN."
  value       = aws_iam_role.repository["drift"].arn
}

output "release_plan_role_arn" {
  description = "Role with which main plans releases; GitHub's variable AWS_RELEASE_PLAN_ROLE_ARN."
  value       = aws_iam_role.repository["release-plan"].arn
}

output "plan_role_arn" {
  description = "Role with which pull requests plan; GitHub's variable AWS_PLAN_ROLE_ARN."
  value       = aws_iam_role.repository["plan"].arn
}
