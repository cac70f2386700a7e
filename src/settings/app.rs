//! What apps call their own variables and files: where oauthctl looks when nobody has told it anything.

/// The variables with keys, in the order in which they are looked at.
pub const KEY_VARIABLES: [&str; 4] = ["NUXT_OAUTH_JWK_ONE", "OAUTH_JWK_ONE", "PRIVATE_KEYS", "PRIVATE_KEY"];

/// The variable with the address of a Redis.
pub const REDIS_VARIABLE: &str = "REDIS_URL";

/// The variables of a Redis over REST: its address and its token.
pub const REST_VARIABLES: [(&str, &str); 3] = [
    ("UPSTASH_KV_REST_API_URL", "UPSTASH_KV_REST_API_TOKEN"),
    ("KV_REST_API_URL", "KV_REST_API_TOKEN"),
    ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
];

/// The variable with the path of a database.
pub const DATABASE_VARIABLE: &str = "DATABASE_PATH";

/// What a database is called by default.
pub const DATABASE: &str = "app.db";
