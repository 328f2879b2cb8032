resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.old_version_days == null ? 0 : 1

  bucket = aws_s3_bucket.this.bucket

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    dynamic "expiration" {
      for_each = var.object_days == null ? [] : [var.object_days]

      content {
        days = expiration.value
      }
    }

    noncurrent_version_expiration {
      noncurrent_days = var.old_version_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Rules about versions are accepted only once there are versions.
  depends_on = [aws_s3_bucket_versioning.this]
}
