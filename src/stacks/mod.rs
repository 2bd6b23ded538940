//! What each client TLS stack accepts: cited data per stack, one evaluator.
