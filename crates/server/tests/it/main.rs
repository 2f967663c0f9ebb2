//! The binary as people and scripts use it: started as a process, watched from outside.

mod commands;
mod faults;
mod http;
mod retention;
mod running;
mod serving;
