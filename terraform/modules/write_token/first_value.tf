# Made by AWS, handed over while Terraform applies, and kept in neither plan nor state.
ephemeral "aws_secretsmanager_random_password" "first" {
  password_length     = 40
  exclude_punctuation = true
}

locals {
  first_value = ephemeral.aws_secretsmanager_random_password.first.random_password
}
