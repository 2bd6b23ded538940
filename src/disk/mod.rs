//! The real tree, and the only writer.
//!
//! | file | what lives there |
//! |---|---|
//! | [`books`] | the CA's books: ledger, folders of fresh files, lock |
//! | [`DiskTree`] (`tree.rs`) | reads below DIR and what flags name, nothing else |
//! | [`Folder`] (`folder.rs`) | the writer: a folder held open, and what is done in it |
//! | [`Staged`] (`staged.rs`) | a new file, complete and durable, before it has its name |
//! | [`together`] | new files that appear together or not at all |
//! | [`Attributes`] (`attributes.rs`) | owner, mode, ACL and labels that a replacement keeps |
//! | [`DiskError`] (`error.rs`) | why a place refuses a change, and what to do |
//! | [`write_report`] (`report.rs`) | `-o FILE`, atomically |
//! | `calls.rs` | calls that a signal may interrupt |
//! | `git.rs` | whether git tracks a file |
//! | `open.rs` | folders that stay open, so that the way to them is walked once |
//! | `walk.rs` | the way to a file, folder by folder, held open so that nothing can be swapped on it |

mod attributes;
pub mod books;
mod calls;
mod error;
mod folder;
mod git;
mod open;
mod report;
mod staged;
pub mod together;
mod tree;
mod walk;

pub use attributes::Attributes;
pub use error::{DiskError, Reason};
pub use folder::{Existing, Folder};
pub use git::index_has;
pub use report::write_report;
pub use staged::Staged;
pub use tree::DiskTree;
