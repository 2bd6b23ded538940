//! PEM blocks, certificates, keys, CRLs and signatures as owned views without judgement.
