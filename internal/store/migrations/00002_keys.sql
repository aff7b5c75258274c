-- activated_at of a next key is when it is planned to sign. sealed_by names the key-encryption key.

-- +goose Up

ALTER TABLE signing_key ADD COLUMN sealed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE signing_key ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;

-- Who fetched the published keys last, and which (JSON list of kids).
CREATE TABLE verifier (
    name       TEXT NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    fetched_at BIGINT NOT NULL,
    kids       TEXT NOT NULL,
    PRIMARY KEY (name, address, agent)
);
CREATE INDEX verifier_fetched ON verifier (fetched_at);
