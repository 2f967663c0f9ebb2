//! The binary as people and scripts use it: started as a process, watched from outside.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print")]

mod audit_log;
mod balancer;
mod commands;
mod data;
mod declared;
mod documents;
mod faults;
mod http;
mod keys;
mod logout;
mod nodes;
mod operating;
mod person;
mod postgres;
mod retention;
mod rolling;
mod running;
mod scale;
mod serving;
mod traces;
mod webhooks;
