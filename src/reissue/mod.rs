//! Reissue: the plan (pure) and the transaction.
