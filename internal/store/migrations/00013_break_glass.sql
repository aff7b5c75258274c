-- +goose Up

-- Files that let somebody in without the identity provider, once. No secret is kept, only hashes.
CREATE TABLE break_glass (
    id           TEXT PRIMARY KEY,
    label        TEXT NOT NULL,
    secret_hash  TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    valid_until  BIGINT NOT NULL,
    used_at      BIGINT NOT NULL,
    ticket_hash  TEXT NOT NULL,
    ticket_until BIGINT NOT NULL,
    redeemed_at  BIGINT NOT NULL,
    browser_hash TEXT NOT NULL,
    session_ref  TEXT NOT NULL,
    revoked_at   BIGINT NOT NULL
);
CREATE INDEX break_glass_ticket ON break_glass (ticket_hash);
