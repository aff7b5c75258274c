-- Each history entry's place in a chain of hashes. It is given after the entry was stored, so history itself is never
-- written to again. Entries of before get theirs when Portico runs.

-- +goose Up

CREATE TABLE history_chain (
    sequence BIGINT PRIMARY KEY,
    entry_id TEXT NOT NULL UNIQUE,
    previous BYTEA NOT NULL,
    hash     BYTEA NOT NULL
);

-- The chain's end. Whoever seals holds this row.
CREATE TABLE history_head (
    id        SMALLINT PRIMARY KEY CHECK (id = 1),
    sequence  BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    newest_at BIGINT NOT NULL
);
INSERT INTO history_head (id, sequence, hash, newest_at) VALUES (1, 0, '', 0);

CREATE TABLE history_checkpoint (
    sequence  BIGINT PRIMARY KEY,
    hash      BYTEA NOT NULL,
    at        BIGINT NOT NULL,
    kid       TEXT NOT NULL,
    signature BYTEA NOT NULL
);

-- What signs checkpoints, the private half sealed.
CREATE TABLE history_key (
    kid        TEXT PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    sealed_by  TEXT NOT NULL,
    public     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
