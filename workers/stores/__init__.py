"""DynamoDB, behind narrow protocols: sessions and their journal, opt-outs, counted failures."""
