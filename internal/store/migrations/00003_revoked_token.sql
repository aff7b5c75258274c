-- +goose Up

-- Tokens that count no more, until they would have expired anyway.
CREATE TABLE revoked_token (
    id       TEXT PRIMARY KEY,
    until_at BIGINT NOT NULL
);
