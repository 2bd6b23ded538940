//! A decision per client and for the whole project.
