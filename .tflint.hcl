# `make tflint`: Terraform's own rules, all of them. The AWS provider and Trivy check what is AWS's.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# It demands files even if they are empty; tests/unit/terraform/test_style.py demands variables.tf and outputs.tf otherwise.
rule "terraform_standard_module_structure" {
  enabled = false
}
