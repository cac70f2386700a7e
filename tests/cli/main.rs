//! oauthctl as its user meets it: every test runs the program and looks at what it prints and leaves behind.

mod app;
mod bad_arguments;
mod bad_keys;
mod bad_stores;
mod completion;
mod database;
mod doctor;
mod exit_codes;
mod faults;
mod gen_jwk;
mod generated;
mod init;
mod interrupts;
mod jwks;
mod key_files;
mod keys;
mod keys_list;
mod keys_promote;
mod keys_retire;
mod keys_rotate;
mod layouts;
mod malformed;
mod metadata;
mod metrics;
mod npmx;
mod playground;
mod precedents;
mod prune;
mod prune_inactive;
mod readme;
mod recover;
mod refresh;
mod refresh_redis;
mod refresh_trouble;
mod refused_writes;
mod revoke;
mod revoke_trouble;
mod samples;
mod sandbox;
mod secrets;
mod servers;
mod sessions_list;
mod sessions_select;
mod sessions_show;
mod sessions_stats;
mod settings;
mod states;
mod stores;
mod transfer;
mod upgrade;
mod upstash;
mod verbose;

#[path = "../playground/world.rs"]
#[allow(dead_code, reason = "the playground needs more of it")]
mod world;
