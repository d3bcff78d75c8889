"""Commands of the kit: `payme_check`, `payme_expire`, `payme_statement`."""
