//! Which edits `check --fix` makes.
