//! Compose files with places, read as Compose reads them.
