# A versioned bucket that is never public and accepts only TLS.

# trivy:ignore:AWS-0089 The log bucket itself has none: it would log each delivery of a log. Other buckets log into it.
resource "aws_s3_bucket" "this" {
  bucket = var.name
}

# Each earlier version can be restored.
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.bucket

  versioning_configuration { status = "Enabled" }
}

# trivy:ignore:AWS-0132 States are encrypted with the AWS managed KMS key; load balancers can deliver logs only to buckets with SSE-S3.
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    bucket_key_enabled = var.is_encrypted_with_kms

    apply_server_side_encryption_by_default { sse_algorithm = var.is_encrypted_with_kms ? "aws:kms" : "AES256" }
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    object_ownership = "BucketOwnerEnforced" # access is decided by policies, not by lists of each object
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
