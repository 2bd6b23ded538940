//! The real tree, and the only writer.
