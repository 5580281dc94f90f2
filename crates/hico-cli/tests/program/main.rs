//! The program as a person meets it: its words, its exit codes, and what it leaves on the disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]

mod setting;

mod audit;
mod commands;
mod compare;
mod embed;
mod explain;
mod export;
#[cfg(unix)]
mod hints;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod kills;
mod numbers;
mod phi;
mod predict;
mod recipes;
mod refusals;
mod serve;
#[cfg(unix)]
mod signals;
mod tables;
mod threads;
mod words;
#[cfg(target_os = "linux")]
mod write_failures;
