//! A large table.
