# Tables of what the workers know, and private buckets: agents' files, deferred messages that are too
# big for a schedule, and the configuration.

locals {
  config       = "config"
  bucket_names = { for bucket in concat(keys(var.buckets), [local.config]) : bucket => "${var.name}-${bucket}-${var.account_id}" }
}

resource "aws_dynamodb_table" "table" {
  for_each = var.tables

  name                        = each.value.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.partition_key
  range_key                   = each.value.sort_key
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = compact([each.value.partition_key, each.value.sort_key])
    content {
      name = attribute.value
      type = "S"
    }
  }
  ttl {
    attribute_name = each.value.ttl_attribute
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_s3_bucket" "bucket" {
  #checkov:skip=CKV_AWS_18:Access logs would keep customers' addresses once more; CloudTrail's data events tell the same where they are wanted.
  #checkov:skip=CKV_AWS_144:Files live for days, beside a Connect instance that is in one Region too; switchboard.toml comes from its repository.
  #checkov:skip=CKV2_AWS_62:Nobody waits for an object to come or go: workers know the names of what they put.
  for_each = local.bucket_names

  bucket        = each.value
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each = aws_s3_bucket.bucket

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket" {
  for_each = aws_s3_bucket.bucket

  bucket = each.value.id

  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  for_each = local.bucket_names

  statement {
    sid     = "OnlyOverTls"
    effect  = "Deny"
    actions = ["s3:*"]
    resources = [
      "arn:${var.partition}:s3:::${each.value}",
      "arn:${var.partition}:s3:::${each.value}/*",
    ]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "bucket" {
  for_each = aws_s3_bucket.bucket

  bucket = each.value.id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  # Both change the bucket's policies, and S3 refuses two at a time.
  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

resource "aws_s3_bucket_lifecycle_configuration" "bucket" {
  for_each = var.buckets

  bucket = aws_s3_bucket.bucket[each.key].id

  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = each.value
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_versioning" "config" {
  bucket = aws_s3_bucket.bucket[local.config].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_object" "configuration" {
  bucket       = aws_s3_bucket.bucket[local.config].id
  key          = "switchboard.toml"
  source       = var.configuration_file
  source_hash  = filemd5(var.configuration_file)
  content_type = "application/toml"

  depends_on = [aws_s3_bucket_versioning.config, aws_s3_bucket_server_side_encryption_configuration.bucket]
}
