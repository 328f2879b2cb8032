# `make tflint`: Terraform's own rules, all of them. The AWS provider and Trivy check what is AWS's.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Variables and outputs of a concern stand with it, in separate files (variables_network.tf), not in one long file.
rule "terraform_standard_module_structure" {
  enabled = false
}
