#![doc = include_str!("ARCHITECTURE.md")]

pub mod wire;

pub mod fsm;
pub mod rib;

pub mod accept;
pub mod advertise;
pub mod peering;

pub mod config;
pub mod metrics;
pub mod speaker;

pub mod control;

pub mod cli;
