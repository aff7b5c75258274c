-- +goose Up

-- The change that is on probation, at most one. undo is how it is taken back, as JSON.
CREATE TABLE probation (
    id       SMALLINT PRIMARY KEY CHECK (id = 1),
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    name     TEXT NOT NULL,
    at       BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    left_set TEXT NOT NULL,
    iam_roles TEXT NOT NULL,
    undo     TEXT NOT NULL
);
