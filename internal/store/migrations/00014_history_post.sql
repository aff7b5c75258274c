-- +goose Up

-- How far the history was posted on to an external Core, by sequence of the chain, and which replica does so until when.
CREATE TABLE history_post (
    id       SMALLINT PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL,
    holder   TEXT NOT NULL,
    until_at BIGINT NOT NULL
);
