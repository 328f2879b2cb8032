# The permissions of a pull request, what main built, and what a refresh also reads: the write tokens, to check that they
# exist, and functions' environment variables, which Lambda decrypts as the caller. Without that, each plan would set them
# again.
locals {
  write_tokens = [for own in local.own : "arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/service/write-token-*"]
}

locals {
  drift = concat(local.plan, [
    { Sid = "ReadArtifacts", Action = ["s3:GetObject"], Resource = [local.artifacts] },
    { Sid = "DescribeImages", Action = ["ecr:BatchGetImage", "ecr:DescribeImages"], Resource = [local.registry_arn] },
    { Sid = "GetWriteTokens", Action = ["secretsmanager:GetSecretValue"], Resource = local.write_tokens },
    # Each is encrypted with its environment's key, whose id is not known here.
    {
      Sid       = "DecryptWriteTokens"
      Action    = ["kms:Decrypt"]
      Resource  = ["arn:${local.partition}:kms:${local.place}:key/*"]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" }, StringLike = { "kms:EncryptionContext:SecretARN" = local.write_tokens } }
    },
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    {
      Sid       = "DecryptFunctionVariables"
      Action    = ["kms:Decrypt"]
      Resource  = ["arn:${local.partition}:kms:${local.place}:key/*"]
      Condition = { StringEquals = { "kms:ViaService" = "lambda.${var.region}.amazonaws.com" }, StringLike = { "kms:EncryptionContext:aws:lambda:FunctionArn" = [for own in local.own : "arn:${local.partition}:lambda:${local.place}:function:${own}-*"] } }
    },
  ])
}
