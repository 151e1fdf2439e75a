"""What comes of the scaling policies: simulated from the policies in Terraform's plan.

`python -m bench.scaling` plans, simulates, and writes `docs/scaling.svg` and the table of
`docs/scaling.md` anew.
"""
