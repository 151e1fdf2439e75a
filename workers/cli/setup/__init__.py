"""`switchboard setup`: makes what the Terraform provider cannot, as often as it is run."""
