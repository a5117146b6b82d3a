//! Coordination between processes: claims, heartbeats, requests to an agent, reservations of slots, and what an
//! earlier agent left behind. All of it is files that people can read.

pub mod claim;
pub mod heartbeat;
pub mod leftover;
pub mod requests;
pub mod reservation;
pub mod view;
