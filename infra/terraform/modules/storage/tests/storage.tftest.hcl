# What is kept, for how long, and that nobody else reads it; on a provider that plays AWS.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  # Each its own, so that a bucket which is mistaken for another is seen.
  override_resource {
    target = aws_s3_bucket.bucket["media"]
    values = { id = "test-media-111122223333" }
  }
  override_resource {
    target = aws_s3_bucket.bucket["config"]
    values = { id = "test-config-111122223333" }
  }
}

variables {
  name               = "test"
  account_id         = "111122223333"
  tables             = { sessions = { name = "test-sessions", partition_key = "pk", sort_key = "sk", ttl_attribute = "exp" }, people = { name = "test-people", partition_key = "pk", sort_key = null, ttl_attribute = "exp" } }
  buckets            = { media = 7 }
  kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/ours"
  configuration_file = "../../examples/minimal/switchboard.toml"
}

run "tables_cost_what_is_used_and_forget_what_is_old" {
  command = plan

  assert {
    condition     = toset(values(aws_dynamodb_table.table)[*].billing_mode) == toset(["PAY_PER_REQUEST"])
    error_message = "On demand: nobody foresees how many will text."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.table : one(table.ttl).enabled && one(table.ttl).attribute_name == "exp"])
    error_message = "Old items go by themselves."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.table : one(table.point_in_time_recovery).enabled])
    error_message = "A table can be had as it was at any minute of the last weeks."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.table : one(table.server_side_encryption).enabled && one(table.server_side_encryption).kms_key_arn == var.kms_key_arn])
    error_message = "A table is encrypted with another key."
  }
  assert {
    condition     = alltrue([for table in aws_dynamodb_table.table : table.deletion_protection_enabled])
    error_message = "A table is not deleted by mistake."
  }
  assert {
    condition = alltrue([for name, table in aws_dynamodb_table.table : table.name == var.tables[name].name
      && table.hash_key == "pk" && table.range_key == var.tables[name].sort_key
    && toset(table.attribute[*].name) == toset(compact(["pk", var.tables[name].sort_key]))])
    error_message = "A table's keys are the topology's."
  }
}

run "buckets_are_private_and_encrypted_and_files_go_by_themselves" {
  command = plan

  assert {
    condition     = { for name, bucket in aws_s3_bucket.bucket : name => bucket.bucket } == { media = "test-media-111122223333", config = "test-config-111122223333" }
    error_message = "The topology's buckets, and one for the configuration."
  }
  assert {
    condition = keys(aws_s3_bucket_public_access_block.bucket) == keys(aws_s3_bucket.bucket) && alltrue(flatten([for block in aws_s3_bucket_public_access_block.bucket : [
      block.block_public_acls, block.block_public_policy, block.ignore_public_acls, block.restrict_public_buckets,
    ]]))
    error_message = "No bucket is anybody's, whatever its policy or an object's list may say."
  }
  assert {
    condition = alltrue([for name, bucket in aws_s3_bucket.bucket :
      aws_s3_bucket_public_access_block.bucket[name].bucket == bucket.id
      && aws_s3_bucket_policy.bucket[name].bucket == bucket.id
    && aws_s3_bucket_server_side_encryption_configuration.bucket[name].bucket == bucket.id])
    error_message = "Each bucket has its own."
  }
  assert {
    condition = alltrue([for one in aws_s3_bucket_server_side_encryption_configuration.bucket :
      one(one(one.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
      && one(one(one.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    && one(one.rule).bucket_key_enabled])
    error_message = "Objects are encrypted with our key, and KMS is not asked for each."
  }
  assert {
    condition = alltrue([for document in data.aws_iam_policy_document.bucket : one(document.statement).effect == "Deny"
    && one(one(document.statement).condition).variable == "aws:SecureTransport" && tolist(one(one(document.statement).condition).values) == tolist(["false"])])
    error_message = "The policy lets nobody in, and nobody without TLS."
  }
  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.bucket : !bucket.force_destroy])
    error_message = "A bucket that is not empty is not deleted by mistake."
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_lifecycle_configuration.bucket)) == toset(keys(var.buckets))
    error_message = "All buckets but the configuration's."
  }
  assert {
    condition = alltrue([for name, one in aws_s3_bucket_lifecycle_configuration.bucket :
      one(one.rule).status == "Enabled" && one(one(one.rule).expiration).days == var.buckets[name]
    && one(one(one.rule).abort_incomplete_multipart_upload).days_after_initiation == 1])
    error_message = "Objects go after as many days as the topology says, and halves of objects at once."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.bucket["media"].bucket == aws_s3_bucket.bucket["media"].id
    error_message = "The media bucket's rule is its own."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.config.versioning_configuration).status == "Enabled" && aws_s3_bucket_versioning.config.bucket == aws_s3_bucket.bucket["config"].id
    error_message = "Workers name a version of their configuration; without versions there is none to go back to."
  }
  assert {
    condition     = aws_s3_object.configuration.source_hash == filemd5(var.configuration_file) && aws_s3_object.configuration.bucket == aws_s3_bucket.bucket["config"].id
    error_message = "Another content is another version."
  }
}

run "what_is_to_be_thrown_away_can_be" {
  command = plan
  variables { deletion_protection = false }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.table : !table.deletion_protection_enabled]) && alltrue([for bucket in aws_s3_bucket.bucket : bucket.force_destroy])
    error_message = "Both go."
  }
}
