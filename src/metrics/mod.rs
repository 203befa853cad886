//! Prometheus metrics: names, help and labels.
