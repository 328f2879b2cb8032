# A versioned bucket that is never public and accepts only TLS.

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18:Access to a bucket is logged into the bucket that is named; the log bucket cannot name itself, or each log would write the next
  # checkov:skip=CKV_AWS_144:All environments of an account live in one region; a state is of no use where its resources are not, and every version of it can be had back
  # checkov:skip=CKV_AWS_145:States are encrypted with KMS; load balancers can write their logs with S3's own keys only
  bucket = var.name
}

# Each earlier version can be restored.
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    bucket_key_enabled = var.is_encrypted_with_kms

    apply_server_side_encryption_by_default {
      sse_algorithm = var.is_encrypted_with_kms ? "aws:kms" : "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    object_ownership = "BucketOwnerEnforced" # access is decided by policies, not by lists beside each object
  }
}

resource "aws_s3_bucket_logging" "this" {
  count = var.access_log_bucket_name == null ? 0 : 1

  bucket        = aws_s3_bucket.this.bucket
  target_bucket = var.access_log_bucket_name
  target_prefix = "${var.name}/"
}

# Consumers of changes can subscribe on EventBridge; it costs nothing without a rule.
resource "aws_s3_bucket_notification" "this" {
  bucket      = aws_s3_bucket.this.bucket
  eventbridge = true
}
