//! From flags and environment to a deployment that can be judged.
