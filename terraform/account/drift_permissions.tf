# The permissions of a pull request, what main built, and what a refresh also reads: the write tokens, to check that they
# exist, and functions' environment variables, which Lambda decrypts as the caller. Without that, each plan would set them
# again.
locals {
  write_tokens = [for own in local.own : "arn:${local.partition}:secretsmanager:${local.place}:secret:${own}/service/write-token-*"]

  drift = concat(local.plan, [
    { Sid = "ReadArtifacts", Action = ["s3:GetObject"], Resource = [local.artifacts] },
    { Sid = "DescribeImages", Action = ["ecr:BatchGetImage", "ecr:DescribeImages"], Resource = [local.registry_arn] },
    { Sid = "GetWriteTokens", Action = ["secretsmanager:GetSecretValue"], Resource = local.write_tokens },
    # Each is encrypted with its environment's key, whose id is not known here. Whether AWS decrypts schedules as the caller is
    # not documented. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    ], [for sid, context in {
      DecryptWriteTokens       = { "kms:EncryptionContext:SecretARN" = local.write_tokens }
      DecryptFunctionVariables = { "kms:EncryptionContext:aws:lambda:FunctionArn" = [for own in local.own : "arn:${local.partition}:lambda:${local.place}:function:${own}-*"] }
      DecryptSchedules         = { "kms:EncryptionContext:aws:scheduler:schedule:arn" = [for own in local.own : "arn:${local.partition}:scheduler:${local.place}:schedule/${own}-*"] }
    } : { Sid = sid, Action = ["kms:Decrypt"], Resource = ["arn:${local.partition}:kms:${local.place}:key/*"], Condition = { StringLike = context } }
  ])
}
