-- +goose Up

-- Which entries of the history tell of a change of roles and IAM roles, and the version of the model that it made. The history
-- itself takes entries of other services too, which may look the same.
CREATE TABLE history_change (
    entry_id  TEXT PRIMARY KEY,
    version   BIGINT NOT NULL,
    entity_id TEXT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX history_change_entity ON history_change (entity_id, version);
CREATE INDEX history_change_at ON history_change (at, version);
