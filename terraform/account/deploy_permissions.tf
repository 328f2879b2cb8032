# What an apply of one environment can do. Where AWS supports resource-level permissions, they are limited to the environment's
# own resources by name or tag (isolation.tf), so that a deployment of dev cannot touch prod. One file for each document.
locals {
  # Managed policies, because one inline policy would exceed the size limit.
  deploy_documents = merge([
    for name in var.deploy_environments : {
      "${name}-state-and-image" = data.aws_iam_policy_document.deploy_state_and_image[name].json
      "${name}-domain"          = data.aws_iam_policy_document.deploy_domain[name].json
      "${name}-network"         = data.aws_iam_policy_document.deploy_network[name].json
      "${name}-roles-and-keys"  = data.aws_iam_policy_document.deploy_roles_and_keys[name].json
      "${name}-resources"       = data.aws_iam_policy_document.deploy_resources[name].json
    }
  ]...)
}
