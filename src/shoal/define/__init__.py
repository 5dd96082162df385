"""Say who matters: features and rules, one definition and one meaning for every clock."""
