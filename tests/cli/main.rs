//! oauthctl as its user meets it: every test runs the program and looks at what it prints and leaves behind.

mod bad_input;
mod completion;
mod exit_codes;
mod gen_jwk;
mod generated;
mod init;
mod jwks;
mod metadata;
mod sessions_list;
mod sessions_show;
mod settings;
mod support;
