//! The real tree, and the only writer.
//!
//! | file | what lives there |
//! |---|---|
//! | [`books`] | the CA's books: ledger, folders of fresh files, lock
//! | [`DiskTree`] (`tree.rs`) | reads below DIR and what flags name, nothing else |
//! | [`write_report`] (`report.rs`) | `-o FILE`, atomically |
//! | `walk.rs` | the way to a file, folder by folder, held open so that nothing can be swapped on it |

pub mod books;
mod report;
mod tree;
mod walk;

pub use report::write_report;
pub use tree::DiskTree;
