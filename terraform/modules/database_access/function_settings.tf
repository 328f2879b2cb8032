# What the functions have in common: where they are, what they run on, and which database they are for.

locals {
  # A function's ARN is spelled out rather than read from it, because it is made only after the permissions that name it.
  function_arn_prefix = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:function:"

  # Null where there is no package: a precondition of the first function says so, once and in words.
  package_hash = try(filebase64sha256(var.package_file), null)

  runtime       = "python3.13"
  architectures = ["arm64"]
  memory_size   = 512 # MiB
  timeout       = 180 # seconds; up to 90 of them waiting for RDS to finish a rotation of the master's secret

  database_environment = {
    DATABASE_HOST     = var.database.address
    DATABASE_PORT     = tostring(var.database.port)
    DATABASE_NAME     = var.database.name
    MASTER_SECRET_ARN = var.database.master_secret_arn
  }
}
