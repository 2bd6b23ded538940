//! The real tree, and the only writer.
//!
//! | file | what lives there |
//! |---|---|
//! | [`DiskTree`] (`tree.rs`) | reads below DIR and what flags name, nothing else |
//! | `walk.rs` | the way to a file, folder by folder, held open so that nothing can be swapped on it |

mod tree;
mod walk;

pub use tree::DiskTree;
