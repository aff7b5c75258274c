-- +goose Up

-- Organisations whose mappings two administrators change together.
CREATE TABLE four_eyes (
    organisation_id TEXT PRIMARY KEY
);

-- Changes that wait for the second one, or did. change is JSON; state is OPEN, APPROVED, REFUSED, WITHDRAWN or EXPIRED.
CREATE TABLE change_request (
    id            TEXT PRIMARY KEY,
    issuer        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    name          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    at            BIGINT NOT NULL,
    until_at      BIGINT NOT NULL,
    organisations TEXT NOT NULL,
    change        TEXT NOT NULL,
    state         TEXT NOT NULL,
    closed_at     BIGINT NOT NULL
);
CREATE INDEX change_request_state ON change_request (state, at);
