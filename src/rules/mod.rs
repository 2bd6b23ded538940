//! Rules: a finding each, one file per theme.
