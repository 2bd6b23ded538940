//! The CA's hand: build, sign, ledger, CRL.
