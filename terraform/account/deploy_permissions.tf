# The permissions of an apply of one environment. Where AWS supports it, they are limited to the environment's
# own resources by name or tag (isolation.tf), so that a deployment of dev cannot touch prod. One file for each document.
locals {
  # Managed policies, because one inline policy would exceed the size limit.
  deploy_documents = merge([
    for name in var.deploy_environments : {
      "${name}-state-and-image" = local.deploy_state_and_image[name]
      "${name}-domain"          = local.deploy_domain[name]
      "${name}-network"         = local.deploy_network[name]
      "${name}-roles-and-keys"  = local.deploy_roles_and_keys[name]
      "${name}-resources"       = local.deploy_resources[name]
    }
  ]...)
}
