//! The conversation with authorization servers, and what a client tells them about itself.

pub mod client_metadata;
