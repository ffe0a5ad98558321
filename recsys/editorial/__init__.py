"""Editorial control: rules of editors that overrule the ranking of feeds."""
