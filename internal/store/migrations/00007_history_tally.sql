-- +goose Up

-- So that entries are counted by day, action and type from the index alone.
DROP INDEX history_action;
CREATE INDEX history_action ON history (action, created_at, entity_type, organisation_id);
